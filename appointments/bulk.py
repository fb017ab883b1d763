"""Many changes of visits in one call: each for itself, or all or none."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.audit import Actor
from appointments.booking import Session, book_for
from appointments.diary import Span
from appointments.locking import hold_many
from appointments.models import Appointment, FormerIdentity, Patient
from appointments.patients import Caller
from common.batches import batched
from common.errors import DomainError

# A chunk shares one commit, and holds SQLite's only writer for a fraction of a second.
CHUNK = 50

Result = Appointment | DomainError


@dataclass(frozen=True, slots=True)
class Change:
    """One item: what it is about, to be held beforehand, and what does it."""

    about: Appointment | Patient | Caller
    do: Callable[[], Appointment]


@dataclass(frozen=True, slots=True)
class Booking:
    """One new visit, as `booking.book_for` takes it."""

    about: Patient | Caller
    visit: dict[str, Any]
    actor: Actor
    now: datetime

    @property
    def span(self) -> Span:
        begin = self.visit["starts_at"].astimezone(UTC)
        minutes = self.visit.get("duration_minutes") or self.about.clinic.slot_minutes
        return begin, begin + timedelta(minutes=minutes)


class _Undone(Exception):
    pass


def run(changes: Sequence[Change | Booking], *, all_or_none: bool) -> list[Result]:
    """The results in order: the visit as it is now, or why it was refused.

    With `all_or_none`, one refusal takes back all; the refusals among the results say why.
    """
    results: list[Result] = []
    if not all_or_none:
        for chunk in batched(changes, CHUNK):
            with transaction.atomic():
                results += _run(chunk)
        return results
    try:
        with transaction.atomic():
            results = _run(changes)
            if any(isinstance(result, DomainError) for result in results):
                raise _Undone
    except _Undone:
        pass
    return results


def _run(changes: Sequence[Change | Booking]) -> list[Result]:
    known = _hold([change.about for change in changes])
    bookings = [change for change in changes if isinstance(change, Booking)]
    session = _session(bookings, known) if bookings else None
    return [_result(change, session) for change in changes]


def _session(bookings: Sequence[Booking], known: set[UUID]) -> Session:
    spans = [booking.span for booking in bookings]
    return Session({booking.about.clinic for booking in bookings}, known, spans, bookings[0].now)


def _result(change: Change | Booking, session: Session | None) -> Result:
    try:
        if isinstance(change, Change):
            return change.do()
        return book_for(change.about, among=session, actor=change.actor, now=change.now, **change.visit)
    except DomainError as refusal:
        return refusal


def _hold(things: Sequence[Appointment | Patient | Caller]) -> set[UUID]:
    """The patients meant. Two calls about the same visits must not wait for each other in a ring."""
    visits = [thing for thing in things if isinstance(thing, Appointment)]
    known = {thing.pk for thing in things if isinstance(thing, Patient)}
    known |= {visit.patient_id for visit in visits}
    known |= _who_could_be_meant(thing for thing in things if isinstance(thing, Caller))
    hold_many({thing.clinic for thing in things}, known, {visit.pk for visit in visits})
    return known


def _who_could_be_meant(callers: Iterable[Caller]) -> set[UUID]:
    meant = list(callers)
    if not meant:
        return set()
    clinics = {caller.clinic.pk for caller in meant}
    numbers = {caller.patient_number for caller in meant if caller.patient_number}
    known = Q(phone__in={caller.phone for caller in meant}) | Q(patient_number__in=numbers)
    called_so = FormerIdentity.objects.filter(known, clinic__in=clinics, corrected=False)
    return {
        *Patient.objects.filter(known, clinic__in=clinics).values_list("pk", flat=True),
        *called_so.values_list("patient", flat=True),
    }
