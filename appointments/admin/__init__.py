from appointments.admin import appointments, file_imports, patients, reminders, replies

__all__ = ["appointments", "file_imports", "patients", "reminders", "replies"]
