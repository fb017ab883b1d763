from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AppointmentsConfig(AppConfig):
    name = "appointments"
    verbose_name = _("Appointments")

    def ready(self) -> None:
        from appointments.notices import take_note_of_ended
        from appointments.reminding import SUBJECT
        from appointments.sending_guard import refuse
        from messaging import guards
        from messaging.signals import messages_ended

        guards.register(SUBJECT, refuse)
        messages_ended.connect(take_note_of_ended, dispatch_uid="appointments.reminding")
