import io
from pathlib import Path

import pytest

from appointments.file_import.reading import open_file
from appointments.file_import.writing import write_rejected
from common.spreadsheets import unguard

DATA = Path(__file__).parent.parent / "data"


def written(header, rows, **options):
    out = io.StringIO(newline="")
    write_rejected(out, header, rows, **options)
    return out.getvalue()


def test_the_rejected_rows_come_as_they_were_with_the_reason():
    assert written(["phone", "datetime"], [(["words", "2030-06-04 09:00"], "Not a phone.")]) == (
        "\ufeffphone,datetime,reason\r\nwords,2030-06-04 09:00,Not a phone.\r\n"
    )


def test_no_cell_can_run_as_a_formula():
    text = written(["=phone"], [(["+26771234567"], "=1"), (['=HYPERLINK("x")'], "")])
    assert text.splitlines() == ["\ufeff'=phone,reason", "'+26771234567,'=1", '"\'=HYPERLINK(""x"")",']


def test_a_short_row_has_its_reason_under_the_heading():
    assert written(["phone", "datetime", "name"], [(["71234567"], "No time.")]).endswith(
        "71234567,,,No time.\r\n"
    )


def test_cells_beyond_the_headings_stay_after_the_reason():
    assert written(["phone"], [(["71234567", "extra"], "Too many.")]).endswith("71234567,Too many.,extra\r\n")


def test_the_reason_of_the_last_time_is_written_over():
    assert written(["phone", "reason"], [(["1", "old"], "new")]) == "\ufeffphone,reason\r\n1,new\r\n"


@pytest.mark.parametrize("name", ["appointments_messy.csv", "appointments_excel.csv"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_the_file_of_rejected_rows_reads_back_cell_for_cell(name, delimiter):
    original = open_file((DATA / name).read_bytes())
    text = written(
        original.header, ((record.raw, "why") for record in original.records()), delimiter=delimiter
    )
    again = open_file(text.encode())
    assert again.ignored_columns == ["reason"]
    assert [
        {column: unguard(cell) for column, cell in record.cells.items()} for record in again.records()
    ] == [record.cells for record in original.records()]
