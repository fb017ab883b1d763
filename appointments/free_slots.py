"""Which times are free: those of a day to choose from, and the next ones where one is taken."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from uuid import UUID

from accounts.models import Clinic
from appointments.diary import Diary, Span, Visit
from appointments.errors import AppointmentConflict, InTheWay
from appointments.models import Patient
from appointments.patients import Caller, known_as
from common.ids import new_id

OFFERED = 3
WINDOW = timedelta(days=7)
# A clinic that is full for so long has nothing to offer.
WINDOWS = 4


def next_free_slots(
    *,
    clinic: Clinic,
    patient_id: UUID | None = None,
    minutes: int,
    after: datetime,
    appointment_id: UUID | None = None,
    count: int = OFFERED,
) -> list[datetime]:
    """The first free times from `after` on, within four weeks, in the clinic's opening hours and zone.

    `appointment_id` is the visit that would move there: its present place counts as free.
    """
    found = _free(
        clinic, patient_id or new_id(), timedelta(minutes=minutes), after, appointment_id or new_id()
    )
    return list(islice(found, count))


@contextmanager
def offering(
    *,
    clinic: Clinic,
    who: Patient | Caller,
    minutes: int,
    after: datetime,
    appointment_id: UUID | None = None,
) -> Iterator[None]:
    """Adds `next_free_slots` to a conflict that comes from within; outside the locks of what was refused."""
    try:
        yield
    except AppointmentConflict as conflict:
        patient = known_as(who) if isinstance(who, Caller) else who
        slots = next_free_slots(
            clinic=clinic,
            patient_id=patient.pk if patient else None,
            minutes=minutes,
            after=after,
            appointment_id=appointment_id,
        )
        conflict.facts["next_free_slots"] = [slot.isoformat() for slot in slots]
        raise


def _free(
    clinic: Clinic, patient_id: UUID, length: timedelta, after: datetime, appointment_id: UUID
) -> Iterator[datetime]:
    for number in range(WINDOWS):
        begin = after.astimezone(UTC) + number * WINDOW
        span = (begin, begin + WINDOW + length)
        diary = _diary_of(clinic, [patient_id], span)
        for start in opening_slots(clinic, begin, begin + WINDOW, length):
            visit = Visit(appointment_id, clinic.pk, patient_id, start, start + length)
            if diary.has_room(visit, clinic) and not _comes_again(start, clinic):
                yield start.astimezone(clinic.zone)


def opening_slots(clinic: Clinic, begin: datetime, end: datetime, length: timedelta) -> Iterator[datetime]:
    """Every start of a slot in [begin, end) from which a visit of `length` is over by closing time."""
    day = begin.astimezone(clinic.zone).date()
    while day <= end.astimezone(clinic.zone).date():
        hours = clinic.opening_hours.get(str(day.weekday()))
        if hours:
            opens, closes = (_at(day, clock, clinic) for clock in hours)
            while opens + length <= closes:
                if begin <= opens < end:
                    yield opens
                opens += timedelta(minutes=clinic.slot_minutes)
        day += timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Slot:
    """A time of a day, on the clinic's clock. `left` is how many more fit in; None: no limit."""

    starts_at: datetime
    left: int | None
    # Why it can't be had; None: it can.
    taken: InTheWay | None

    @property
    def is_free(self) -> bool:
        return self.taken is None


@dataclass(frozen=True, slots=True)
class OfferedDay:
    day: date
    is_closed: bool
    slots: list[Slot]

    @property
    def places(self) -> int | None:
        """How many visits still fit in; None: no limit."""
        lefts = [slot.left for slot in self.slots if slot.is_free]
        return None if None in lefts else sum(left or 0 for left in lefts)


def slots_of_day(
    *,
    clinic: Clinic,
    day: date,
    minutes: int,
    patient_id: UUID | None = None,
    appointment_id: UUID | None = None,
    now: datetime,
) -> OfferedDay:
    """The clinic's slots of that day from now on, each with the room it has for a visit of `minutes`.

    Three queries. `appointment_id` is the visit that would move there: its present place counts as free.
    """
    visit_id, patient = appointment_id or new_id(), patient_id or new_id()
    begin, end = day_of(clinic, day)
    diary = _diary_of(clinic, [patient], (begin, end + timedelta(minutes=minutes)))
    return _offered(diary, clinic, day, minutes, patient, visit_id, now)


def days_with_room(*, clinic: Clinic, after: date, now: datetime, count: int = 6) -> list[OfferedDay]:
    """The next days on which the clinic is open and has room, within four weeks. Three queries."""
    begin, _end = day_of(clinic, after + timedelta(days=1))
    diary = _diary_of(clinic, [], (begin, begin + WINDOWS * WINDOW))
    nobody, found = new_id(), []
    for number in range(WINDOWS * WINDOW.days):
        day = after + timedelta(days=1 + number)
        offered = _offered(diary, clinic, day, clinic.slot_minutes, nobody, nobody, now)
        if any(slot.is_free for slot in offered.slots):
            found.append(offered)
        if len(found) == count:
            break
    return found


def _diary_of(clinic: Clinic, patients: Collection[UUID], span: Span) -> Diary:
    diary = Diary()
    diary.load_patients(patients, span)
    diary.load_closures([clinic], span)
    if clinic.slot_capacity is not None:
        diary.load_clinic(clinic.pk, [span])
    return diary


def _offered(
    diary: Diary, clinic: Clinic, day: date, minutes: int, patient_id: UUID, visit_id: UUID, now: datetime
) -> OfferedDay:
    if diary.is_closed(clinic, day):
        return OfferedDay(day, True, [])
    begin, end = day_of(clinic, day)
    length, slots = timedelta(minutes=minutes), []
    for start in opening_slots(clinic, max(begin, now.astimezone(UTC)), end, length):
        if _comes_again(start, clinic):
            continue
        visit = Visit(visit_id, clinic.pk, patient_id, start, start + length)
        taken = None
        try:
            diary.check(visit, clinic)
        except AppointmentConflict as conflict:
            taken = conflict.reason
        left = diary.places_left(visit, clinic)
        slots.append(Slot(start.astimezone(clinic.zone), left, taken))
    return OfferedDay(day, False, slots)


def _comes_again(moment: datetime, clinic: Clinic) -> bool:
    """Whether the clinic's clock has shown this time before, as in an autumn night. Who is told of it, or
    types it, means the first."""
    return moment.astimezone(clinic.zone).fold == 1


def day_of(clinic: Clinic, day: date) -> Span:
    """[begin, end) of the day on the clinic's clock, in UTC."""
    begin = datetime.combine(day, time(), clinic.zone)
    end = datetime.combine(day + timedelta(days=1), time(), clinic.zone)
    return begin.astimezone(UTC), end.astimezone(UTC)


def _at(day: date, clock: str, clinic: Clinic) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), clinic.zone).astimezone(UTC)
