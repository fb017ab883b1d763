from django.apps import AppConfig


class ClinicRemindersConfig(AppConfig):
    """Installed last, so that its post_migrate signal comes after every table is there."""

    name = "clinic_reminders"
