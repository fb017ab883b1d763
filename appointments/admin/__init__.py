from appointments.admin import appointments, call_list, closures, file_imports, patients, reminders, replies

__all__ = ["appointments", "call_list", "closures", "file_imports", "patients", "reminders", "replies"]
