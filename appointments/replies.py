"""What a reply does to a visit. Only a reply that fits one visit does anything; all others are a person's."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop as _

from accounts.audit import Actor
from accounts.models import Clinic
from appointments import services
from appointments.models import Appointment, AppointmentQuerySet, Patient
from appointments.reminding import SUBJECT
from common.errors import DomainError
from messaging.answers import About, Answer, answer
from messaging.models import Meaning, Message, Reply
from messaging.rendering import visit_words
from messaging.replies import MAY_HAVE_ARRIVED, close, last_text_to, mark_done, sender_of

# More than a family has; a phone with more is a person's to sort out anyway.
MOST_VISITS = 20


def upcoming(phone: str, now: datetime) -> AppointmentQuerySet:
    """The live visits to come of all who share this phone, soonest first."""
    visits = Appointment.objects.live().filter(patient__phone=phone, starts_at__gt=now)
    return visits.select_related("clinic", "patient").order_by("starts_at", "pk")


@dataclass(frozen=True, slots=True)
class Found:
    """What a reply is about: the one visit, or None and why not. `as_told` is False where the text that the
    phone got last said something else of it."""

    visit: Appointment | None
    as_told: bool = False
    reason: str = ""


def find_visit(phone: str, now: datetime) -> Found:
    """The visit that a reply from this phone, now, is about."""
    visits = list(upcoming(phone, now)[:MOST_VISITS])
    if not visits:
        return Found(None, reason=_("No visit is to come for this phone."))
    last = last_text_to(phone)
    if last is not None and last.subject_type != SUBJECT:
        return Found(_only(visits), reason=_("The last text to this phone was written by hand: read both."))
    if last is not None and last.subject_id not in {visit.pk for visit in visits}:
        return Found(
            None, reason=_("The last text to this phone was about a visit that is over or cancelled.")
        )
    told = _told_of(phone, visits)
    visit = _only([visit for visit in visits if visit.pk in told] or visits)
    if visit is None:
        return Found(None, reason=_("It fits several visits."))
    if last is not None and last.subject_at not in (None, visit.starts_at):
        return Found(visit, reason=_("The visit was moved after the last text to this phone."))
    return Found(visit, as_told=True)


def _only(visits: list[Appointment]) -> Appointment | None:
    return visits[0] if len(visits) == 1 else None


def _told_of(phone: str, visits: list[Appointment]) -> set[UUID | None]:
    texts = Message.objects.filter(
        to=phone,
        subject_type=SUBJECT,
        subject_id__in=[visit.pk for visit in visits],
        status__in=MAY_HAVE_ARRIVED,
    ).exclude(purpose__in=Answer.values)
    return set(texts.values_list("subject_id", flat=True))


def take_reply(reply: Reply, now: datetime, **_kwargs: object) -> None:
    """Confirms the visit, or leaves the reply to a person with what is known of it; answers either way."""
    found = find_visit(reply.phone, now)
    visit = found.visit
    if visit is not None:
        reply.subject_type, reply.subject_id, reply.clinic = SUBJECT, visit.pk, visit.clinic
    elif reply.clinic is None:
        reply.clinic = _clinic_of(reply.phone)
    if visit is not None and found.as_told and reply.meaning == Meaning.CONFIRM:
        refusal = _confirm(reply, visit, now)
        if not refusal:
            answer(
                reply,
                Answer.CONFIRMED,
                clinic=visit.clinic,
                language=visit.language,
                now=now,
                about=_about(visit),
            )
            close(reply, now=now, note=_("The visit is confirmed."))
            return
        found = Found(visit, reason=refusal)
    reply.note = found.reason[:300]
    _say_that_a_person_reads_it(reply, found, now)


def _confirm(reply: Reply, visit: Appointment, now: datetime) -> str:
    """Why the visit could not be confirmed; empty when it is."""
    try:
        # With its version: a visit that is moved in this moment is not the one that they read of.
        services.confirm(visit.pk, version=visit.version, actor=sender_of(reply), now=now)
    except DomainError as refusal:
        return refusal.message
    return ""


def _about(visit: Appointment) -> About:
    return About(
        subject_type=SUBJECT,
        subject_id=visit.pk,
        subject_at=visit.starts_at,
        recipient_id=visit.patient_id,
        words=visit_words(visit.starts_at, visit.clinic.zone, visit.language),
    )


def _say_that_a_person_reads_it(reply: Reply, found: Found, now: datetime) -> None:
    clinic = reply.clinic
    if clinic is None:
        return
    if found.visit is not None:
        language = found.visit.language
    else:
        last = last_text_to(reply.phone)
        language = last.language if last else clinic.default_language
    visit = found.visit if found.as_told else None
    wants_a_call = reply.meaning == Meaning.RESCHEDULE and found.visit is not None
    answer(
        reply,
        Answer.WILL_CALL if wants_a_call else Answer.FOR_A_PERSON,
        clinic=clinic,
        language=language,
        now=now,
        about=_about(visit) if visit else None,
    )


def _clinic_of(phone: str) -> Clinic | None:
    """The clinic whose patients have this phone, if it is one."""
    clinics = Clinic.objects.filter(pk__in=Patient.objects.filter(phone=phone).values("clinic"))[:2]
    found = list(clinics)
    return found[0] if len(found) == 1 else None


def confirm_by_person(reply_id: UUID, visit_id: UUID, *, actor: Actor, now: datetime) -> None:
    """A person read that the reply confirms this visit. The refusals of services.confirm."""
    with transaction.atomic():
        mark_done(reply_id, actor=actor, now=now, subject=(SUBJECT, visit_id))
        services.confirm(visit_id, actor=actor, now=now)
