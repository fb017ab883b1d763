"""What any entry of the ledger must keep to."""

from datetime import date

from django.utils.translation import gettext as _

from common.errors import ValidationFailed

MOST_UNITS = 1_000_000_000
# A day further back is a slip in the year.
OLDEST_DAYS = 10 * 366
MOST_YEARS = 30
MAX_LOT = 60
MAX_REASON = 200


def checked_quantity(quantity: object, *, least: int = 1, field: str = "quantity") -> int:
    """A whole number of units from `least` to MOST_UNITS; ValidationFailed on `field`."""
    if isinstance(quantity, bool) or not isinstance(quantity, int):
        raise ValidationFailed.on(field, _("Give a whole number of units."))
    if not least <= quantity <= MOST_UNITS:
        raise ValidationFailed.on(
            field,
            _("Give a number from %(least)d to %(most)d.") % {"least": least, "most": MOST_UNITS},
        )
    return quantity


def checked_day(day: date | None, today: date) -> date:
    """The day on which something happened: today where none is given, never one that is still to come."""
    if day is None:
        return today
    if day > today:
        raise ValidationFailed.on("occurred_on", _("This day is still to come."))
    if (today - day).days > OLDEST_DAYS:
        raise ValidationFailed.on("occurred_on", _("This is too long ago. Check the year."))
    return day


def checked_expiry(day: date | None, today: date) -> date | None:
    """A lot's last day; ValidationFailed where the year is a slip."""
    if day is not None and abs(day.year - today.year) > MOST_YEARS:
        raise ValidationFailed.on("expires_on", _("This can't be an expiry date. Check the year."))
    return day


def checked_text(text: str, field: str, longest: int) -> str:
    """One line without characters that can't be stored; ValidationFailed on `field`."""
    line = " ".join(text.split())
    if any(ord(character) < 32 or 0xD800 <= ord(character) <= 0xDFFF for character in line):
        raise ValidationFailed.on(field, _("This holds a character that can't be read. Type it again."))
    if len(line) > longest:
        raise ValidationFailed.on(field, _("Write at most %(count)d characters.") % {"count": longest})
    return line
