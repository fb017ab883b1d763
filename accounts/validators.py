import re
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MAX_HOURS_BEFORE = 24 * 60
MAX_REMINDERS = 10
_DIALLED = re.compile(r"[0-9 +()-]+")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def validate_time_zone(value: str) -> None:
    if value not in available_timezones():
        raise ValidationError(_("Unknown time zone. Use a name like Africa/Gaborone."))


def validate_phone(value: str) -> None:
    """Any number that can be dialled, as people write it; also a landline or a short one."""
    if not _DIALLED.fullmatch(value) or sum(c.isdigit() for c in value) < 5:
        raise ValidationError(_("Write a phone number: digits, with spaces, +, - and brackets if you like."))


def validate_reminder_hours(value: object) -> None:
    """A list of at most 10 distinct whole hours before the visit."""
    whole = isinstance(value, list) and all(
        isinstance(hours, int) and not isinstance(hours, bool) and 1 <= hours <= MAX_HOURS_BEFORE
        for hours in value
    )
    if not whole or not len(set(value)) == len(value) <= MAX_REMINDERS:  # type: ignore[arg-type,call-overload]
        raise ValidationError(
            _("Give a list of at most 10 different whole hours from 1 to 1440, for example [168, 24].")
        )


def validate_opening_hours(value: object) -> None:
    """{"0": ["07:30", "16:30"], …, "6": null}: Monday is 0, a closed day null."""
    days = {str(day) for day in range(7)}
    if not (isinstance(value, dict) and set(value) == days and all(map(_is_a_day, value.values()))):
        raise ValidationError(
            _('Give each day from "0" (Monday) to "6" as ["07:30", "16:30"], or null when closed.')
        )


def _is_a_day(hours: object) -> bool:
    if hours is None:
        return True
    if not (isinstance(hours, list) and len(hours) == 2):
        return False
    # Written with all digits, times compare as text.
    return all(isinstance(text, str) and _TIME.fullmatch(text) for text in hours) and hours[0] < hours[1]


def validate_alert_by(value: object) -> None:
    """A list of different ways: "sms", "email"; empty for none."""
    known = isinstance(value, list) and all(way in ("sms", "email") for way in value)
    if not known or len(set(value)) != len(value):  # type: ignore[arg-type,call-overload]
        raise ValidationError(_('Give a list of "sms" and "email", one of them, or [] for no alerts.'))
