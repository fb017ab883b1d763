"""Rules about one visit, the same for forms, calls and files. Each raises a DomainError in plain words."""

from datetime import UTC, datetime

from django.utils.translation import gettext as _

from accounts.models import Clinic
from appointments.models import TRANSITIONS, AppointmentStatus
from common.errors import StateConflict, ValidationFailed

FIRST_YEAR, LAST_YEAR = 1990, 2100


def refuse_odd_year(starts_at: datetime) -> None:
    """A mistyped year; at the ends of the calendar nothing can be reckoned from a time."""
    if not FIRST_YEAR <= starts_at.year <= LAST_YEAR:
        raise ValidationFailed.on("appointment_datetime", _("Check the year."))


def on_clinics_clock(moment: datetime, clinic: Clinic) -> datetime:
    """`moment`, read on the clinic's clock where it has no offset."""
    refuse_odd_year(moment)
    if moment.tzinfo is not None:
        return moment
    meant = moment.replace(tzinfo=clinic.zone)
    if meant.astimezone(UTC).astimezone(clinic.zone).replace(tzinfo=None) != moment:
        raise ValidationFailed.on("appointment_datetime", _("The clocks skip this time on that day."))
    return meant


def refuse_out_of_bounds(starts_at: datetime, now: datetime) -> None:
    refuse_odd_year(starts_at)
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
