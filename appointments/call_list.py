"""Patients to phone: their visit is near, and no text has reached or can reach them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit import Actor, Change, record
from accounts.models import ConsentPolicy
from appointments.consent import may_be_texted
from appointments.models import (
    Appointment,
    AppointmentStatus,
    CallOutcome,
    ConsentSource,
    PhoneCall,
    Reminder,
    ReminderState,
)
from appointments.reminding import SUBJECT
from common.errors import NotFound, StateConflict, ValidationFailed, VersionConflict
from common.ids import new_id
from messaging.models import BadNumber, Message, MessageStatus, OptOut, TemplateKey
from messaging.numbers import bad_numbers, names_the_number
from messaging.providers import SHIPPED, provider_class
from messaging.services import opted_out

DAYS = 7
# A phone that is on gets a text within minutes; after this somebody should call.
NO_RECEIPT_AFTER = timedelta(hours=4)
# Texts that tell when the visit is.
TELLING = (TemplateKey.REMINDER, TemplateKey.RESCHEDULED)
_NOT_REACHED = (
    MessageStatus.FAILED,
    MessageStatus.UNDELIVERED,
    MessageStatus.EXPIRED,
    MessageStatus.UNKNOWN,
    MessageStatus.SUPPRESSED,
)
NOT_GONE = (MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class Why:
    """Why no text reaches the patient: a code for programs, words for the nurse."""

    code: str
    words: str
    # When the text is tried once more, if it is.
    next_try_at: datetime | None = None


WORDS = {
    "opted_out": gettext_lazy("The phone wants no texts."),
    "no_consent": gettext_lazy("The patient has not agreed to texts."),
    "bad_number": gettext_lazy("The number can't get texts. Ask for the right one."),
    "failed": gettext_lazy("The text could not be sent."),
    "undelivered": gettext_lazy("The text did not reach the phone."),
    "expired": gettext_lazy("The text could not be sent in time."),
    "unknown": gettext_lazy("Nobody can say whether the text was sent."),
    "no_receipt": gettext_lazy("The text was sent, and nothing says that the phone got it."),
}


def to_phone(appointments: QuerySet[Appointment], now: datetime) -> QuerySet[Appointment]:
    """Those of `appointments` that are on the call list, in one query over the coming seven days."""
    texts = Message.objects.filter(
        subject_type=SUBJECT,
        subject_id=OuterRef("pk"),
        subject_at=OuterRef("starts_at"),
        purpose__in=TELLING,
    )
    # What has not left yet says nothing; of the others the last one does.
    last = texts.exclude(status__in=NOT_GONE).order_by("-created_at", "-pk")
    too_late = Reminder.objects.filter(
        appointment=OuterRef("pk"), visit_at=OuterRef("starts_at"), state=ReminderState.EXPIRED
    )
    planned = Reminder.objects.filter(
        appointment=OuterRef("pk"), visit_at=OuterRef("starts_at"), state=ReminderState.PLANNED
    )
    # Nothing that is still planned will get through.
    bad = BadNumber.objects.filter(phone=OuterRef("patient__phone"))
    stopped = OptOut.objects.filter(phone=OuterRef("patient__phone"), lifted_at__isnull=True)
    reached = PhoneCall.objects.filter(
        appointment=OuterRef("pk"), visit_at=OuterRef("starts_at"), outcome=CallOutcome.REACHED
    )
    in_vain = Q(last_status__in=_NOT_REACHED) | Q(
        last_status=MessageStatus.SENT,
        last_sent_at__lte=now - NO_RECEIPT_AFTER,
        last_provider__in=telling_providers(),
    )
    return (
        appointments.filter(
            status=AppointmentStatus.BOOKED, starts_at__gt=now, starts_at__lt=now + timedelta(days=DAYS)
        )
        .annotate(
            last_status=Subquery(last.values("status")[:1]),
            last_sent_at=Subquery(last.values("sent_at")[:1]),
            last_provider=Subquery(last.values("provider")[:1]),
        )
        .filter(
            in_vain
            | Q(Exists(too_late), last_status__isnull=True)
            | Q(Exists(planned)) & (Q(Exists(stopped)) | Q(Exists(bad)) | _no_consent())
        )
        .exclude(Exists(texts.filter(status=MessageStatus.DELIVERED)))
        .exclude(Exists(reached))
    )


def _no_consent() -> Q:
    """As appointments.consent.may_be_texted says it, for the database."""
    explicit = Q(clinic__consent_policy=ConsentPolicy.EXPLICIT)
    return (
        Q(patient__consent=False)
        | explicit & Q(patient__consent__isnull=True)
        | explicit & Q(patient__consent_source=ConsentSource.ON_FILE)
    )


def telling_providers() -> list[str]:
    """Those whose silence means something."""
    found = []
    for name in {*settings.SMS_PROVIDERS, *SHIPPED}:
        try:
            if provider_class(name).gives_receipts:
                found.append(name)
        except ImportError:
            continue
    return found


def reasons(appointments: Sequence[Appointment]) -> dict[UUID, Why]:
    """Why each of these visits is on the list, in three queries. They come with clinic and patient."""
    phones = {a.patient.phone for a in appointments}
    stopped, bad = opted_out(phones), bad_numbers(phones)
    last = last_texts(appointments)
    return {
        a.pk: _why(a, last.get(a.pk, []), stopped=a.patient.phone in stopped, bad=a.patient.phone in bad)
        for a in appointments
    }


def last_texts(appointments: Iterable[Appointment]) -> dict[UUID, list[Message]]:
    """Those that tell the present time of each of these visits, oldest first; in one query."""
    times = {appointment.pk: appointment.starts_at for appointment in appointments}
    texts = Message.objects.filter(subject_type=SUBJECT, subject_id__in=times, purpose__in=TELLING)
    found: dict[UUID, list[Message]] = {}
    for text in texts.order_by("created_at", "pk"):
        if text.subject_id is not None and text.subject_at == times[text.subject_id]:
            found.setdefault(text.subject_id, []).append(text)
    return found


def _why(appointment: Appointment, texts: Sequence[Message], *, stopped: bool, bad: bool) -> Why:
    waiting = [text.send_at for text in texts if text.status == MessageStatus.QUEUED]
    ended = [text for text in texts if text.status not in NOT_GONE]
    code = why_no_text(appointment, texts=ended, stopped=stopped, bad=bad) or "expired"
    return Why(code, str(WORDS[code]), min(waiting, default=None))


def why_no_text(
    appointment: Appointment, *, texts: Sequence[Message] = (), stopped: bool = False, bad: bool = False
) -> str:
    """A code of WORDS: why no text to this patient arrives, or what became of the last of `texts`, which
    did not arrive. Empty: nothing is in the way."""
    if stopped:
        return "opted_out"
    if not may_be_texted(appointment.patient, appointment.clinic):
        return "no_consent"
    if bad:
        return "bad_number"
    return _of_last(texts[-1]) if texts else ""


def _of_last(last: Message) -> str:
    if last.status == MessageStatus.SENT:
        return "no_receipt"
    if last.status == MessageStatus.SUPPRESSED:
        return "opted_out" if last.error_code == "OPTED_OUT" else "no_consent"
    return "bad_number" if names_the_number(last.provider, last.error_code) else last.status


def note_call(
    appointment_id: UUID, *, outcome: str, version: int | None = None, actor: Actor, now: datetime
) -> PhoneCall:
    """What came of phoning the patient. A second click within the minute changes nothing.

    `version` is the visit's that was told on the phone.
    """
    if outcome not in CallOutcome.values:
        raise ValidationFailed.on("outcome", _("Use one of: %s.") % ", ".join(CallOutcome.values))
    with transaction.atomic():
        appointment = Appointment.objects.select_for_update().filter(pk=appointment_id).first()
        if appointment is None:
            raise NotFound(_("There is no such appointment."))
        if version is not None and version != appointment.version:
            raise VersionConflict(_("Someone has changed this appointment meanwhile. Look at it again."))
        if not appointment.is_live:
            raise StateConflict(_("This appointment is over or cancelled."))
        same = PhoneCall.objects.filter(
            appointment=appointment_id,
            visit_at=appointment.starts_at,
            outcome=outcome,
            by=actor.name,
            at__gt=now - timedelta(minutes=1),
        ).first()
        if same is not None:
            return same
        call = PhoneCall.objects.create(
            id=new_id(),
            appointment=appointment,
            visit_at=appointment.starts_at,
            outcome=outcome,
            at=now,
            by=actor.name,
        )
        changes = {"outcome": [None, outcome]}
        record(actor, [Change.of(appointment, "phoned", changes)], now=now)
    return call


def last_calls(appointments: Iterable[Appointment]) -> dict[UUID, PhoneCall]:
    """The last call about each visit at its present time."""
    calls = PhoneCall.objects.filter(
        appointment__in=[a.pk for a in appointments], visit_at=F("appointment__starts_at")
    )
    return {call.appointment_id: call for call in calls.order_by("at", "pk")}
