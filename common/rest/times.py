"""Times leave on the clinic's clock with its offset, and are read on it where they have none."""

import re
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from rest_framework import serializers

from common.errors import ValidationFailed

# In a query string a plus that was not encoded arrives as a blank.
_LOST_PLUS = re.compile(r"(T\S+) (\d\d:?\d\d)$", re.IGNORECASE)


class ClinicTimeField(serializers.DateTimeField):
    """A stored time on the clock of the object's clinic, or of the site where it has none."""

    def __init__(self, *, clinic: str = "clinic", **options: Any) -> None:
        self.clinic = clinic
        super().__init__(**options)

    def get_attribute(self, instance: Any) -> datetime | None:
        moment = super().get_attribute(instance)
        if moment is None:
            return None
        clinic = getattr(instance, self.clinic)
        return moment.astimezone(clinic.zone if clinic else timezone.get_current_timezone())

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()


def start_of(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)


def read_day(text: str) -> date:
    """A date like 2026-12-01. ValueError with the mend."""
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise ValueError(_("Write a date like 2026-12-01."))
    _check_year(day)
    return day


def read_moment(text: str, zone: tzinfo, *, whole_day: bool = False) -> datetime:
    """A date or a date and time; without an offset, on the clock of `zone`. ValueError with the mend.

    A date alone is its start, or with `whole_day` its end.
    """
    try:
        day = parse_date(text)
        moment = None if day else parse_datetime(_LOST_PLUS.sub(r"\1+\2", text))
    except ValueError:
        day = moment = None
    if day is not None:
        _check_year(day)
        return start_of(day + timedelta(days=1) if whole_day else day, zone)
    if moment is None:
        raise ValueError(_("Write a date like 2026-12-01, or a time like 2026-12-01T09:30+02:00."))
    _check_year(moment)
    return moment if timezone.is_aware(moment) else moment.replace(tzinfo=zone)


def on_clock_of(zone: tzinfo, moment: datetime, field: str) -> datetime:
    """`moment`, read on this clock where it has no offset. ValidationFailed on `field` for a slip."""
    try:
        _check_year(moment)
    except ValueError as error:
        raise ValidationFailed.on(field, str(error)) from None
    return moment if timezone.is_aware(moment) else moment.replace(tzinfo=zone)


def _check_year(day: date) -> None:
    # Turned to another clock, the ends of the calendar fall out of it.
    if not 1900 <= day.year <= 2999:
        raise ValueError(_("The year must be between 1900 and 2999."))
