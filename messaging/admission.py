"""The last check before a text leaves: may it, now? Asked of a whole batch in a bounded number of queries."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext_noop as _

from accounts.models import Clinic, ConsentPolicy
from common.among import among
from messaging import guards
from messaging.answers import Answer
from messaging.models import Channel, Message, MessageStatus
from messaging.quiet_hours import next_allowed
from messaging.services import opted_out

# When a text that had to wait for another day goes on.
MORNING = time(7)


@dataclass(frozen=True, slots=True)
class Decision:
    """`status` None: it may leave. `queued` with a `send_at`: later. Otherwise a final state."""

    status: str | None = None
    code: str = ""
    # In English, as it is kept; common.language.reread says it to who reads it.
    reason: str = ""
    send_at: datetime | None = None


LEAVES = Decision()


def decide(messages: Sequence[Message], now: datetime, counts: "SentToday | None" = None) -> list[Decision]:
    """One decision a message, in order. The messages come with their clinic loaded.

    A pass that changes nothing keeps its `counts` from batch to batch: the database will not tell it what
    the batches before let go.
    """
    stopped = opted_out(message.to for message in messages)
    refusals = guards.ask(messages, now)
    counts = counts or SentToday()
    counts.look(messages, now)
    decisions = []
    for message in messages:
        refusal = refusals.get(message.pk)
        if refusal is not None:
            decision = Decision(refusal.status, refusal.code, refusal.reason)
        elif message.expires_at <= now:
            decision = too_late()
        elif message.to in stopped and not _says_goodbye(message):
            decision = Decision(MessageStatus.SUPPRESSED, "OPTED_OUT", _("This phone wants no texts."))
        elif _nobody_agreed(message):
            decision = Decision(
                MessageStatus.SUPPRESSED, "NO_CONSENT", _("The clinic texts only patients who agreed.")
            )
        else:
            decision = _when(message, now, counts)
        if decision is LEAVES:
            counts.add(message)
        decisions.append(decision)
    return decisions


def _says_goodbye(message: Message) -> bool:
    """The answer to STOP, the one text that a phone gets after it."""
    return message.answers_id is not None and message.purpose == Answer.STOPPED


def _nobody_agreed(message: Message) -> bool:
    # Who sends a text asks for its answer.
    return (
        message.clinic is not None
        and not _is_unlimited(message)
        and message.recipient_id is None
        and message.answers_id is None
        and message.clinic.consent_policy == ConsentPolicy.EXPLICIT
    )


def _is_unlimited(message: Message) -> bool:
    """Consent, the day's limit and the budget are of patients' texts: no mail and no word to staff."""
    return message.for_staff or message.channel == Channel.EMAIL


def too_late() -> Decision:
    return Decision(MessageStatus.EXPIRED, "TOO_LATE", _("The time in which it was of use has passed."))


def _when(message: Message, now: datetime, counts: "SentToday") -> Decision:
    clinic = message.clinic
    if clinic is None or message.channel == Channel.EMAIL:
        # A mail wakes nobody; a text of no clinic leaves at the hour that its reader chose.
        return LEAVES
    # Whoever has just sent a text is awake.
    allowed = now if message.answers_id else next_allowed(now, clinic)
    code = "QUIET_HOURS"
    if counts.full(message):
        code = "DAILY_LIMIT"
        tomorrow = now.astimezone(clinic.zone).date() + timedelta(days=1)
        morning = datetime.combine(tomorrow, MORNING, clinic.zone)
        allowed = next_allowed(morning, clinic)
    if allowed <= now:
        return LEAVES
    if allowed >= message.expires_at:
        return too_late()
    reasons = {
        "QUIET_HOURS": _("Moved out of the clinic's quiet hours."),
        "DAILY_LIMIT": _("The day's limit of texts is reached."),
    }
    return Decision(MessageStatus.QUEUED, code, reasons[code], send_at=allowed)


def _day_start(now: datetime, clinic: Clinic) -> datetime:
    return datetime.combine(now.astimezone(clinic.zone).date(), time(), clinic.zone)


# What has left, or may have.
_GONE = [
    MessageStatus.SENT,
    MessageStatus.DELIVERED,
    MessageStatus.UNDELIVERED,
    MessageStatus.SENDING,
    MessageStatus.UNKNOWN,
]
# What counts towards the limits.
_LIMITED = {"channel": Channel.SMS, "for_staff": False}


class SentToday:
    """How many texts each patient and each clinic with a budget had on the clinic's local day.

    What left is read for one batch at a time; what was `add`ed stays, a number a patient.
    """

    def __init__(self) -> None:
        self._added: Counter[object] = Counter()

    def look(self, messages: Sequence[Message], now: datetime) -> None:
        """Reads what left for the people and clinics of this batch."""
        messages = [m for m in messages if not _is_unlimited(m)]
        clinics = {m.clinic.pk: m.clinic for m in messages if m.clinic}
        self._day_starts = {pk: _day_start(now, clinic) for pk, clinic in clinics.items()}
        self._budgets = {
            pk: clinic.daily_message_budget
            for pk, clinic in clinics.items()
            if clinic.daily_message_budget is not None
        }
        self._left: Counter[object] = Counter()
        if messages:
            self._count_recipients(messages)
        if self._budgets:
            self._count_clinics()

    def _since(self, moment: datetime) -> Q:
        # A text being sent has no time of sending yet; its lease is of the same moment.
        return Q(sent_at__gte=moment) | Q(sent_at__isnull=True, lease_expires_at__gte=moment)

    def _count_recipients(self, messages: Sequence[Message]) -> None:
        people = {m.recipient_id for m in messages if m.recipient_id}
        phones = {m.to for m in messages if not m.recipient_id}
        gone = Message.objects.filter(
            among("recipient_id", people) | Q(among("to", phones), recipient_id__isnull=True),
            self._since(min(self._day_starts.values())),
            status__in=_GONE,
            **_LIMITED,
        )
        for message in gone.only("recipient_id", "to", "clinic_id", "sent_at", "lease_expires_at"):
            start = min(self._day_starts.values())
            if message.clinic_id:
                start = self._day_starts.get(message.clinic_id, start)
            if (message.sent_at or message.lease_expires_at or start) >= start:
                self._left[message.recipient_id or message.to] += 1

    def _count_clinics(self) -> None:
        anywhere = Q(pk__isnull=True)
        for clinic_id in self._budgets:
            anywhere |= Q(clinic_id=clinic_id) & self._since(self._day_starts[clinic_id])
        left = Message.objects.filter(anywhere, status__in=_GONE, **_LIMITED)
        for clinic_id in left.values_list("clinic_id", flat=True):
            self._left[clinic_id] += 1

    def _count(self, key: object) -> int:
        return self._left[key] + self._added[key]

    def full(self, message: Message) -> bool:
        if _is_unlimited(message) or message.clinic_id is None:
            return False
        if self._count(message.recipient_id or message.to) >= settings.SMS_PATIENT_DAILY_LIMIT:
            return True
        budget = self._budgets.get(message.clinic_id)
        return budget is not None and self._count(message.clinic_id) >= budget

    def add(self, message: Message) -> None:
        if _is_unlimited(message):
            return
        self._added[message.recipient_id or message.to] += 1
        self._added[message.clinic_id] += 1
