"""A clinic's day: who comes when, how many came, and how full a day is."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, QuerySet

from accounts.models import Clinic
from appointments.diary import Visit, peak
from appointments.free_slots import day_of, opening_slots
from appointments.models import LIVE, Appointment, AppointmentQuerySet, AppointmentStatus, Closure

Status = AppointmentStatus
# So many visits stand on one page.
ON_A_PAGE = 50

# What a person may want to see of a day; empty is all.
PARTS: dict[str, tuple[str, ...]] = {
    "": tuple(Status.values),
    "waiting": LIVE,
    "came": (Status.ATTENDED,),
    "missed": (Status.MISSED,),
    "cancelled": (Status.CANCELLED,),
}


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a day's visits, by time. They come with clinic and patient."""

    visits: list[Appointment]
    number: int
    pages: int
    # Of each of PARTS, how many there are that day.
    counts: dict[str, int]


def visits_on_day(clinic: Clinic, day: date) -> QuerySet[Appointment]:
    begin, end = day_of(clinic, day)
    return Appointment.objects.filter(clinic=clinic, starts_at__gte=begin, starts_at__lt=end)


def page_of_day(clinic: Clinic, day: date, *, part: str = "", number: int | None = None) -> Page:
    """In two queries, three without `number` and `part`: then the page of the first visit that is to come."""
    there = visits_on_day(clinic, day)
    by_status = dict(there.order_by().values_list("status").annotate(n=Count("pk")))
    counts = {name: sum(by_status.get(s, 0) for s in statuses) for name, statuses in PARTS.items()}
    shown = there.filter(status__in=PARTS[part]).order_by("starts_at", "pk")
    pages = max(1, -(-counts[part] // ON_A_PAGE))
    if number is None:
        number = 1 if part else _page_of_first_waiting(there)
    number = min(max(number, 1), pages)
    rows = shown.select_related("patient")[(number - 1) * ON_A_PAGE : number * ON_A_PAGE]
    visits = list(rows)
    for visit in visits:
        visit.clinic = clinic
    return Page(visits, number, pages, counts)


def _page_of_first_waiting(there: QuerySet[Appointment]) -> int:
    first = there.filter(status__in=LIVE).order_by("starts_at", "pk").values("starts_at")[:1]
    before = there.filter(starts_at__lt=first).count()
    return before // ON_A_PAGE + 1


@dataclass(frozen=True, slots=True)
class Hour:
    """What is booked within one hour on the clinic's clock. `places` is what fits in; None: no limit."""

    begins: datetime
    taken: int
    places: int | None

    @property
    def clock(self) -> str:
        return f"{self.begins:%H:%M}"

    @property
    def percent(self) -> int:
        return 0 if not self.places else min(100, round(100 * self.taken / self.places))

    @property
    def is_full(self) -> bool:
        return self.places is not None and self.taken >= self.places


@dataclass(frozen=True, slots=True)
class Load:
    """How full a day is, an hour of its slots a row. `outside` counts visits before or after the slots."""

    day: date
    is_closed: bool
    visits: int
    outside: int
    hours: list[Hour]

    @property
    def places(self) -> int | None:
        found = [hour.places for hour in self.hours]
        return None if None in found else sum(places or 0 for places in found)

    @property
    def busiest(self) -> int:
        return max((hour.taken for hour in self.hours), default=0)


def load_of_day(clinic: Clinic, day: date) -> Load:
    """In two queries."""
    begin, end = day_of(clinic, day)
    live = AppointmentQuerySet(Appointment).live().filter(clinic=clinic, starts_at__gte=begin)
    rows = live.filter(starts_at__lt=end).order_by()
    visits = [Visit.of(visit) for visit in rows]
    closed = Closure.objects.filter(clinic=clinic, date=day).exists()
    slot = timedelta(minutes=clinic.slot_minutes)
    hours: dict[datetime, list[int]] = {}
    slots = list(opening_slots(clinic, begin, end, slot))
    for start in slots:
        hour = start.astimezone(clinic.zone).replace(minute=0)
        place = Visit(clinic.pk, clinic.pk, clinic.pk, start, start + slot)
        taken = peak(place, (visit for visit in visits if visit.overlaps(place)))
        sums = hours.setdefault(hour, [0, 0])
        sums[0] += taken
        sums[1] += 1
    outside = sum(
        not any(v.starts_at < start + slot and start < v.ends_at for start in slots) for v in visits
    )
    bars = [
        Hour(hour, taken, None if clinic.slot_capacity is None else clinic.slot_capacity * count)
        for hour, (taken, count) in sorted(hours.items())
    ]
    return Load(day, closed, len(visits), outside, bars)
