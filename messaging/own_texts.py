"""Texts that a person or another system sends, about no visit: to a phone, now or at a given time.

A phone may be a family's. A text to it goes if at least one patient of that clinic with this phone may be
texted, and counts as theirs; if all of them said no, it does not. A phone without a patient gets it, unless
the clinic texts only those who agreed. An opt-out is the phone's own and holds for all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.audit import Actor, Change, record
from accounts.models import Clinic, ConsentPolicy
from common.errors import ValidationFailed
from common.phones import PhoneError, parse_mobile
from messaging.admission import Decision, decide
from messaging.guards import Refusal
from messaging.models import FINAL, Message, MessageEvent, MessageStatus
from messaging.nudging import nudge
from messaging.quiet_hours import next_allowed
from messaging.recipients import people_at
from messaging.rendering import PLACEHOLDERS, known_placeholders, placeholders, text_problems
from messaging.services import Draft, unsaved_message
from messaging.signals import messages_ended
from messaging.template_book import TemplateBook, Text

SUBJECT = "messaging.own_text"
WRITTEN_BY_HAND = "manual"
USEFUL_FOR = timedelta(hours=24)
# A clock that goes a little wrong, or a slow network, must not refuse what is meant for now.
LATE_BY = timedelta(minutes=1)
FARTHEST = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Wording:
    """Either a finished `body`, or a `template`'s key with its `context`. `language` "" is the clinic's."""

    body: str = ""
    template: str = ""
    context: Mapping[str, str] = field(default_factory=dict)
    language: str = ""


def send(*, clinic: Clinic, to: str, wording: Wording, actor: Actor, now: datetime) -> UUID:
    """Queues a text to leave at once, quiet hours and the day's limits allowing, and gives its id.

    `to` is a mobile number in any form. A text that may not be sent is kept as `suppressed`. Raises
    ValidationFailed on "to", "body", "template" or "context".
    """
    draft = _draft(clinic, to, wording, now)
    return queue(draft, clinic=clinic, action="sent", actor=actor, now=now)


def schedule(
    *, clinic: Clinic, to: str, wording: Wording, send_at: datetime, actor: Actor, now: datetime
) -> UUID:
    """The same at a later time; ValidationFailed on "send_at" for one that is past or too far ahead."""
    draft = _draft(clinic, to, wording, checked_time(send_at, now))
    return queue(draft, clinic=clinic, action="scheduled", actor=actor, now=now)


def checked_time(send_at: datetime, now: datetime) -> datetime:
    """When a text asked for at `send_at` is to leave. Up to a minute ago is now."""
    if send_at < now - LATE_BY:
        raise ValidationFailed.on("send_at", _("This time has passed."))
    if send_at > now + FARTHEST:
        raise ValidationFailed.on(
            "send_at", _("This is more than %(days)d days ahead.") % {"days": FARTHEST.days}
        )
    return max(send_at, now)


def _draft(clinic: Clinic, to: str, wording: Wording, send_at: datetime) -> Draft:
    try:
        phone = parse_mobile(to)
    except PhoneError as error:
        raise ValidationFailed.on("to", str(error)) from None
    language = wording.language or clinic.default_language
    leaves = next_allowed(send_at, clinic)
    people = people_at([(clinic.pk, phone)]).get((clinic.pk, phone), [])
    # Where nobody may be texted, it is the first one's, to be told why.
    person = next((p for p in people if p.may_be_texted), people[0] if people else None)
    return Draft(
        clinic_id=clinic.pk,
        purpose=wording.template or WRITTEN_BY_HAND,
        to=phone,
        text=_text(clinic, wording, language),
        language=language,
        send_at=send_at,
        expires_at=leaves + USEFUL_FOR,
        subject_type=SUBJECT,
        recipient_id=person.id if person else None,
        urgent=True,
    )


def _text(clinic: Clinic, wording: Wording, language: str) -> Text:
    if bool(wording.body) == bool(wording.template):
        said = _("Give either a body or a template.")
        raise ValidationFailed(said, details={"body": [said], "template": [said]})
    if wording.template:
        return _from_template(clinic, wording, language)
    if wording.context:
        raise ValidationFailed.on("context", _("This belongs to a template, not to a finished text."))
    problems = text_problems(wording.body)
    if unfilled := known_placeholders(wording.body):
        problems.append(
            _("The text is sent as it is: write the words themselves instead of %(names)s.")
            % {"names": " ".join(unfilled)}
        )
    if problems:
        raise ValidationFailed(problems[0], details={"body": problems})
    return Text.of("\n".join(wording.body.splitlines()))


def _from_template(clinic: Clinic, wording: Wording, language: str) -> Text:
    if unknown := sorted(set(wording.context) - set(PLACEHOLDERS)):
        raise ValidationFailed(
            _("The context holds what no template uses."),
            details={f"context.{name[:40]}": [_("There is no such placeholder.")] for name in unknown[:20]},
        )
    book = TemplateBook(wording.template, [clinic.pk])
    context = {"clinic": clinic.name, "clinic_phone": clinic.phone, **wording.context}
    missing = sorted(placeholders(book.template(clinic.pk, language).body) - context.keys())
    if missing:
        said = _("This template needs it.")
        raise ValidationFailed(
            _("Values are missing for the template."),
            details={f"context.{name}": [said] for name in missing},
        )
    text = book.text(clinic.pk, language, context)
    if problems := text_problems(text.body):
        raise ValidationFailed(problems[0], details={"context": problems})
    return text


def queue(draft: Draft, *, clinic: Clinic, action: str, actor: Actor, now: datetime) -> UUID:
    """Stores one text as the check at its time of sending would decide on it now, and says who asked.

    That check comes again when it is due: consent, opt-outs and limits may have changed by then.
    """
    message = unsaved_message(draft, now)
    message.clinic = clinic
    with transaction.atomic():
        [decision] = decide([message], message.send_at)
        _apply(message, decision)
        message.save(force_insert=True)
        _tell(message, decision, now)
        record(actor, [Change.of(message, action)], now=now)
        if message.status in FINAL:
            messages_ended.send(sender=Message, messages=[message])
        elif message.send_at <= now:
            nudge()
    return message.pk


def _apply(message: Message, decision: Decision) -> None:
    message.status = decision.status or message.status
    message.send_at = decision.send_at or message.send_at
    if message.status in FINAL:
        message.error_code, message.error_message = decision.code, decision.reason
        message.error_permanent = True


def _tell(message: Message, decision: Decision, now: datetime) -> None:
    events = [MessageEvent(message=message, status=MessageStatus.QUEUED, at=now)]
    if decision.status is not None:
        why = {"code": decision.code, "detail": decision.reason}
        events.append(MessageEvent(message=message, status=decision.status, at=now, **why))
    MessageEvent.objects.bulk_create(events)


def refuse(messages: Sequence[Message], now: datetime) -> dict[UUID, Refusal]:  # noqa: ARG001
    """The guard of these texts: what was said of their phones' people must still hold at sending."""
    people = people_at({(m.clinic_id, m.to) for m in messages if m.clinic_id})
    refusals = {}
    for message in messages:
        there = people.get((message.clinic_id, message.to), []) if message.clinic_id else []
        if not there and message.recipient_id is not None:
            refusals[message.pk] = Refusal(
                MessageStatus.CANCELLED, "PHONE_CHANGED", gettext_noop("The patient's phone has changed.")
            )
        elif there and not any(person.may_be_texted for person in there):
            refusals[message.pk] = Refusal(
                MessageStatus.SUPPRESSED, "NO_CONSENT", gettext_noop("The patient has not agreed to texts.")
            )
        elif not there and message.clinic and message.clinic.consent_policy == ConsentPolicy.EXPLICIT:
            refusals[message.pk] = Refusal(
                MessageStatus.SUPPRESSED,
                "NO_CONSENT",
                gettext_noop("The clinic texts only patients who agreed."),
            )
    return refusals
