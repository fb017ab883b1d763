import csv
import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appointments.file_import import reading
from appointments.file_import.reading import MAX_BYTES, UnreadableFile, open_file

HEADER = "phone,datetime,name"
ROW = "71234567,2030-06-04 09:00,Thabo"


def rows_of(content):
    return list(open_file(content).records())


def refusal_of(content):
    with pytest.raises(UnreadableFile) as refusal:
        open_file(content)
    return refusal.value


def names_of(content):
    return [record.cells.get("patient_name") for record in rows_of(content)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_every_encoding_is_read(encoding):
    assert names_of(f"{HEADER}\r\n71234567,2030-06-04 09:00,Lesêgo née Kôma\r\n".encode(encoding)) == [
        "Lesêgo née Kôma"
    ]


def test_utf_16_big_endian_with_its_mark_is_read():
    assert names_of(b"\xfe\xff" + f"{HEADER}\n{ROW}ê".encode("utf-16-be")) == ["Thaboê"]


def test_a_character_across_two_chunks_is_read():
    names = ["x" * length + "š" for length in range(64)] * 200
    content = "\n".join([HEADER, *(f"71234567,2030-06-04 09:00,{name}" for name in names)]).encode()
    assert names_of(content) == names


def test_a_late_windows_1252_character_is_found():
    content = f"{HEADER}\n".encode() + f"{ROW}\n".encode() * 5000 + f"{ROW}ê".encode("cp1252")
    assert names_of(content)[-1] == "Thaboê"


def test_a_byte_that_no_encoding_knows_is_refused():
    assert "CSV UTF-8" in refusal_of(f"{HEADER}\n{ROW}".encode() + b"\x81").message


def test_a_file_that_mixes_encodings_is_refused():
    assert refusal_of(f"{HEADER}\n{ROW}ê\n{ROW}".encode() + b"\xea\n").code == "VALIDATION_ERROR"


@pytest.mark.parametrize(("mark", "rest"), [(b"\xef\xbb\xbf", b"\xea"), (b"\xff\xfe", b"\x00")])
def test_a_file_that_breaks_its_own_mark_is_refused(mark, rest):
    encoding = "utf-8" if len(mark) == 3 else "utf-16-le"
    refusal_of(mark + f"{HEADER}\n{ROW}".encode(encoding) + rest)


def test_a_short_row_leaves_its_last_cells_out():
    (record,) = rows_of(f"{HEADER}\n71234567".encode())
    assert record.cells == {"patient_phone": "71234567"}
    assert record.problem is None


def test_a_row_with_more_cells_than_headings_is_a_problem():
    (record,) = rows_of(f"{HEADER}\n{ROW}, Jr".encode())
    assert record.problem[0] == "TOO_MANY_CELLS"
    assert record.raw == ["71234567", "2030-06-04 09:00", "Thabo", " Jr"]


def test_blank_cells_beyond_the_headings_are_no_problem():
    (record,) = rows_of(f"{HEADER},,\n{ROW},, ,,".encode())
    assert record.problem is None


def test_a_cell_far_too_long_is_a_problem_of_its_row():
    records = rows_of(f"{HEADER}\n{ROW}{'x' * 3000}\n{ROW}{'x' * 200_000}\n{ROW}".encode())
    assert [record.problem and record.problem[0] for record in records] == [
        "CELL_TOO_LONG",
        "CELL_TOO_LONG",
        None,
    ]


def test_a_nul_is_a_problem_of_its_row():
    records = rows_of(f"{HEADER}\n{ROW}\n71234567,2030-06-04 09:00,Tha\0bo\n{ROW}".encode())
    assert [record.problem and record.problem[0] for record in records] == [None, "INVALID_CHARACTER", None]


def test_the_records_can_be_read_again():
    file = open_file(f"{HEADER}\n{ROW}\n{ROW}".encode())
    first = file.records()
    next(first)
    assert len(list(file.records())) == 2
    assert next(first).row == 3


def test_a_file_object_is_read():
    assert len(rows_of(io.BytesIO(f"{HEADER}\n{ROW}".encode()))) == 1


def test_a_memoryview_is_read():
    assert len(rows_of(memoryview(f"{HEADER}\n{ROW}".encode()))) == 1


@pytest.mark.parametrize(
    "heading",
    [
        "patient_phone",
        "Patient Phone",
        " PHONE ",
        "phone number",
        "Cell",
        "cell-phone",
        "Mobile.",
        "Phone_No",
    ],
)
def test_headings_are_known_in_any_case_and_spacing(heading):
    assert (
        rows_of(f"{heading},datetime\n71234567,2030-06-04 09:00".encode())[0].cells["patient_phone"]
        == "71234567"
    )


def test_unknown_headings_are_named():
    file = open_file(f"{HEADER},Blood Group,,reason\n{ROW},A,,x".encode())
    assert file.ignored_columns == ["Blood Group", "reason"]
    assert file.columns == ["patient_phone", "appointment_datetime", "patient_name"]
    assert file.header == ["phone", "datetime", "name", "Blood Group", "", "reason"]


def test_two_headings_for_one_column_are_refused_with_both_names():
    message = refusal_of(b"phone,Cell,datetime\n71234567,,2030-06-04 09:00").message
    assert "phone" in message
    assert "Cell" in message


def test_a_missing_phone_column_names_the_headings_that_would_do():
    message = refusal_of(b"name,datetime\nThabo,2030-06-04 09:00").message
    assert "patient_phone" in message
    assert "cellphone" in message


@pytest.mark.parametrize("header", ["phone,name", "phone,date", "phone,time"])
def test_a_missing_date_or_time_column_is_refused(header):
    assert "appointment_datetime" in refusal_of(f"{header}\n71234567,x".encode()).message


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b" ,, \n", b"sep=;\n", b"\xff\xfe"])
def test_an_empty_file_is_refused(content):
    assert "empty" in refusal_of(content).message


def test_a_file_with_only_a_header_is_refused():
    assert "no appointments" in refusal_of(f"{HEADER}\n\n,,\n".encode()).message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "old Excel"),
        (b"PK\x03\x04 not really", "ZIP"),
        (b"\n<!DOCTYPE html><table>", "web page"),
        (bytes(range(256)) * 50, "text file"),
        (b"\0" * 1000, "phone"),
        (b"just a letter to the clinic\nwith two lines", "phone"),
    ],
)
def test_what_is_no_table_is_refused_by_its_kind(content, said):
    assert said in refusal_of(content).message


def test_a_heading_line_with_an_open_quotation_mark_is_refused():
    assert "quotation mark" in refusal_of(f'{HEADER},"note\n{ROW}'.encode()).message


def test_a_file_over_20_mb_is_refused():
    refusal = refusal_of(io.BytesIO(b"x" * (MAX_BYTES + 1)))
    assert refusal.code == "PAYLOAD_TOO_LARGE"
    assert "20 MB" in refusal.message


def test_a_file_of_too_many_rows_is_refused():
    content = f"{HEADER}\n".encode() + b"71234567,,\n" * 200_001
    assert refusal_of(content).code == "PAYLOAD_TOO_LARGE"


def test_a_file_of_the_most_rows_is_opened():
    open_file(f"{HEADER}\n".encode() + b"71234567,,\n" * 200_000 + b"\n" * 10)


cell_texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cf"]) | st.sampled_from('\r\n",;\t'),
    max_size=12,
)


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(cell_texts, cell_texts), min_size=1, max_size=8),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
    delimiter=st.sampled_from(",;\t"),
    end=st.sampled_from(["\r\n", "\n", "\r"]),
)
def test_any_table_that_csv_writes_is_read_back(rows, encoding, delimiter, end):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    # A phone in every row, so that none is blank; wide, so that no cell of 12 signs holds a whole row.
    filler = [""] * 12
    writer.writerow(["phone", "datetime", "name", "reference", *map(str, range(12))])
    writer.writerows(["71234567", "x", *row, *filler] for row in rows)
    records = rows_of(out.getvalue().encode(encoding))
    assert [(record.cells["patient_name"], record.cells["reference"]) for record in records] == rows
    assert [record.row for record in records] == list(range(2, len(rows) + 2))


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", f"{HEADER}\n".encode(), f"{HEADER}\n{ROW}\n".encode()]))
def test_no_bytes_crash_the_reading(content, start):
    try:
        file = open_file(start + content)
    except UnreadableFile:
        return
    for record in file.records():
        assert record.raw


def test_reading_needs_little_memory_beside_the_file():
    content = f"{HEADER}\n".encode() + f"{ROW}\n".encode() * 50_000
    tracemalloc.start()
    try:
        for _record in open_file(content).records():
            pass
        _size, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(content) / 2


def test_the_limits_are_the_promised_ones():
    assert (reading.MAX_BYTES, reading.MAX_ROWS) == (20 * 1024 * 1024, 200_000)


DATA = Path(__file__).parent.parent / "data"


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("appointments_messy.csv", 29, 9),
        ("appointments_messy_v2.csv", 15, 9),
        ("appointments_excel.csv", 200, 8),
    ],
)
def test_a_sample_file_is_read_whole(name, rows, columns):
    file = open_file((DATA / name).read_bytes())
    records = list(file.records())
    assert (len(records), len(file.columns), file.ignored_columns) == (rows, columns, [])
    assert not any(record.problem for record in records)


def test_lines_of_the_sample_file_are_those_an_editor_shows():
    by_reference = {
        record.cells["reference"]: record
        for record in open_file((DATA / "appointments_messy.csv").read_bytes()).records()
    }
    assert (by_reference["A-007"].row, by_reference["A-007"].line) == (8, 8)
    assert (by_reference["B-001"].row, by_reference["B-001"].line) == (9, 10)
