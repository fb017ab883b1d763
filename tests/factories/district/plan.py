"""How large a district is, and which patient has which visits: counted out, so that it is always the same."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property

from django.db.models import Model

from accounts.models import Clinic, User
from common.batches import batched

VISITS_A_PATIENT = 4
# Working days with visits at most: nine months back, three ahead.
MOST_DAYS = 257
AT_ONCE = 1000


@dataclass(frozen=True)
class Plan:
    """A district of so many visits. The first clinic is twice as busy as each of the others."""

    visits: int
    clinics: list[Clinic]
    nurse: User
    admin: User
    now: datetime

    @property
    def patients(self) -> int:
        return -(-self.visits // VISITS_A_PATIENT)

    @property
    def shares(self) -> int:
        return len(self.clinics) + 1

    def clinic_of(self, patient: int) -> Clinic:
        return self.clinics[patient % self.shares % len(self.clinics)]

    @cached_property
    def days(self) -> list[date]:
        """Today is one of them, whatever weekday it is; three in four are over."""
        count = min(MOST_DAYS, max(5, self.visits // (15 * len(self.clinics))))
        today = self.now.astimezone(self.clinics[0].zone).date()
        coming = max(2, count // 4)
        before = reversed(list(_working_days(today, -1, count - coming - 1)))
        return [*before, today, *_working_days(today, 1, coming)]

    @property
    def today(self) -> date:
        return self.now.astimezone(self.clinics[0].zone).date()

    def visits_of(self, patient: int) -> list[tuple[int, datetime]]:
        """The number of each visit and its time, on different days."""
        days, clinic = self.days, self.clinic_of(patient)
        half_hours = patient // (self.shares * len(days)) % 18
        clock = (datetime.combine(self.today, time(7, 30)) + half_hours * timedelta(minutes=30)).time()
        first = VISITS_A_PATIENT * patient
        count = min(VISITS_A_PATIENT, self.visits - first)
        places = [
            (patient // self.shares + k * len(days) // VISITS_A_PATIENT) % len(days) for k in range(count)
        ]
        return [
            (first + k, datetime.combine(days[place], clock, clinic.zone)) for k, place in enumerate(places)
        ]

    def of_every(self, visits: int, *, least: int = 3, most: int = 100_000) -> range:
        """One number for so many visits, besides a few for the first visits."""
        return range(min(most, least + min(self.visits // 20, 10) + self.visits // visits))


def _working_days(start: date, step: int, count: int) -> Iterator[date]:
    day = start
    while count > 0:
        day += timedelta(days=step)
        if day.weekday() < 5:
            count -= 1
            yield day


def store(model: type[Model], rows: Iterable[Model]) -> None:
    """In inserts of a bounded size, from rows that are made as they are needed."""
    for some in batched(rows, AT_ONCE):
        model._default_manager.bulk_create(some)
