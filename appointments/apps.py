from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AppointmentsConfig(AppConfig):
    name = "appointments"
    verbose_name = _("Appointments")

    def ready(self) -> None:
        from appointments.reminding import SUBJECT, take_note_of_ended, take_note_of_followed
        from appointments.replies import take_reply
        from appointments.sending_guard import refuse
        from messaging import guards
        from messaging.signals import messages_ended, messages_followed, reply_came

        guards.register(SUBJECT, refuse)
        messages_ended.connect(take_note_of_ended, dispatch_uid="appointments.reminding")
        messages_followed.connect(take_note_of_followed, dispatch_uid="appointments.reminding")
        reply_came.connect(take_reply, dispatch_uid="appointments.replies")
