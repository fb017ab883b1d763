"""On which days a clinic is open: by its hours, and by what it really did."""

from collections.abc import Collection
from datetime import date, timedelta

from accounts.models import Clinic
from appointments.models import Closure

# On so many of its days a weekday must have seen issues to count as open against the hours' word.
USUALLY = 0.5


def weekdays_by_hours(clinic: Clinic) -> int:
    """The weekdays with opening hours, as bits; bit 0 is Monday."""
    return sum(1 << day for day in range(7) if clinic.opening_hours.get(str(day)))


def usual_weekdays(clinic: Clinic, active: Collection[date]) -> int:
    """The weekdays on which the clinic is open: with hours, or with issues on at least half of them.

    `active`: days on which it issued anything. Hours without any day, and no issues, mean every day.
    """
    mask = weekdays_by_hours(clinic)
    if active:
        weeks = max((max(active) - min(active)).days // 7, 1)
        for weekday in range(7):
            if sum(day.weekday() == weekday for day in active) >= USUALLY * weeks:
                mask |= 1 << weekday
    return mask or 0b1111111


def closed_days(clinic: Clinic, first: date, last: date) -> set[date]:
    """The days from `first` through `last` on which the clinic was closed out of turn."""
    closures = Closure.objects.filter(clinic=clinic, date__range=(first, last))
    return set(closures.values_list("date", flat=True))


def is_open(day: date, weekdays: int) -> bool:
    return bool(weekdays >> day.weekday() & 1)


def open_days_within(first: date, last: date, weekdays: int) -> int:
    """How many days from `first` through `last` are open."""
    days = (last - first).days + 1
    if days <= 0:
        return 0
    weeks, rest = divmod(days, 7)
    partial = sum(is_open(first + timedelta(days=n), weekdays) for n in range(rest))
    return weeks * weekdays.bit_count() + partial


def open_day_after(first: date, count: int, weekdays: int) -> date:
    """The open day before which `count` open days pass, from `first` on."""
    weeks, rest = divmod(count, max(weekdays.bit_count(), 1))
    day = first + timedelta(days=7 * weeks)
    while not is_open(day, weekdays) or rest:
        rest -= is_open(day, weekdays)
        day += timedelta(days=1)
    return day
