"""Texts that come in: kept once, then read once, and closed by people where the site can't."""

import logging
from datetime import datetime
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django_q.tasks import async_task

from accounts.audit import Actor, Change, record
from common.errors import NotFound
from common.locks import one_at_a_time
from common.phones import PhoneError, is_mobile, parse_mobile
from messaging.answers import Answer, answer
from messaging.models import Meaning, Message, MessageStatus, Reply, ReplyState
from messaging.providers.base import InboundText
from messaging.reading_replies import meaning_of
from messaging.services import lift_opt_out, opt_out, opted_out
from messaging.signals import reply_came

logger = logging.getLogger(__name__)

# Read by one pass at most; the others wait for the next.
BATCH = 200
# Texts that somebody may have read.
MAY_HAVE_ARRIVED = [
    MessageStatus.SENT,
    MessageStatus.DELIVERED,
    MessageStatus.SENDING,
    MessageStatus.UNKNOWN,
]


def take(text: InboundText, *, provider: str, now: datetime) -> None:
    """Keeps a text that came in, and reads it; a second time changes nothing.

    Call it outside a transaction: the text is committed before it is read.
    """
    number = _storable(text.provider_message_id)[:100]
    try:
        phone = parse_mobile(text.sender)
    except PhoneError:
        # A short code or a name, of a network or a shop.
        phone = _storable(text.sender)[:20]
    Reply.objects.bulk_create(
        [
            Reply(
                provider=provider,
                provider_message_id=number,
                phone=phone,
                body=_storable(text.body),
                received_at=text.at or now,
            )
        ],
        ignore_conflicts=True,
    )
    unread = Reply.objects.filter(provider=provider, provider_message_id=number, state=ReplyState.NEW)
    for pk in unread.values_list("pk", flat=True):
        _read_safely(pk, now)
        if Message.objects.filter(answers=pk).exists():
            async_task("messaging.tasks.dispatch_due")


def _storable(text: str) -> str:
    """Without what no database takes."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def read_waiting(*, now: datetime) -> None:
    """Reads what was kept and not read, because a process died between the two."""
    unread = Reply.objects.filter(state=ReplyState.NEW).order_by("received_at")
    for pk in list(unread.values_list("pk", flat=True)[:BATCH]):
        _read_safely(pk, now)


def _read_safely(pk: UUID, now: datetime) -> None:
    """A reply that can't be read waits for a person; one for which there was no database stays unread."""
    try:
        _read(pk, now)
    except (OperationalError, InterfaceError) as error:
        logger.warning("A reply is not read yet: %s", type(error).__name__)
    except Exception as error:  # noqa: BLE001  one reply's fault must not hold back the others
        logger.error("A reply could not be read: %s", type(error).__name__)
        Reply.objects.filter(pk=pk, state=ReplyState.NEW).update(
            state=ReplyState.WAITING, note=gettext_noop("The site could not read it.")
        )


def reading_turn(phone: str) -> None:
    """Until this transaction ends, nobody else reads a reply of this phone. Held before anything else."""
    one_at_a_time(f"messaging.replies:{phone}")


def _read(pk: UUID, now: datetime) -> None:
    with transaction.atomic():
        # One reply of a phone at a time: a second STOP sees what the first has done.
        reading_turn(Reply.objects.values_list("phone", flat=True).get(pk=pk))
        reply = Reply.objects.select_for_update().filter(pk=pk, state=ReplyState.NEW).first()
        if reply is not None:
            _make_something_of(reply, now)
            reply.save()


def _make_something_of(reply: Reply, now: datetime) -> None:
    reply.meaning = meaning_of(reply.body)
    last = last_text_to(reply.phone)
    if last is not None:
        reply.clinic = last.clinic
    if is_mobile(reply.phone) and reply.meaning == Meaning.STOP:
        _stop(reply, last, now)
    elif is_mobile(reply.phone) and reply.meaning == Meaning.START:
        _start(reply, last, now)
    elif reply.meaning == Meaning.HELP and _answered(reply, Answer.HELP, last, now):
        close(reply, now=now)
    else:
        reply.state = ReplyState.WAITING
        reply_came.send(sender=Reply, reply=reply, now=now)


def _answered(reply: Reply, kind: Answer, last: Message | None, now: datetime) -> bool:
    """Whether the reply is answered, in the name and language of the last text that its phone got."""
    if last is None or last.clinic is None:
        return False
    return answer(reply, kind, clinic=last.clinic, language=last.language, now=now)


def _stop(reply: Reply, last: Message | None, now: datetime) -> None:
    close(reply, now=now)
    if opted_out([reply.phone]):
        reply.note = gettext_noop("This phone had opted out already.")
        return
    opt_out(reply.phone, source="reply", actor=sender_of(reply), now=now)
    reply.note = gettext_noop("This phone gets no texts any more.")
    _answered(reply, Answer.STOPPED, last, now)


def _start(reply: Reply, last: Message | None, now: datetime) -> None:
    lift_opt_out(reply.phone, actor=sender_of(reply), now=now)
    close(reply, now=now, note=gettext_noop("This phone may get texts."))
    _answered(reply, Answer.STARTED, last, now)


def sender_of(reply: Reply) -> Actor:
    """Who acts by a reply: whoever has the phone, which the log names by the reply's number alone."""
    return Actor("reply", reply.pk, "reply")


def close(reply: Reply, *, now: datetime, note: str = "") -> None:
    """Nothing is left to do for a person. Unsaved, for whoever reads the reply."""
    reply.state, reply.done_at, reply.note = ReplyState.ANSWERED, now, note


def last_text_to(phone: str) -> Message | None:
    """The last text, answers aside, that this phone may have got, with its clinic."""
    texts = Message.objects.filter(to=phone, status__in=MAY_HAVE_ARRIVED).exclude(purpose__in=Answer.values)
    left = Coalesce("sent_at", "claimed_at", "created_at")
    return texts.select_related("clinic").order_by(left.desc(), "-created_at").first()


def mark_done(
    reply_id: UUID, *, actor: Actor, now: datetime, subject: tuple[str, UUID] | None = None
) -> None:
    """A person has done what the reply asks for; `subject` says what it was about. Twice changes nothing."""
    with transaction.atomic():
        reply = Reply.objects.select_for_update(of=("self",)).filter(pk=reply_id).first()
        if reply is None:
            raise NotFound(_("There is no such reply."))
        if reply.state in (ReplyState.DONE, ReplyState.ANSWERED):
            return
        change = Change.of(reply, "done", {"state": [str(reply.state), ReplyState.DONE.value]})
        reply.state, reply.done_at, reply.done_by = ReplyState.DONE, now, actor.name[:150]
        reply.subject_type, reply.subject_id = subject or (reply.subject_type, reply.subject_id)
        reply.save()
        record(actor, [change], now=now)


def stop_texts(reply_id: UUID, *, actor: Actor, now: datetime) -> None:
    """A person read that this phone wants no texts."""
    with transaction.atomic():
        mark_done(reply_id, actor=actor, now=now)
        opt_out(_phone_of(reply_id), source="nurse", actor=actor, now=now)


def allow_texts(reply_id: UUID, *, actor: Actor, now: datetime) -> None:
    """A person read that this phone wants texts again; it grants no consent."""
    with transaction.atomic():
        mark_done(reply_id, actor=actor, now=now)
        lift_opt_out(_phone_of(reply_id), actor=actor, now=now)


def _phone_of(reply_id: UUID) -> str:
    return Reply.objects.values_list("phone", flat=True).get(pk=reply_id)
