"""From the text of one cell to its value."""

import re
from datetime import date

from django.utils.translation import gettext as _

from appointments.file_import.errors import CellError
from stock.rules import MOST_UNITS

_WHOLE = re.compile(r"[+-]?\d{1,12}(?:[.,]0{1,2})?")
# 1,000 is a thousand to one and one to another.
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:[., '\u2019\xa0\u202f]\d{3})+(?:[.,]0{1,2})?")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?")
_DAY_FIRST = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?: .*)?")
_YES = {"yes", "y", "true", "1", "ee"}
_NO = {"no", "n", "false", "0", "nnyaa", ""}


def read_whole(text: str, column: str, *, least: int) -> int:
    """CellError INVALID_NUMBER."""
    if _GROUPED.fullmatch(text):
        meant = int(re.sub(r"[.,]\d{1,2}$|[^\d-]", "", text))
        raise CellError(
            column, "INVALID_NUMBER", _("Write %(number)d without a separator.") % {"number": meant}
        )
    number = int(re.split(r"[.,]", text)[0]) if _WHOLE.fullmatch(text) else None
    if number is None or not least <= number <= MOST_UNITS:
        raise CellError(
            column, "INVALID_NUMBER", _("Write a whole number, %(least)d or more.") % {"least": least}
        )
    return number


def read_day(text: str, column: str) -> date:
    """2026-12-01 or 01/12/2026 (day first); CellError INVALID_DATE."""
    try:
        if match := _ISO.fullmatch(text):
            return date(int(match[1]), int(match[2]), int(match[3]))
        if match := _DAY_FIRST.fullmatch(text):
            return date(int(match[3]), int(match[2]), int(match[1]))
    except ValueError:
        pass
    raise CellError(column, "INVALID_DATE", _("Write the date as 2026-12-01 or 01/12/2026."))


def read_yes_no(text: str, column: str) -> bool:
    """CellError INVALID_CHOICE."""
    word = text.casefold()
    if word not in _YES | _NO:
        raise CellError(column, "INVALID_CHOICE", _("Write yes or no."))
    return word in _YES


def read_line(text: str, column: str, longest: int) -> str:
    """CellError INVALID_CHARACTER or TOO_LONG."""
    if any(ord(character) < 32 or 0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise CellError(column, "INVALID_CHARACTER", _("This holds a character that can't be read."))
    if len(text) > longest:
        raise CellError(column, "TOO_LONG", _("Write at most %(count)d characters.") % {"count": longest})
    return text
