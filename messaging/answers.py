"""The short texts that answer a reply. Neutral, one part each; to be read by a native speaker before use."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Clinic
from common.phones import is_mobile
from messaging.models import Message, Reply
from messaging.rendering import render
from messaging.services import Draft, enqueue
from messaging.template_book import Text


class Answer(models.TextChoices):
    """A message's purpose, if it answers a reply."""

    STOPPED = "answer_stopped", _("answer to STOP")
    STARTED = "answer_started", _("answer to START")
    HELP = "answer_help", _("answer to HELP")
    CONFIRMED = "answer_confirmed", _("answer: confirmed")
    WILL_CALL = "answer_will_call", _("answer: the clinic will call")
    FOR_A_PERSON = "answer_for_a_person", _("answer: a person reads it")


TEXTS: dict[tuple[str, str], str] = {
    (Answer.STOPPED, "en"): (
        "You will get no more texts from this clinic system. To get them again, reply START."
    ),
    (Answer.STOPPED, "tn"): (
        "Ga o kitla o tlhola o amogela melaetsa ya dikliniki. Go e amogela gape, araba ka START."
    ),
    (Answer.STARTED, "en"): (
        "You can get texts from this clinic system again. To get no more of them, reply STOP."
    ),
    (Answer.STARTED, "tn"): "O ka amogela melaetsa ya dikliniki gape. Go e emisa, araba ka STOP.",
    (Answer.HELP, "en"): "{clinic}: please call {clinic_phone}. To get no more texts, reply STOP.",
    (Answer.HELP, "tn"): "{clinic}: tswee-tswee leletsa {clinic_phone}. Go emisa melaetsa, araba ka STOP.",
    (Answer.CONFIRMED, "en"): (
        "Thank you. Your visit to {clinic} on {weekday} {date} at {time} is confirmed."
    ),
    (Answer.CONFIRMED, "tn"): (
        "Re a leboga. Letsatsi la gago kwa {clinic} ka {weekday} {date} ka {time} le tlhomamisitswe."
    ),
    (Answer.WILL_CALL, "en"): "Thank you. {clinic} will call you. Or call {clinic_phone}.",
    (Answer.WILL_CALL, "tn"): "Re a leboga. {clinic} e tla go leletsa. Kgotsa leletsa {clinic_phone}.",
    (Answer.FOR_A_PERSON, "en"): (
        "Thank you for your text. {clinic} will read it. If you need us soon, call {clinic_phone}."
    ),
    (Answer.FOR_A_PERSON, "tn"): (
        "Re amogetse molaetsa wa gago. {clinic} e tla o bala. Fa o re tlhoka ka bonako, "
        "leletsa {clinic_phone}."
    ),
}

A_DAY = timedelta(days=1)
# A text without a visit is of no use after that.
USEFUL_FOR = timedelta(hours=24)
# Two machines that answer each other stop here.
MOST_A_DAY = 5
# A phone that writes on is not told the same each time.
ONCE_A_DAY = (Answer.WILL_CALL, Answer.FOR_A_PERSON)


@dataclass(frozen=True, slots=True)
class About:
    """The visit that an answer speaks of, as a message keeps it. `words` fill the text's placeholders."""

    subject_type: str
    subject_id: UUID
    subject_at: datetime
    recipient_id: UUID
    words: Mapping[str, str]


def answer(
    reply: Reply, kind: Answer, *, clinic: Clinic, language: str, now: datetime, about: About | None = None
) -> bool:
    """Queues the answer to a reply, in the caller's transaction; False where none is to be sent.

    For whoever reads replies: the phone is held meanwhile, so that its answers are counted exactly.
    """
    if not _may_be_answered(reply.phone, kind, now):
        return False
    context = {"clinic": clinic.name, "clinic_phone": clinic.phone, **(about.words if about else {})}
    draft = Draft(
        clinic_id=clinic.pk,
        purpose=kind,
        to=reply.phone,
        text=Text.of(render(TEXTS[kind, language], context)),
        language=language,
        send_at=now,
        expires_at=now + USEFUL_FOR,
        dedupe_key=f"answer:{reply.pk}",
        answers_id=reply.pk,
        urgent=True,
    )
    if about is not None:
        draft = replace(
            draft,
            expires_at=min(draft.expires_at, about.subject_at),
            subject_type=about.subject_type,
            subject_id=about.subject_id,
            subject_at=about.subject_at,
            recipient_id=about.recipient_id,
        )
    enqueue([draft], now=now)
    return True


def _may_be_answered(phone: str, kind: Answer, now: datetime) -> bool:
    """Whether a person may be behind this phone who has not had enough answers in a day."""
    if not is_mobile(phone) or phone == settings.TWILIO_FROM or Clinic.objects.filter(phone=phone).exists():
        return False
    lately = list(
        Message.objects.filter(to=phone, answers__isnull=False, created_at__gt=now - A_DAY).values_list(
            "purpose", flat=True
        )
    )
    return len(lately) < MOST_A_DAY and not (kind in ONCE_A_DAY and kind in lately)
