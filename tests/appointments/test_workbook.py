import io
import zipfile
from datetime import date, datetime, time, timedelta

import pytest
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from appointments.file_import.errors import UnreadableFile
from appointments.file_import.reading import open_file

HEADER = ["Phone", "Date", "Time", "Name", "Consent"]


def saved(rows, *, change=None):
    workbook = Workbook()
    for row in rows:
        workbook.active.append(row)
    if change:
        change(workbook)
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def cells_of(content):
    return [record.cells for record in open_file(content).records()]


def test_the_first_sheet_is_read_with_excels_own_dates_times_and_numbers():
    content = saved([HEADER, [71234567, date(2026, 12, 1), time(9, 30), "Neo", True]])
    assert cells_of(content) == [
        {
            "patient_phone": "71234567",
            "appointment_date": "2026-12-01",
            "appointment_time": "09:30:00",
            "patient_name": "Neo",
            "consent": "yes",
        }
    ]


def test_a_date_and_time_in_one_cell():
    content = saved([["Phone", "DateTime"], ["71234567", datetime(2026, 12, 1, 9, 30)]])
    assert cells_of(content)[0]["appointment_datetime"] == "2026-12-01 09:30:00"


def test_a_day_without_a_time_stays_without_one():
    content = saved([["Phone", "DateTime"], ["71234567", date(2026, 12, 1)]])
    assert cells_of(content)[0]["appointment_datetime"] == "2026-12-01"


def test_workbooks_of_old_macs_count_their_days_from_1904():
    def on_a_mac(workbook):
        workbook.epoch = CALENDAR_MAC_1904

    content = saved([["Phone", "DateTime"], ["71234567", datetime(2026, 12, 1, 9, 30)]], change=on_a_mac)
    assert cells_of(content)[0]["appointment_datetime"] == "2026-12-01 09:30:00"


def test_a_time_that_excel_keeps_as_a_fraction_is_the_whole_minute():
    content = saved([["Phone", "DateTime"], ["71234567", datetime(2026, 12, 1, 9, 29, 59, 999700)]])
    assert cells_of(content)[0]["appointment_datetime"] == "2026-12-01 09:30:00"


def test_a_span_of_time_is_read_as_a_time_of_day():
    content = saved([HEADER, ["71234567", date(2026, 12, 1), timedelta(hours=9, minutes=30), "Neo", "no"]])
    assert cells_of(content)[0]["appointment_time"] == "09:30:00"


def test_blank_rows_do_not_count_and_lines_are_the_sheets_own_rows():
    content = saved([HEADER, [], ["71234567", date(2026, 12, 1), time(9), "Neo", "yes"]])
    [record] = open_file(content).records()
    assert (record.row, record.line) == (2, 3)


def test_a_wrong_size_written_into_the_file_loses_no_rows():
    content = saved([HEADER, *([["71234567", date(2026, 12, 1), time(9), "Neo", "yes"]] * 3)])
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for part in old.infolist():
            data = old.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                assert b'<dimension ref="A1:E4"' in data
                data = data.replace(b'<dimension ref="A1:E4"', b'<dimension ref="A1:A1"')
            new.writestr(part, data)
    assert len(cells_of(out.getvalue())) == 3


def test_only_the_first_sheet_counts():
    def more(workbook):
        workbook.create_sheet("Other").append(["nonsense"])

    assert len(cells_of(saved([HEADER, ["71234567", date(2026, 12, 1), time(9), "N", ""]], change=more))) == 1


def refusal_of(content):
    with pytest.raises(UnreadableFile) as refusal:
        open_file(content)
    return refusal.value


def test_a_damaged_workbook_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    assert "damaged" in refusal_of(out.getvalue()).message


def test_a_workbook_that_unpacks_to_a_flood_is_refused(monkeypatch):
    monkeypatch.setattr("appointments.file_import.workbook.MAX_UNPACKED", 1000)
    assert refusal_of(saved([HEADER])).code == "PAYLOAD_TOO_LARGE"


def test_an_empty_workbook_is_refused():
    assert "empty" in refusal_of(saved([])).message


def test_a_formula_counts_by_its_stored_result_only():
    """openpyxl stores none, as a program that never calculated: the cell is blank, not the formula's text."""
    content = saved([HEADER, ["71234567", date(2026, 12, 1), time(9), '="N"&"eo"', "yes"]])
    assert cells_of(content)[0]["patient_name"] == ""
