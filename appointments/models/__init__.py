"""The tables, a room a subject; others import them from here."""

from appointments.models.file_imports import FileImport, RejectedRow
from appointments.models.patients import IDENTITY, ConsentSource, FormerIdentity, Patient, PatientQuerySet
from appointments.models.phone_calls import CallOutcome, PatientToPhone, PhoneCall
from appointments.models.reminders import Reminder, ReminderQuerySet, ReminderState
from appointments.models.visits import (
    LIVE,
    MAX_DURATION_MINUTES,
    TRANSITIONS,
    Appointment,
    AppointmentQuerySet,
    AppointmentStatus,
    Closure,
)

__all__ = [
    "IDENTITY",
    "LIVE",
    "MAX_DURATION_MINUTES",
    "TRANSITIONS",
    "Appointment",
    "AppointmentQuerySet",
    "AppointmentStatus",
    "CallOutcome",
    "Closure",
    "ConsentSource",
    "FileImport",
    "FormerIdentity",
    "Patient",
    "PatientQuerySet",
    "PatientToPhone",
    "PhoneCall",
    "RejectedRow",
    "Reminder",
    "ReminderQuerySet",
    "ReminderState",
]
