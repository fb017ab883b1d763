import pytest

from appointments.file_import.cells import (
    CellError,
    read_consent,
    read_duration,
    read_language,
    read_phone,
    read_status,
    read_text,
)


def error_of(function, *arguments):
    with pytest.raises(CellError) as refusal:
        function(*arguments)
    return refusal.value.column, refusal.value.code


@pytest.mark.parametrize("written", ["tn", "TN", " TSW ", "tsn", "Tswana", "Setswana", "SETSWANA"])
def test_setswana_is_read(written):
    assert read_language(written) == "tn"


@pytest.mark.parametrize("written", ["en", "EN", "eng", "English\u00a0"])
def test_english_is_read(written):
    assert read_language(written) == "en"


def test_another_language_is_refused():
    assert error_of(read_language, "fr") == ("language", "UNKNOWN_LANGUAGE")


@pytest.mark.parametrize("written", ["yes", "Y", "TRUE", "1", "1.0", "ee", " Ee "])
def test_consent_given_is_read(written):
    assert read_consent(written) is True


@pytest.mark.parametrize("written", ["no", "N", "False", "0", "nnyaa", "Nyaa"])
def test_consent_refused_is_read(written):
    assert read_consent(written) is False


@pytest.mark.parametrize("written", ["perhaps", "", "2", "yes no", "?"])
def test_consent_is_never_guessed(written):
    assert error_of(read_consent, written) == ("consent", "UNCLEAR_CONSENT")


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ("30", 30),
        ("30.0", 30),
        ("30,00", 30),
        (" 30 min", 30),
        ("30 minutes", 30),
        ("1", 1),
        ("1440", 1440),
        ("'45", 45),
    ],
)
def test_a_duration_is_read_in_minutes(written, minutes):
    assert read_duration(written) == minutes


@pytest.mark.parametrize("written", ["0", "-5", "1441", "30.5", "half an hour", "1 h", "", "9" * 5000])
def test_a_duration_out_of_bounds_is_refused(written):
    assert error_of(read_duration, written) == ("duration_minutes", "INVALID_DURATION")


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("Booked", "booked"),
        ("scheduled", "booked"),
        ("CONFIRMED", "confirmed"),
        ("attended", "attended"),
        ("arrived", "attended"),
        ("missed", "missed"),
        ("no show", "missed"),
        ("No-Show", "missed"),
        ("did not attend", "missed"),
        ("cancelled", "cancelled"),
        ("canceled", "cancelled"),
    ],
)
def test_a_status_is_read(written, status):
    assert read_status(written) == status


def test_an_unknown_status_is_refused():
    assert error_of(read_status, "maybe") == ("status", "UNKNOWN_STATUS")


def test_a_phone_is_read_to_e164():
    assert read_phone("'+267\u00a071 234 567") == "+26771234567"


@pytest.mark.parametrize(
    ("written", "code"), [("", "MISSING_PHONE"), ("3912345", "NOT_A_MOBILE"), ("words", "INVALID_PHONE")]
)
def test_a_phone_that_cannot_be_texted_names_its_column(written, code):
    assert error_of(read_phone, written) == ("patient_phone", code)


def test_a_text_loses_line_breaks_and_double_blanks():
    assert read_text(" Onalenna\r\n\u00a0 Phiri ", "patient_name", 120) == "Onalenna Phiri"


def test_a_text_loses_the_apostrophe_that_guards_a_formula():
    assert read_text("'=HYPERLINK(1)", "patient_name", 120) == "=HYPERLINK(1)"


def test_a_text_keeps_an_apostrophe_of_its_own():
    assert read_text("'Mabatho O'Neil", "patient_name", 120) == "'Mabatho O'Neil"


def test_a_text_is_composed():
    assert read_text("Lese\u0302go", "patient_name", 120) == "Lesêgo"


@pytest.mark.parametrize("character", ["\0", "\x07", "\x7f", "\x9d", "\ud800"])
def test_a_text_with_a_control_character_is_refused(character):
    assert error_of(read_text, f"Tha{character}bo", "patient_name", 120) == (
        "patient_name",
        "INVALID_CHARACTER",
    )


def test_a_text_may_be_as_long_as_its_field_and_no_longer():
    assert read_text("x" * 60, "reference", 60) == "x" * 60
    assert error_of(read_text, "x" * 61, "reference", 60) == ("reference", "TOO_LONG")
