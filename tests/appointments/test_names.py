from hypothesis import given, settings
from hypothesis import strategies as st

from appointments.names import name_key


def test_names_are_the_same_case_and_spacing_aside():
    assert name_key(" THABO \u00a0Molefe") == name_key("Thabo Molefe")


def test_names_are_the_same_however_their_accents_are_composed():
    assert name_key("Lese\u0302go") == name_key("LESÊGO")


def test_other_names_stay_apart():
    assert name_key("Lesego") != name_key("Lesêgo")


@settings(deadline=None)
@given(st.text(max_size=120))
def test_a_name_key_fits_its_field(name):
    assert len(name_key(name)) <= 120


def test_a_name_key_fits_its_field_where_folding_lengthens():
    assert len(name_key("ß" * 120)) == 120
