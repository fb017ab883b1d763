"""Many visits moved in one step: planned in memory, shown, and then done exactly so or not at all."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, Change, plain, record
from accounts.models import Clinic
from appointments.diary import Diary, Span, Visit
from appointments.errors import AppointmentConflict, InTheWay
from appointments.free_slots import opening_slots
from appointments.locking import hold_for_closing, hold_many
from appointments.models import Appointment, AppointmentQuerySet, AppointmentStatus
from appointments.notices import Event, announce
from appointments.reminding import plan_reminders, preview_text
from appointments.rules import refuse_out_of_bounds
from common.errors import DomainError, StateConflict
from messaging.models import TemplateKey
from messaging.template_book import Text

# How far from the day that was chosen a free time is looked for.
WITHIN = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Move:
    """A visit as it is, and when it will be, on the clinic's clock."""

    appointment: Appointment
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Stay:
    appointment: Appointment
    refusal: DomainError


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of each visit, in their order."""

    moves: list[Move]
    stays: list[Stay]

    @property
    def digest(self) -> str:
        """The same for the same visits, unchanged, going to the same times."""
        said = [f"{m.appointment.pk}:{m.appointment.version}:{m.starts_at.isoformat()}" for m in self.moves]
        said += [f"{s.appointment.pk}:{s.appointment.version}" for s in self.stays]
        return hashlib.sha256("|".join(said).encode()).hexdigest()


class PlanChanged(StateConflict):
    """Something changed between the look at the plan and its confirmation; nothing was done."""


def live_within(clinic: Clinic, span: Span) -> AppointmentQuerySet:
    """The clinic's live visits that start in [begin, end), in their order."""
    begin, end = span
    found = AppointmentQuerySet(Appointment).live()
    visits = found.filter(clinic=clinic, starts_at__gte=begin, starts_at__lt=end)
    return visits.select_related("clinic", "patient").order_by("starts_at", "pk")


def plan_moves(*, clinic: Clinic, away_from: Span, to: date, now: datetime) -> Plan:
    """Where each live visit that starts in `away_from` would go.

    To the same time of the day `to`, or to the next free time from there within four weeks; never into
    `away_from` itself. A bounded number of queries.
    """
    return _plan(list(live_within(clinic, away_from)), clinic, away_from, to, now)


def move_all(
    *, clinic: Clinic, away_from: Span, to: date, expected: str | None = None, actor: Actor, now: datetime
) -> Plan:
    """Does what `plan_moves` says, and tells the patients: all of it in one transaction.

    `expected` is the digest of the plan that a person agreed to; PlanChanged when it is another by now. The
    second click of two finds nobody left to move, and is no change.
    """
    with transaction.atomic():
        hold_for_closing(clinic)
        there = live_within(clinic, away_from).values_list("pk", "patient_id")
        keys, patients = {pk for pk, _patient in there}, {patient for _pk, patient in there}
        hold_many([], patients, keys)
        plan = plan_moves(clinic=clinic, away_from=away_from, to=to, now=now)
        if expected is not None and plan.moves and expected != plan.digest:
            raise PlanChanged(
                _("Something has changed meanwhile. Look at the new plan and confirm it again.")
            )
        _carry_out(plan.moves, actor, now)
    return plan


def _plan(visits: Sequence[Appointment], clinic: Clinic, away_from: Span, to: date, now: datetime) -> Plan:
    plan = Plan([], [])
    if not visits:
        return plan
    places = _Places(clinic, {visit.patient_id for visit in visits}, away_from, to, now)
    for visit in visits:
        try:
            plan.moves.append(Move(visit, places.take(visit)))
        except DomainError as refusal:
            plan.stays.append(Stay(visit, refusal))
    return plan


class _Places:
    """The diary of the coming weeks, as it fills up."""

    def __init__(
        self, clinic: Clinic, patients: Collection[UUID], away_from: Span, to: date, now: datetime
    ) -> None:
        self.clinic, self.away_from, self.now, self.to = clinic, away_from, now, to
        begin = datetime.combine(to, time(), clinic.zone).astimezone(UTC)
        self.until = begin + WITHIN
        span = (begin, self.until + timedelta(days=2))
        self.diary = Diary()
        self.diary.load_patients(patients, span)
        self.diary.load_closures([clinic], span)
        if clinic.slot_capacity is not None:
            self.diary.load_clinic(clinic.pk, [span])
        # It only gets fuller: what was full for one is not looked at again for the next.
        self.full: set[tuple[datetime, timedelta]] = set()

    def take(self, visit: Appointment) -> datetime:
        """The visit's new time, its own from now on; or the refusal of the wanted one where there is none."""
        same_time = visit.starts_at.astimezone(self.clinic.zone).time()
        wanted = datetime.combine(self.to, same_time, self.clinic.zone)
        length = timedelta(minutes=visit.duration_minutes)
        refused: DomainError | None = None
        for start in self._candidates(wanted, length):
            if (start, length) in self.full:
                continue
            place = Visit(
                visit.pk,
                self.clinic.pk,
                visit.patient_id,
                start.astimezone(UTC),
                start.astimezone(UTC) + length,
            )
            try:
                self._check(place)
            except DomainError as refusal:
                refused = refused or refusal
                if isinstance(refusal, AppointmentConflict) and refusal.reason != InTheWay.PATIENT:
                    self.full.add((start, length))
                continue
            self.diary.put(place)
            return start.astimezone(self.clinic.zone)
        raise refused or AppointmentConflict(
            _("There is no free time within four weeks."), reason=InTheWay.CLINIC_FULL
        )

    def _candidates(self, wanted: datetime, length: timedelta) -> Iterator[datetime]:
        yield wanted
        after = max(wanted, self.now + timedelta(minutes=1)).astimezone(UTC)
        yield from opening_slots(self.clinic, after, self.until, length)

    def _check(self, place: Visit) -> None:
        refuse_out_of_bounds(place.starts_at, self.now)
        begin, end = self.away_from
        if place.starts_at < end and begin < place.ends_at:
            raise AppointmentConflict(_("This is the time to be cleared."), reason=InTheWay.CLOSED)
        self.diary.check_open(place, self.clinic)
        self.diary.check(place, self.clinic)


def _carry_out(moves: Sequence[Move], actor: Actor, now: datetime) -> None:
    if not moves:
        return
    changes = {}
    for move in moves:
        visit = move.appointment
        changes[visit.pk] = {"starts_at": [plain(visit.starts_at), plain(move.starts_at.astimezone(UTC))]}
        if visit.status == AppointmentStatus.CONFIRMED:
            changes[visit.pk]["status"] = [plain(visit.status), plain(AppointmentStatus.BOOKED)]
        visit.status = AppointmentStatus.BOOKED
        visit.starts_at = move.starts_at.astimezone(UTC)
        visit.ends_at = visit.starts_at + timedelta(minutes=visit.duration_minutes)
        visit.version += 1
        visit.updated_at = now
    visits = [move.appointment for move in moves]
    # Out of the way first: PostgreSQL checks row by row, and one visit may take another's old place.
    Appointment.objects.filter(pk__in=[v.pk for v in visits]).update(status=AppointmentStatus.CANCELLED)
    Appointment.objects.bulk_update(
        visits, ["starts_at", "ends_at", "status", "version", "updated_at"], batch_size=100
    )
    plan_reminders(visits, now=now)
    record(actor, [Change.of(visit, "moved by the clinic", changes[visit.pk]) for visit in visits], now=now)
    announce([Event(visit, changes[visit.pk], by_clinic=True) for visit in visits], now=now)


def examples_of_texts(plan: Plan) -> list[Text]:
    """What the patients will read, one text a language; changes nothing."""
    by_language: dict[str, Move] = {}
    for move in plan.moves:
        by_language.setdefault(move.appointment.language, move)
    found = []
    for move in by_language.values():
        visit = move.appointment
        told = Appointment(starts_at=move.starts_at, language=visit.language)
        found.append(preview_text(told, visit.patient, visit.clinic, key=TemplateKey.RESCHEDULED))
    return found
