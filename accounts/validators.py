import re
from datetime import time
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MAX_HOURS_BEFORE = 24 * 60
_DIALLED = re.compile(r"[0-9 +()-]+")


def validate_time_zone(value: str) -> None:
    if value not in available_timezones():
        raise ValidationError(_("Unknown time zone. Use a name like Africa/Gaborone."))


def validate_phone(value: str) -> None:
    """Any number that can be dialled, as people write it; also a landline or a short one."""
    if not _DIALLED.fullmatch(value) or sum(c.isdigit() for c in value) < 5:
        raise ValidationError(_("Write a phone number: digits, with spaces, +, - and brackets if you like."))


def validate_reminder_hours(value: object) -> None:
    """A list of distinct whole hours before the visit."""
    whole = isinstance(value, list) and all(
        isinstance(hours, int) and not isinstance(hours, bool) and 1 <= hours <= MAX_HOURS_BEFORE
        for hours in value
    )
    if not whole or len(set(value)) != len(value):  # type: ignore[arg-type,call-overload]
        raise ValidationError(
            _("Give a list of different whole hours from 1 to 1440, for example [168, 24].")
        )


def validate_opening_hours(value: object) -> None:
    """{"0": ["07:30", "16:30"], …, "6": null}: Monday is 0, a closed day null."""
    message = _('Give each day from "0" (Monday) to "6" as ["07:30", "16:30"], or null when closed.')
    if not isinstance(value, dict) or set(value) != {str(day) for day in range(7)}:
        raise ValidationError(message)
    for hours in value.values():
        if hours is None:
            continue
        try:
            opens, closes = (time.fromisoformat(text) for text in hours)
        except (TypeError, ValueError):
            raise ValidationError(message) from None
        if opens >= closes:
            raise ValidationError(message)
