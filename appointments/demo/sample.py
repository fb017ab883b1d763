"""A file of appointments as a clinic might bring it, dated from the day it is made.

The phones are valid, or the import would refuse them, and follow a pattern that nobody has chosen; they
may still be somebody's. So the sample is imported only where texts stay on this machine.
"""

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import cycle, islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

from appointments.demo.clinics import OPENING_HOURS

SLOT = timedelta(minutes=30)
# A visit between 2 h and 24 h ahead is reminded of at once; an hour at each end is room for a slow start.
SOONEST, LATEST = timedelta(hours=3), timedelta(hours=23)
VISITS_SOON = 12
VISITS_LATER = 22

COLUMNS = (
    "reference",
    "clinic",
    "patient_name",
    "patient_phone",
    "language",
    "appointment_date",
    "appointment_time",
    "visit_type",
    "consent",
)
_FIRST_NAMES = (
    *("Kabo", "Boitumelo", "Tshepo", "Onalenna", "Gorata", "Kagiso", "Lesego", "Masego", "Neo", "Oratile"),
    *("Pono", "Refilwe", "Sethunya", "Tebogo", "Unami", "Warona", "Bakang"),
)
_LAST_NAMES = ("Sample", "Trial", "Example")
_VISIT_TYPES = ("Check-up", "Blood pressure", "Child welfare", "Dressing")
# As people write phones: with the country code, without, in groups.
_PHONE_FORMS = ("+267{prefix}0001{n:02d}", "{prefix} 000 1{n:02d}", "{prefix}0001{n:02d}")
_PREFIXES = (71, 72, 73, 74)


class Visit(NamedTuple):
    clinic: str
    language: str
    starts_at: datetime


def sample_file(now: datetime, zone: ZoneInfo) -> str:
    """The file as text: some 40 rows of two clinics and two languages, a few of them wrong on purpose.

    Whatever the hour of `now`, some visits are 3 to 23 hours ahead, within opening hours in `zone`.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for n, visit in enumerate(_visits(now, zone), start=1):
        writer.writerow(_row(n, visit))
    writer.writerows(_wrong_rows((now.astimezone(zone) + timedelta(days=5)).date()))
    return out.getvalue()


def _row(n: int, visit: Visit) -> list[str]:
    prefix = _PREFIXES[n % len(_PREFIXES)]
    return [
        f"SAMPLE-{n:02d}",
        visit.clinic,
        f"{_FIRST_NAMES[n % len(_FIRST_NAMES)]} {_LAST_NAMES[n % len(_LAST_NAMES)]}",
        _PHONE_FORMS[n % len(_PHONE_FORMS)].format(prefix=prefix, n=n),
        visit.language,
        f"{visit.starts_at:%d/%m/%Y}",
        f"{visit.starts_at:%H:%M}",
        _VISIT_TYPES[n % len(_VISIT_TYPES)],
        "no" if n == VISITS_SOON else ("yes", "")[n % 2],
    ]


def _visits(now: datetime, zone: ZoneInfo) -> Iterator[Visit]:
    # GAB01 speaks Setswana and FRW02 English, where the file says nothing else.
    where = cycle([("GAB01", ""), ("FRW02", ""), ("GAB01", "English"), ("FRW02", "tn"), ("GAB01", "TSW")])
    times = [
        *islice(cycle(soon_slots(now, zone)), VISITS_SOON),
        *islice(_later_times(now, zone), VISITS_LATER),
    ]
    for starts_at, (clinic, language) in zip(times, where, strict=False):
        yield Visit(clinic, language, starts_at)


def soon_slots(now: datetime, zone: ZoneInfo) -> list[datetime]:
    """The half hours, within opening hours, of visits that are reminded of at once."""
    today = now.astimezone(zone).date()
    return [
        slot
        for day in (today, today + timedelta(days=1))
        for slot in open_slots(day, zone)
        if SOONEST <= slot - now <= LATEST
    ]


def _later_times(now: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Spread over the two weeks after tomorrow."""
    today = now.astimezone(zone).date()
    for n in range(VISITS_LATER):
        slots = open_slots(today + timedelta(days=2 + n % 12), zone)
        yield slots[(n * 5) % len(slots)]


def open_slots(day: date, zone: ZoneInfo) -> list[datetime]:
    """The starts of that day's visits, in the demo clinics' opening hours."""
    opens, closes = (time.fromisoformat(text) for text in OPENING_HOURS[str(day.weekday())])
    slot, end = datetime.combine(day, opens, zone), datetime.combine(day, closes, zone)
    slots = []
    while slot + SLOT <= end:
        slots.append(slot)
        slot += SLOT
    return slots


def _wrong_rows(day: date) -> list[list[str]]:
    """What files hold in real life; each is rejected, with its reason."""
    when = f"{day:%d/%m/%Y}"
    last_year = f"{day.replace(day=1) - timedelta(days=300):%d/%m/%Y}"
    return [
        ["SAMPLE-91", "GAB01", "Landline Sample", "390 0191", "", when, "09:00", "Check-up", "yes"],
        ["SAMPLE-92", "GAB01", "Phoneless Sample", "", "", when, "09:30", "Check-up", "yes"],
        ["SAMPLE-93", "FRW02", "Calendar Sample", "72000193", "en", "31/02/2027", "10:00", "Check-up", ""],
        ["SAMPLE-94", "FRW02", "Yesteryear Sample", "72000194", "en", last_year, "10:30", "Check-up", ""],
        ["SAMPLE-95", "KAS99", "Elsewhere Sample", "72000195", "en", when, "11:00", "Check-up", ""],
        ["SAMPLE-96", "FRW02", "Timeless Sample", "72000196", "en", when, "morning", "Check-up", ""],
    ]
