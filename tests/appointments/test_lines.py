import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appointments.file_import.reading import open_file

HEADER = "phone,datetime,name"
ROW = "71234567,2030-06-04 09:00,Thabo"


def rows_of(content):
    return list(open_file(content).records())


def names_of(content):
    return [record.cells.get("patient_name") for record in rows_of(content)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_every_delimiter_is_read(delimiter):
    assert names_of(f"{HEADER}\n{ROW}".replace(",", delimiter).encode()) == ["Thabo"]


def test_a_delimiter_inside_a_quoted_heading_does_not_mislead():
    assert names_of(b'"note, a, b, c, d";phone;datetime;name\nx;71234567;2030-06-04 09:00;Thabo') == ["Thabo"]


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"'])
def test_the_line_that_names_the_delimiter_is_no_row(first):
    content = f"{first}\r\n{HEADER}\r\n{ROW}".replace(",", ";").encode()
    (record,) = rows_of(content)
    assert (record.row, record.line, record.cells["patient_name"]) == (2, 3, "Thabo")


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_every_line_end_is_read(end):
    assert [record.line for record in rows_of(end.join([HEADER, ROW, ROW]).encode())] == [2, 3]


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_lines_are_counted_through_blank_lines_and_quoted_line_breaks(end):
    lines = ["", HEADER, "", '71234567,2030-06-04 09:00,"Onalenna', "", 'Phiri"', ",, ", ROW, "", ROW]
    records = rows_of(end.join(lines).encode())
    assert [(record.row, record.line) for record in records] == [(2, 4), (3, 8), (4, 10)]


def test_blank_rows_do_not_count():
    assert len(rows_of(f"{HEADER}\n,,\n \t,\u00a0,\n{ROW}\n\n".encode())) == 1


def test_a_quoted_cell_keeps_delimiters_quotes_and_line_breaks():
    assert names_of(f'{HEADER}\n71234567,2030-06-04 09:00,"Dube, ""Jr""\r\nB"'.encode()) == [
        'Dube, "Jr"\r\nB'
    ]


def test_text_after_a_closing_quotation_mark_belongs_to_the_cell():
    assert names_of(f'{HEADER}\n71234567,2030-06-04 09:00,"Thabo" Molefe'.encode()) == ["Thabo Molefe"]


def test_a_quotation_mark_inside_a_cell_is_a_character():
    assert names_of(f'{HEADER}\n71234567,2030-06-04 09:00,Thabo "TJ" Molefe'.encode()) == [
        'Thabo "TJ" Molefe'
    ]


@pytest.mark.parametrize("rest", [0, 1, 3, 100])
def test_a_quotation_mark_never_closed_costs_its_own_row_only(rest):
    content = "\n".join([HEADER, ROW, '71234567,2030-06-04 09:00,"Open', *[ROW] * rest]).encode()
    records = rows_of(content)
    assert [record.line for record in records] == list(range(2, 4 + rest))
    assert [record.row for record in records if record.problem] == [3]
    assert records[1].problem[0] == "OPEN_QUOTE"
    assert records[1].raw == ["71234567", "2030-06-04 09:00", '"Open']


@pytest.mark.parametrize("closing", ['"Dube, Jr"', 'Neo"', '""'])
def test_a_quotation_mark_closed_by_a_later_row_swallows_no_row(closing):
    header = "phone,datetime,clinic,name,language"
    lines = [header, *[f"7123456{n},2030-06-04 09:00,GAB01,{{}},en" for n in range(4)]]
    content = "\n".join(lines).format("Thabo", '"Open', "Mpho", closing).encode()
    records = rows_of(content)
    assert [record.cells["patient_phone"][-1] for record in records] == ["0", "1", "2", "3"]
    assert [record.problem[0] for record in records if record.problem] == ["OPEN_QUOTE"]


def test_a_note_of_many_lines_and_commas_is_no_fault():
    content = f'{HEADER},note\n{ROW},"a, b, c, d,\ne, f, g, h"\n{ROW},'.encode()
    assert [record.problem for record in rows_of(content)] == [None, None]


@settings(deadline=None)
@given(st.lists(st.sampled_from(['"', ",", "x", "\n", "\r\n", '","', f"{ROW}\n"]), max_size=40))
def test_no_quotation_marks_lose_a_line(parts):
    text = "".join(parts)
    content = f"{HEADER}\n{ROW}\n{text}".encode()
    records = rows_of(content)
    assert [record.line for record in records] == sorted({record.line for record in records})
    read = "".join("".join(record.raw) for record in records)
    assert read.count("x") == text.count("x")
    assert read.count("71234567") == content.count(b"71234567")
