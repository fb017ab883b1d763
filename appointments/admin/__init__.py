from appointments.admin import appointments, file_imports, patients, reminders

__all__ = ["appointments", "file_imports", "patients", "reminders"]
