import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.spreadsheets import bare, guard, is_blank, tidy, unguard


@pytest.mark.parametrize(
    "cell", ["=1+1", "+26771234567", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0=1", "＝1"]
)
def test_a_cell_that_could_run_gets_an_apostrophe(cell):
    assert guard(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["", "Thabo", "71234567", "a=b", "2030-06-04", "O'Neil", "'=1"])
def test_a_cell_that_cannot_run_stays_as_it_is(cell):
    assert guard(cell) == cell


@pytest.mark.parametrize(
    ("cell", "plain"), [("'=1", "=1"), ("''=1", "=1"), ("'+267", "+267"), ("'  =1", "  =1")]
)
def test_a_guarding_apostrophe_is_dropped(cell, plain):
    assert unguard(cell) == plain


@pytest.mark.parametrize("cell", ["'Thabo", "O'Neil", "it's =1", "a'=1", "='=", "'"])
def test_an_apostrophe_that_guards_nothing_stays(cell):
    assert unguard(cell) == cell


@settings(deadline=None)
@given(st.text(alphabet="'=+-@ \t\r\na1", max_size=8) | st.text(max_size=20))
def test_reading_a_guarded_cell_gives_what_reading_the_cell_gives(cell):
    assert unguard(guard(cell)) == unguard(cell)


@settings(deadline=None)
@given(st.text(alphabet="'=+-@ \t\r\na1", max_size=8))
def test_a_guarded_cell_needs_no_guard(cell):
    assert guard(guard(cell)) == guard(cell)


def test_blanks_of_all_kinds_become_single_blanks():
    assert tidy(" \u00a0Thabo\r\n\u202fMolefe\u200b\t") == "Thabo Molefe"


def test_a_bare_cell_has_no_apostrophe_in_front():
    assert bare("'2030-06-04") == "2030-06-04"


@pytest.mark.parametrize("cell", ["", " ", "\u00a0", "\r\n", "\u200b", "\ufeff \u00a0"])
def test_a_cell_that_shows_nothing_is_blank(cell):
    assert is_blank(cell)


def test_a_cell_with_a_letter_is_not_blank():
    assert not is_blank(" \u00a0ê")
