from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AppointmentsConfig(AppConfig):
    name = "appointments"
    verbose_name = _("Appointments")

    def ready(self) -> None:
        from accounts.signals import clinic_changed
        from appointments import watching as reminders_watched
        from appointments.consent import people_at
        from appointments.notices import take_note_of_ended
        from appointments.reminding import SUBJECT, take_note_of_followed
        from appointments.replanning import take_note_of_new_rules
        from appointments.replies import take_reply
        from appointments.scheduled_texts import write_again
        from appointments.sending_guard import refuse
        from messaging import guards, recipients, watching
        from messaging.signals import messages_ended, messages_followed, reply_came

        guards.register(SUBJECT, refuse)
        recipients.register(people_at)
        watching.register("reminders", reminders_watched.KINDS, reminders_watched.check)
        messages_ended.connect(take_note_of_ended, dispatch_uid="appointments.reminding")
        messages_followed.connect(take_note_of_followed, dispatch_uid="appointments.reminding")
        reply_came.connect(take_reply, dispatch_uid="appointments.replies")
        messages_ended.connect(write_again, dispatch_uid="appointments.scheduled_texts")
        clinic_changed.connect(take_note_of_new_rules, dispatch_uid="appointments.replanning")
