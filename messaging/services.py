"""What changes the outbox: texts are queued, cancelled, stopped by opt-outs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, Change, record
from common.among import among
from common.errors import StateConflict
from common.ids import new_id
from messaging.models import (
    Channel,
    Message,
    MessageEvent,
    MessageQuerySet,
    MessageStatus,
    OptOut,
    SendingSwitch,
)
from messaging.template_book import Text


@dataclass(frozen=True, slots=True)
class Draft:
    """A text or mail to be queued. `dedupe_key` makes repeats of the same request one message."""

    # None for what staff are told of several clinics.
    clinic_id: UUID | None
    purpose: str
    to: str
    text: Text
    language: str
    send_at: datetime
    expires_at: datetime
    dedupe_key: str | None = None
    subject_type: str = ""
    subject_id: UUID | None = None
    subject_at: datetime | None = None
    recipient_id: UUID | None = None
    urgent: bool = False
    # The reply that this text answers.
    answers_id: UUID | None = None
    for_staff: bool = False
    channel: str = Channel.SMS
    # Of a mail: one line, and the same as `text` as a page.
    subject: str = ""
    html: str = ""


def enqueue(drafts: Sequence[Draft], *, now: datetime) -> list[UUID]:
    """Queues the texts and gives their ids in order; one whose key is known already gives the first one's.

    In two or three statements, whatever the number; part of the caller's transaction.
    """
    messages = [unsaved_message(draft, now) for draft in drafts]
    with transaction.atomic():
        Message.objects.bulk_create(messages, ignore_conflicts=True, batch_size=1000)
        keys = [draft.dedupe_key for draft in drafts if draft.dedupe_key]
        stored = dict(Message.objects.filter(dedupe_key__in=keys).values_list("dedupe_key", "pk"))
        ids = [stored.get(message.dedupe_key or "", message.pk) for message in messages]
        new = [message for message, pk in zip(messages, ids, strict=True) if message.pk == pk]
        MessageEvent.objects.bulk_create(
            (MessageEvent(message_id=m.pk, status=MessageStatus.QUEUED, at=now) for m in new), batch_size=1000
        )
    return ids


def unsaved_message(draft: Draft, now: datetime | None = None) -> Message:
    return Message(
        id=new_id(),
        clinic_id=draft.clinic_id,
        channel=draft.channel,
        for_staff=draft.for_staff,
        subject=draft.subject,
        html=draft.html,
        purpose=draft.purpose,
        to=draft.to,
        body=draft.text.body,
        segments=draft.text.segments,
        encoding=draft.text.encoding,
        language=draft.language,
        send_at=draft.send_at,
        expires_at=draft.expires_at,
        dedupe_key=draft.dedupe_key,
        subject_type=draft.subject_type,
        subject_id=draft.subject_id,
        subject_at=draft.subject_at,
        recipient_id=draft.recipient_id,
        urgent=draft.urgent,
        answers_id=draft.answers_id,
        created_at=now or draft.send_at,
    )


def follow(message: Message, send_at: datetime, next_provider: str, *, now: datetime) -> Message:
    """The same text once more, unsaved; it takes the place of one that no phone got."""
    return Message(
        id=new_id(),
        follows=message,
        follow_up=message.follow_up + 1,
        next_provider=next_provider,
        send_at=send_at,
        created_at=now,
        **{name: getattr(message, name) for name in _SAME},
    )


_SAME = (
    *(
        "clinic_id",
        "channel",
        "for_staff",
        "purpose",
        "to",
        "body",
        "language",
        "segments",
        "encoding",
        "urgent",
    ),
    *("subject_type", "subject_id", "subject_at", "recipient_id", "expires_at"),
)


def cancel_queued(messages: MessageQuerySet, *, now: datetime, reason: str) -> int:
    """Cancels those of `messages` that still wait; what is being sent or has left stays as it is."""
    with transaction.atomic():
        waiting = list(
            messages.filter(status=MessageStatus.QUEUED).select_for_update().values_list("pk", flat=True)
        )
        Message.objects.filter(pk__in=waiting).update(status=MessageStatus.CANCELLED, updated_at=now)
        MessageEvent.objects.bulk_create(
            (
                MessageEvent(message_id=pk, status=MessageStatus.CANCELLED, at=now, detail=reason)
                for pk in waiting
            ),
            batch_size=1000,
        )
    return len(waiting)


def cancel(message_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Takes one text out of the queue; StateConflict when it does not wait any more."""
    with transaction.atomic():
        if not cancel_queued(_messages(message_id), now=now, reason=actor.name):
            raise StateConflict(_("This text can't be cancelled: it is not waiting to be sent any more."))
        clinic_id = Message.objects.values_list("clinic_id", flat=True).get(pk=message_id)
        record(actor, [Change("cancelled", "messaging.message", message_id, clinic_id)], now=now)


def _messages(message_id: UUID) -> MessageQuerySet:
    return MessageQuerySet(Message).filter(pk=message_id)


def opted_out(phones: Iterable[str]) -> set[str]:
    """Those of `phones` (E.164) that want no texts."""
    stopped = OptOut.objects.filter(among("phone", set(phones)), lifted_at__isnull=True)
    return set(stopped.values_list("phone", flat=True))


def opt_out(phone: str, *, source: str, actor: Actor, now: datetime) -> None:
    """From now on this phone gets no texts. A second time changes nothing."""
    with transaction.atomic():
        if opted_out([phone]):
            return
        try:
            with transaction.atomic():
                entry = OptOut.objects.create(phone=phone, source=source, opted_out_at=now)
        except IntegrityError:
            # A double click: the first has done it in this moment.
            if opted_out([phone]):
                return
            raise
        record(actor, [Change("opted out", "messaging.optout", entry.pk, None)], now=now)


def lift_opt_out(phone: str, *, actor: Actor, now: datetime) -> None:
    """The phone may get texts again; it grants no consent."""
    with transaction.atomic():
        for pk in OptOut.objects.filter(phone=phone, lifted_at__isnull=True).values_list("pk", flat=True):
            OptOut.objects.filter(pk=pk).update(lifted_at=now)
            record(actor, [Change("opt-out lifted", "messaging.optout", pk, None)], now=now)


def set_sending(on: bool, *, actor: Actor, now: datetime) -> None:
    """The kill switch: off, and no text leaves from the next batch on."""
    with transaction.atomic():
        switch, _created = SendingSwitch.objects.select_for_update().get_or_create(pk=1)
        if switch.sending == on:
            return
        SendingSwitch.objects.filter(pk=1).update(sending=on, changed_at=now)
        record(
            actor,
            [
                Change(
                    "switched",
                    "messaging.sendingswitch",
                    UUID(int=1),
                    None,
                    {"sending": [switch.sending, on]},
                )
            ],
            now=now,
        )
