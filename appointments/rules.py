"""Rules about one visit, the same for forms, calls and files. Each raises a DomainError in plain words."""

from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import Clinic
from appointments.models import TRANSITIONS, AppointmentStatus
from common.errors import StateConflict, ValidationFailed


def refuse_past(starts_at: datetime, now: datetime) -> None:
    if starts_at <= now:
        raise ValidationFailed.on("appointment_datetime", _("This time is in the past."))


def refuse_early_attendance(starts_at: datetime, clinic: Clinic, now: datetime) -> None:
    if starts_at.astimezone(clinic.zone).date() > now.astimezone(clinic.zone).date():
        raise StateConflict(_("Attendance can't be marked before the day of the visit."))


def refuse_transition(before: str, after: str) -> None:
    if after not in TRANSITIONS[before]:
        raise StateConflict(
            _("An appointment that is %(before)s can't become %(after)s.")
            % {
                "before": AppointmentStatus(before).label,
                "after": AppointmentStatus(after).label,
            }
        )
