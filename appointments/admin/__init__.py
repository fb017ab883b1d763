from appointments.admin import appointments, call_list, file_imports, patients, reminders

__all__ = ["appointments", "call_list", "file_imports", "patients", "reminders"]
