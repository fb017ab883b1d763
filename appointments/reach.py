"""What a patient knows of a visit: did the reminder come, is it on its way, can they be reached at all?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import F
from django.utils.translation import gettext as _

from appointments.call_list import (
    NO_RECEIPT_AFTER,
    NOT_GONE,
    WORDS,
    last_texts,
    telling_providers,
    why_no_text,
)
from appointments.models import Appointment, CallOutcome, PhoneCall, Reminder, ReminderState
from common.dates import day_in_words
from messaging.models import Message, MessageStatus
from messaging.numbers import bad_numbers
from messaging.services import opted_out


class Tone(Enum):
    """How a state is to be read at a glance."""

    GOOD = "good"
    UNDER_WAY = "under_way"
    TO_COME = "to_come"
    BAD = "bad"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Reach:
    """`code` for programs, `words` for the nurse; `at` is when it happened or will, where that is known."""

    code: str
    tone: Tone
    words: str
    at: datetime | None = None

    def moment(self, zone: ZoneInfo) -> str:
        """ "Tue 1 Dec, 09:30" on the clinic's clock."""
        if self.at is None:
            return ""
        there = self.at.astimezone(zone)
        return f"{day_in_words(there, year=False)}, {there:%H:%M}"


@dataclass(frozen=True, slots=True)
class _Facts:
    texts: Mapping[UUID, Sequence[Message]]
    planned: Mapping[UUID, datetime]
    phoned: set[UUID]
    stopped: set[str]
    bad: set[str]
    telling: set[str]
    now: datetime


def reaches(appointments: Sequence[Appointment], *, now: datetime) -> dict[UUID, Reach]:
    """For each of these visits, in five queries. They come with clinic and patient."""
    keys = [appointment.pk for appointment in appointments]
    phones = {appointment.patient.phone for appointment in appointments}
    present = Reminder.objects.filter(
        appointment__in=keys, visit_at=F("appointment__starts_at"), state=ReminderState.PLANNED
    )
    called = PhoneCall.objects.filter(
        appointment__in=keys, visit_at=F("appointment__starts_at"), outcome=CallOutcome.REACHED
    )
    facts = _Facts(
        texts=last_texts(appointments),
        # The soonest one stays.
        planned=dict(present.order_by("-due_at").values_list("appointment_id", "due_at")),
        phoned=set(called.values_list("appointment_id", flat=True)),
        stopped=opted_out(phones),
        bad=set(bad_numbers(phones)),
        telling=set(telling_providers()),
        now=now,
    )
    return {appointment.pk: _reach(appointment, facts) for appointment in appointments}


def _reach(appointment: Appointment, facts: _Facts) -> Reach:
    if appointment.pk in facts.phoned:
        return Reach("phoned", Tone.GOOD, _("Reached by phone"))
    texts = facts.texts.get(appointment.pk, [])
    delivered = [text for text in texts if text.status == MessageStatus.DELIVERED]
    if delivered:
        return Reach("delivered", Tone.GOOD, _("Reminder delivered"), delivered[-1].delivered_at)
    phone = appointment.patient.phone
    code = why_no_text(appointment, stopped=phone in facts.stopped, bad=phone in facts.bad)
    return _said_by_texts(appointment, texts, code, facts) or _to_come(appointment, code, facts)


def _said_by_texts(
    appointment: Appointment, texts: Sequence[Message], code: str, facts: _Facts
) -> Reach | None:
    waiting = [text.send_at for text in texts if text.status == MessageStatus.QUEUED]
    if waiting and not code:
        at = min(waiting)
        return Reach("under_way", Tone.UNDER_WAY, _("Reminder on its way"), at if at > facts.now else None)
    if any(text.status == MessageStatus.SENDING for text in texts):
        return Reach("under_way", Tone.UNDER_WAY, _("Reminder on its way"))
    gone = [text for text in texts if text.status not in NOT_GONE]
    if not gone:
        return None
    last = gone[-1]
    if last.status != MessageStatus.SENT:
        return _unreached(code or why_no_text(appointment, texts=gone))
    if last.provider not in facts.telling:
        return Reach("sent", Tone.GOOD, _("Reminder sent"), last.sent_at)
    if last.sent_at is None or last.sent_at > facts.now - NO_RECEIPT_AFTER:
        return Reach("under_way", Tone.UNDER_WAY, _("Reminder on its way"))
    return _unreached("no_receipt")


def _to_come(appointment: Appointment, code: str, facts: _Facts) -> Reach:
    due_at = facts.planned.get(appointment.pk)
    if code:
        return _unreached(code)
    if due_at is not None:
        return Reach("planned", Tone.TO_COME, _("Reminder planned"), due_at)
    return Reach("none", Tone.NONE, _("No reminder"))


def _unreached(code: str) -> Reach:
    return Reach(code, Tone.BAD, _("Not reached: %(why)s") % {"why": WORDS[code]})


def never_reached(appointments: Sequence[Appointment]) -> dict[UUID, str]:
    """Whom no text of any kind will reach, with a code of WORDS; in two queries."""
    phones = {appointment.patient.phone for appointment in appointments}
    stopped, bad = opted_out(phones), set(bad_numbers(phones))
    found = {}
    for appointment in appointments:
        phone = appointment.patient.phone
        code = why_no_text(appointment, stopped=phone in stopped, bad=phone in bad)
        if code:
            found[appointment.pk] = code
    return found
