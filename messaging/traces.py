"""What is kept of one person's texts: found for who asks for it, and emptied for who wants it gone."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.audit import Actor
from common.batches import batched
from common.errors import StateConflict
from messaging.models import (
    BadNumber,
    Message,
    MessageEvent,
    MessageQuerySet,
    MessageStatus,
    Receipt,
    Reply,
    ReplyState,
)
from messaging.services import cancel_queued

BATCH = 500


@dataclass(frozen=True, slots=True)
class Traces:
    """Where a person's texts are found. `phones` (E.164) are those that nobody else has.

    `clinics` limits what is found by a phone alone; None: it may be of any clinic, or of none.
    """

    recipients: frozenset[UUID]
    subject_type: str
    subjects: frozenset[UUID]
    phones: frozenset[str] = field(default_factory=frozenset)
    clinics: frozenset[UUID] | None = None

    @property
    def texts(self) -> MessageQuerySet:
        """All that were meant for the person; what was written to nobody in particular, by the phone."""
        about = Q(subject_type=self.subject_type, subject_id__in=self.subjects)
        theirs = Q(recipient_id__in=self.recipients) | about
        theirs |= Q(to__in=self.phones, recipient_id__isnull=True) & self._within_clinics
        return MessageQuerySet(Message).filter(theirs, for_staff=False)

    @property
    def replies(self) -> "models.QuerySet[Reply]":
        about = Q(subject_type=self.subject_type, subject_id__in=self.subjects)
        return Reply.objects.filter(about | (Q(phone__in=self.phones) & self._within_clinics))

    @property
    def _within_clinics(self) -> Q:
        return Q() if self.clinics is None else Q(clinic__in=self.clinics)


def erase(traces: Traces, *, actor: Actor, now: datetime) -> tuple[list[UUID], list[UUID]]:
    """Empties texts and replies of all words and phones, and gives their keys: texts, replies.

    What waits is cancelled. State, times, parts, provider and dedupe key stay, so that reports add up and
    nothing is sent a second time. StateConflict while one of the texts is being sent. Part of the caller's
    transaction.
    """
    texts = list(traces.texts.order_by("pk").select_for_update(of=("self",)).values_list("pk", "status"))
    if any(status == MessageStatus.SENDING for _pk, status in texts):
        raise StateConflict(_("A text to this patient is leaving in this moment. Try again in a minute."))
    keys = [pk for pk, _status in texts]
    replies = list(traces.replies.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    for some in batched(keys, BATCH):
        waiting = MessageQuerySet(Message).filter(pk__in=some)
        cancel_queued(waiting, now=now, reason=gettext_noop("The patient's data was erased."))
        _empty_texts(some)
    for some in batched(replies, BATCH):
        _empty_replies(some, actor, now)
    BadNumber.objects.filter(phone__in=traces.phones).delete()
    return keys, replies


def _empty_texts(keys: Iterable[UUID]) -> None:
    """Nobody is asked any more what became of them: without a phone there is nothing to ask for."""
    keys = list(keys)
    Message.objects.filter(pk__in=keys).update(
        to="", subject="", body="", html="", error_message="", provider_message_id="", look_up_at=None
    )
    # A provider's words may repeat the number.
    MessageEvent.objects.filter(message__in=keys).update(detail="")
    Receipt.objects.filter(message__in=keys).delete()


def _empty_replies(keys: Iterable[UUID], actor: Actor, now: datetime) -> None:
    replies = Reply.objects.filter(pk__in=list(keys))
    replies.filter(state__in=[ReplyState.NEW, ReplyState.WAITING]).update(
        state=ReplyState.DONE, done_at=now, done_by=actor.name[:150]
    )
    replies.update(phone="", body="", note="")
