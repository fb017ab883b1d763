from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AppointmentsConfig(AppConfig):
    name = "appointments"
    verbose_name = _("Appointments")

    def ready(self) -> None:
        from appointments.reminding import SUBJECT
        from appointments.sending_guard import refuse
        from messaging import guards

        guards.register(SUBJECT, refuse)
