"""The headings of appointment files: which of our columns each of them means."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from appointments.file_import.errors import UnreadableFile

# Our column and the headings that mean it, as they are shown to people.
HEADINGS: dict[str, tuple[str, ...]] = {
    "patient_phone": (
        "patient_phone",
        "phone",
        "phone number",
        "phone no",
        "cell",
        "cellphone",
        "cell number",
        "mobile",
        "mobile number",
    ),
    "appointment_datetime": ("appointment_datetime", "datetime", "date and time"),
    "appointment_date": ("appointment_date", "date"),
    "appointment_time": ("appointment_time", "time"),
    "clinic": ("clinic", "clinic_code", "facility"),
    "patient_name": ("patient_name", "name", "patient"),
    "patient_number": ("patient_number", "file no", "file number"),
    "language": ("language", "lang"),
    "reference": ("reference", "ref"),
    "visit_type": ("visit_type",),
    "duration_minutes": ("duration_minutes",),
    "status": ("status",),
    "consent": ("consent",),
}

_NOT_A_LETTER = re.compile(r"[\W_]+")


def _key(heading: str) -> str:
    return _NOT_A_LETTER.sub("", unicodedata.normalize("NFKC", heading).casefold())


_COLUMN_OF = {_key(heading): column for column, headings in HEADINGS.items() for heading in headings}


@dataclass(frozen=True, slots=True)
class Columns:
    """Where our columns are in a file: `found` maps our name to the position from 0; `width` is the last
    column that has a heading, counted from 1."""

    found: dict[str, int]
    ignored: list[str]
    width: int


def known(header: Sequence[str]) -> int:
    """How many headings mean one of our columns."""
    return sum(_key(heading) in _COLUMN_OF for heading in header)


def find_columns(header: Sequence[str]) -> Columns:
    """The columns of a file, or UnreadableFile where one is missing or there twice."""
    found: dict[str, int] = {}
    ignored = []
    width = 0
    for position, heading in enumerate(header):
        heading = heading.strip()
        if not heading:
            continue
        width = position + 1
        column = _COLUMN_OF.get(_key(heading))
        if column is None:
            ignored.append(heading)
        elif column in found:
            raise UnreadableFile(
                _(
                    "The columns “%(first)s” and “%(second)s” mean the same. Remove one of them, "
                    "or give it another heading."
                )
                % {"first": header[found[column]].strip(), "second": heading}
            )
        else:
            found[column] = position
    _refuse_missing(found)
    return Columns(found, ignored, width)


def _refuse_missing(found: dict[str, int]) -> None:
    if "patient_phone" not in found:
        raise UnreadableFile(
            _(
                "No column for the patient's phone was found. The first line must hold the headings; "
                "call this column one of: %(headings)s."
            )
            % {"headings": ", ".join(HEADINGS["patient_phone"])}
        )
    if "appointment_datetime" in found:
        return
    if "appointment_date" not in found or "appointment_time" not in found:
        raise UnreadableFile(
            _(
                "No column for the date and time was found. Give one column the heading "
                "appointment_datetime, or two columns the headings appointment_date and appointment_time."
            )
        )
