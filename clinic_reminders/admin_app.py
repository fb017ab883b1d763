from django.contrib.admin.apps import AdminConfig


class ClinicRemindersAdminConfig(AdminConfig):
    default_site = "clinic_reminders.admin_site.ClinicRemindersSite"
