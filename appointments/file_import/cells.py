"""From the text of one cell to its value. Pure functions; a blank cell is the caller's to decide on."""

import re
import unicodedata
from collections.abc import Mapping
from typing import TypeVar

from django.utils.translation import gettext as _

from appointments.file_import.errors import CellError
from appointments.file_import.when import read_when
from common.phones import PhoneError, parse_mobile
from common.spreadsheets import bare, is_blank, tidy

__all__ = [
    "CellError",
    "is_blank",
    "read_consent",
    "read_duration",
    "read_language",
    "read_phone",
    "read_status",
    "read_text",
    "read_when",
]

MAX_DURATION_MINUTES = 24 * 60

_Value = TypeVar("_Value")

_LANGUAGES = {
    "en": ("en", "eng", "english"),
    "tn": ("tn", "tsn", "tsw", "tswana", "setswana"),
}
_CONSENTS = {
    True: ("yes", "y", "true", "t", "1", "1.0", "ee", "eya"),
    False: ("no", "n", "false", "f", "0", "0.0", "nnyaa", "nnya", "nyaa", "nya"),
}
_STATUSES = {
    "booked": ("booked", "scheduled"),
    "confirmed": ("confirmed",),
    "attended": ("attended", "arrived"),
    "missed": ("missed", "no show", "noshow", "did not attend", "dna"),
    "cancelled": ("cancelled", "canceled"),
}
_DURATION = re.compile(r"(\d{1,6})(?:[.,]0+)?\s*(?:m|min|mins|minutes?|metsotso)?\.?", re.IGNORECASE)


def read_phone(text: str) -> str:
    """E.164; CellError MISSING_PHONE, INVALID_PHONE or NOT_A_MOBILE."""
    try:
        return parse_mobile(tidy(text))
    except PhoneError as error:
        raise CellError("patient_phone", error.code, str(error)) from error


def read_language(text: str) -> str:
    """ "en" or "tn"; CellError UNKNOWN_LANGUAGE."""
    language = _meaning(text, _LANGUAGES)
    if language is None:
        raise CellError("language", "UNKNOWN_LANGUAGE", _("Write en for English or tn for Setswana."))
    return language


def read_consent(text: str) -> bool:
    """CellError UNCLEAR_CONSENT for anything but a plain yes or no: consent is never guessed."""
    consent = _meaning(text, _CONSENTS)
    if consent is None:
        raise CellError("consent", "UNCLEAR_CONSENT", _("Write yes or no."))
    return consent


def read_status(text: str) -> str:
    """A value of AppointmentStatus; CellError UNKNOWN_STATUS."""
    status = _meaning(text, _STATUSES)
    if status is None:
        raise CellError(
            "status", "UNKNOWN_STATUS", _("Write booked, confirmed, attended, missed or cancelled.")
        )
    return status


def read_duration(text: str) -> int:
    """Minutes, 1 to 1440; CellError INVALID_DURATION."""
    match = _DURATION.fullmatch(bare(text))
    minutes = int(match[1]) if match else 0
    if not 1 <= minutes <= MAX_DURATION_MINUTES:
        raise CellError(
            "duration_minutes", "INVALID_DURATION", _("Write the minutes as a whole number, from 1 to 1440.")
        )
    return minutes


def read_text(text: str, column: str, max_length: int) -> str:
    """One line in NFC, at most `max_length` characters; CellError INVALID_CHARACTER or TOO_LONG."""
    value = unicodedata.normalize("NFC", tidy(text))
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        raise CellError(
            column, "INVALID_CHARACTER", _("This cell holds a character that can't be read. Type it again.")
        )
    if len(value) > max_length:
        raise CellError(
            column,
            "TOO_LONG",
            _("This is too long. Write at most %(count)d characters.") % {"count": max_length},
        )
    return value


def _meaning(text: str, words: Mapping[_Value, tuple[str, ...]]) -> _Value | None:
    word = re.sub(r"[\s_-]+", " ", bare(text)).casefold()
    return next((value for value, spellings in words.items() if word in spellings), None)
