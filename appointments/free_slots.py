"""Which times are free: offered where one that was asked for is not."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from uuid import UUID

from accounts.models import Clinic
from appointments.diary import Diary, Visit
from appointments.errors import AppointmentConflict
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
    patient_id: UUID | None,
    minutes: int,
    after: datetime,
    appointment_id: UUID | None = None,
) -> Iterator[None]:
    """Adds `next_free_slots` to a conflict that comes from within; outside the locks of what was refused."""
    try:
        yield
    except AppointmentConflict as conflict:
        slots = next_free_slots(
            clinic=clinic, patient_id=patient_id, minutes=minutes, after=after, appointment_id=appointment_id
        )
        conflict.facts["next_free_slots"] = [slot.isoformat() for slot in slots]
        raise


def _free(
    clinic: Clinic, patient_id: UUID, length: timedelta, after: datetime, appointment_id: UUID
) -> Iterator[datetime]:
    for number in range(WINDOWS):
        begin = after.astimezone(UTC) + number * WINDOW
        span = (begin, begin + WINDOW + length)
        diary = Diary()
        diary.load_patients([patient_id], span)
        diary.load_closures([clinic], span)
        if clinic.slot_capacity is not None:
            diary.load_clinic(clinic.pk, [span])
        for start in _opening_slots(clinic, begin, begin + WINDOW, length):
            visit = Visit(appointment_id, clinic.pk, patient_id, start, start + length)
            if diary.has_room(visit, clinic):
                yield start.astimezone(clinic.zone)


def _opening_slots(clinic: Clinic, begin: datetime, end: datetime, length: timedelta) -> Iterator[datetime]:
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


def _at(day: date, clock: str, clinic: Clinic) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), clinic.zone).astimezone(UTC)
