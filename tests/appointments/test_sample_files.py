from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from appointments.file_import import cells
from appointments.file_import.reading import Record, open_file

DATA = Path(__file__).parent.parent / "data"
ZONE = ZoneInfo("Africa/Gaborone")

READERS: dict[str, Callable[[str], object]] = {
    "language": cells.read_language,
    "consent": cells.read_consent,
    "duration_minutes": cells.read_duration,
    "patient_name": lambda text: cells.read_text(text, "patient_name", 120),
    "patient_number": lambda text: cells.read_text(text, "patient_number", 40),
    "reference": lambda text: cells.read_text(text, "reference", 60),
    "visit_type": lambda text: cells.read_text(text, "visit_type", 60),
}


def values_of(record: Record) -> dict[str, object]:
    given = record.cells
    when = (given.get(f"appointment_{part}") for part in ("datetime", "date", "time"))
    values: dict[str, object] = {
        "phone": cells.read_phone(given["patient_phone"]),
        "when": cells.read_when(*when, ZONE).astimezone(ZONE).strftime("%Y-%m-%d %H:%M"),
    }
    return values | {
        column: reader(given[column])
        for column, reader in READERS.items()
        if not cells.is_blank(given.get(column, ""))
    }


def outcomes_of(name: str) -> list[tuple[str, object]]:
    outcomes: list[tuple[str, object]] = []
    for record in open_file((DATA / name).read_bytes()).records():
        try:
            outcomes.append((record.cells["reference"], values_of(record)))
        except cells.CellError as error:
            outcomes.append((record.cells["reference"], error.code))
    return outcomes


def test_only_the_unreadable_cells_of_the_messy_file_are_refused():
    refused = {
        reference: code for reference, code in outcomes_of("appointments_messy.csv") if isinstance(code, str)
    }
    assert refused == {
        "B-001": "NOT_A_MOBILE",
        "B-002": "INVALID_PHONE",
        "B-003": "MISSING_PHONE",
        "B-004": "INVALID_PHONE",
        "B-005": "INVALID_DATE",
        "B-007": "NO_TIME",
        "B-009": "UNKNOWN_LANGUAGE",
        "B-012": "INVALID_DURATION",
        "B-013": "UNCLEAR_CONSENT",
    }


@pytest.mark.parametrize(
    ("reference", "phone", "when", "name"),
    [
        ("A-002", "+26772345678", "2030-06-04 09:30", "Neo Kgosi"),
        ("A-003", "+26773456789", "2030-06-04 10:00", "Mpho Seretse"),
        ("A-004", "+26774567890", "2030-06-04 10:00", "Lesêgo Tau"),
        ("A-005", "+26775678901", "2030-06-04 10:30", "Boitumelo Dube, Jr"),
        ("A-006", "+26776789012", "2030-06-04 11:00", "Kagišo Moeti"),
        ("A-007", "+26777890123", "2030-06-05 08:00", "Onalenna Phiri"),
        ("A-013", "+26774678901", "2030-06-04 09:00", '=HYPERLINK("http://x")'),
    ],
)
def test_the_messy_ways_of_writing_mean_what_a_person_would_read(reference, phone, when, name):
    values = dict(outcomes_of("appointments_messy.csv"))[reference]
    assert (values["phone"], values["when"], values["patient_name"]) == (phone, when, name)


@pytest.mark.parametrize("name", ["appointments_messy_v2.csv", "appointments_excel.csv"])
def test_every_cell_of_the_other_sample_files_is_read(name):
    assert all(isinstance(values, dict) for _reference, values in outcomes_of(name))


def test_what_a_spreadsheet_saves_keeps_its_accents_and_days():
    values = dict(outcomes_of("appointments_excel.csv"))["X-0000"]
    assert (values["patient_name"], values["when"]) == ("Mpho Tau née Kôma", "2030-07-11 09:45")
