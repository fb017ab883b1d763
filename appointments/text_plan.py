"""Which texts a visit would bring, before it is booked: by the functions that plan and write them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from accounts.models import Clinic
from appointments.call_list import WORDS, why_no_text
from appointments.models import Appointment, Patient
from appointments.reminding import (
    LATEST_NOTICE,
    preview_text,
    reminders_for,
    useless_after,
)
from messaging.dispatch import sending_is_on
from messaging.models import TemplateKey
from messaging.numbers import bad_numbers
from messaging.quiet_hours import next_allowed
from messaging.services import opted_out
from messaging.template_book import Text


@dataclass(frozen=True, slots=True)
class PlannedText:
    """A text as the patient will read it. `leaves_at` is on the clinic's clock; None: at once."""

    kind: str
    leaves_at: datetime | None
    text: Text


@dataclass(frozen=True, slots=True)
class TextPlan:
    """What would be sent. Where `why_none` has words, nothing is."""

    texts: list[PlannedText]
    why_none: str
    # What stops all texts for now.
    is_switched_off: bool = False


def texts_to_come(
    *, clinic: Clinic, patient: Patient, starts_at: datetime, language: str = "", now: datetime
) -> TextPlan:
    """For a visit at `starts_at` of a patient who may not be stored yet. A bounded number of queries."""
    language = language or clinic.default_language
    visit = Appointment(clinic=clinic, patient=patient, starts_at=starts_at, language=language)
    phone = patient.phone
    code = why_no_text(visit, stopped=bool(opted_out([phone])), bad=False)
    if code:
        return TextPlan([], str(WORDS[code]))
    texts = _confirmation(visit, now) + _reminders(visit, now)
    why_none = "" if texts else _why_no_rule(clinic, starts_at, now)
    if texts and bad_numbers([phone]):
        why_none = str(WORDS["bad_number"])
    return TextPlan(texts, why_none, is_switched_off=not sending_is_on())


def _why_no_rule(clinic: Clinic, starts_at: datetime, now: datetime) -> str:
    if not clinic.reminder_hours_before:
        return _("This clinic sends no reminders.")
    if starts_at - now <= LATEST_NOTICE:
        return _("The visit is less than two hours away: a reminder would come too late.")
    return _("A reminder would leave too late to be of use.")


def _confirmation(visit: Appointment, now: datetime) -> list[PlannedText]:
    clinic = visit.clinic
    leaves = next_allowed(now, clinic)
    if not clinic.send_confirmations or leaves >= visit.starts_at - LATEST_NOTICE:
        return []
    text = preview_text(visit, visit.patient, clinic, key=TemplateKey.CONFIRMATION)
    return [PlannedText(_("Confirmation"), _at(leaves, clinic, now), text)]


def _reminders(visit: Appointment, now: datetime) -> list[PlannedText]:
    clinic, found = visit.clinic, []
    text = preview_text(visit, visit.patient, clinic)
    for reminder in reminders_for(visit, clinic.reminder_hours_before, now):
        leaves = next_allowed(max(reminder.due_at, now), clinic)
        if leaves < useless_after(visit.starts_at, reminder.hours_before):
            found.append(PlannedText(_("Reminder"), _at(leaves, clinic, now), text))
    return found


def _at(leaves: datetime, clinic: Clinic, now: datetime) -> datetime | None:
    return None if leaves <= now + timedelta(minutes=1) else leaves.astimezone(clinic.zone)
