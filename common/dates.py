"""Days and times in words, in the language of whoever reads them. Django knows no Setswana names."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils import translation

WEEKDAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "tn": ("Mosupologo", "Labobedi", "Laboraro", "Labone", "Labotlhano", "Matlhatso", "Tshipi"),
}
MONTHS = {
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    "tn": (
        *("Ferikgong", "Tlhakole", "Mopitlwe", "Moranang", "Motsheganong", "Seetebosigo"),
        *("Phukwi", "Phatwe", "Lwetse", "Diphalane", "Ngwanatsele", "Sedimonthole"),
    ),
}
# Four of the Setswana days begin alike: cut short, nobody could tell them apart.
_SHORT_WEEKDAYS = {"en": tuple(name[:3] for name in WEEKDAYS["en"]), "tn": WEEKDAYS["tn"]}
_SHORT_MONTHS = {language: tuple(name[:3] for name in names) for language, names in MONTHS.items()}


def _language() -> str:
    active = translation.get_language() or "en"
    return active if active in WEEKDAYS else "en"


def weekday_in_words(day: date) -> str:
    """ "Tue", "Labobedi" """
    return _SHORT_WEEKDAYS[_language()][day.weekday()]


def month_in_words(day: date) -> str:
    """ "Dec", "Sed" """
    return _SHORT_MONTHS[_language()][day.month - 1]


def date_in_words(day: date) -> str:
    """ "1 Dec 2026" """
    return f"{day.day} {month_in_words(day)} {day.year}"


def day_in_words(day: date, *, year: bool = True) -> str:
    """ "Tue 1 Dec 2026"; without its year "Tue 1 Dec"."""
    words = date_in_words(day) if year else f"{day.day} {month_in_words(day)}"
    return f"{weekday_in_words(day)} {words}"


def moment_in_words(moment: datetime | None, zone: ZoneInfo) -> str:
    """ "Tue 1 Dec 2026, 09:30" on that zone's clock; nothing for no moment."""
    if moment is None:
        return ""
    there = moment.astimezone(zone)
    return f"{day_in_words(there)}, {there:%H:%M}"
