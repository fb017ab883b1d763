import pytest

from common.phones import PhoneError, mask, parse_mobile


@pytest.mark.parametrize(
    "written",
    [
        "71234567",
        "71 234 567",
        "71-234-567",
        "71–234–567",
        "(71) 234 567",
        " 71234567 ",
        "71\u00a0234\u00a0567",
        "+267 71 234 567",
        "(+267) 71 234 567",
        "00267 71 234 567",
        "26771234567",
        "71234567.0",
        "26771234567.0",
        "'71234567",
        "'+26771234567",
        "\u202a+267 71 234 567\u202c",
    ],
)
def test_a_mobile_is_read_in_any_way_people_write_it(written):
    assert parse_mobile(written) == "+26771234567"


def test_a_foreign_mobile_is_read_with_its_plus():
    assert parse_mobile("+27 82 123 4567") == "+27821234567"


@pytest.mark.parametrize("written", ["68255123", "77712345678", "27821234567"])
def test_digits_without_a_plus_are_never_a_stranger_abroad(written):
    with pytest.raises(PhoneError) as refusal:
        parse_mobile(written)
    assert refusal.value.code == "INVALID_PHONE"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("", "MISSING_PHONE"),
        (" \u00a0 ", "MISSING_PHONE"),
        ("'", "MISSING_PHONE"),
        ("3912345", "NOT_A_MOBILE"),
        ("+267 391 2345", "NOT_A_MOBILE"),
        ("70123456", "INVALID_PHONE"),
        ("7123456", "INVALID_PHONE"),
        ("712345678", "INVALID_PHONE"),
        ("071234567", "INVALID_PHONE"),
        ("seven one two", "INVALID_PHONE"),
        ("71CALLME", "INVALID_PHONE"),
        ("Mma 71234567", "INVALID_PHONE"),
        ("71234567 ext 5", "INVALID_PHONE"),
        ("71234567/72345678", "INVALID_PHONE"),
        ("71234567, 72345678", "INVALID_PHONE"),
        ("7.1234567E+07", "INVALID_PHONE"),
        ("7,1234567E+07", "INVALID_PHONE"),
    ],
)
def test_what_cannot_be_texted_is_refused(written, code):
    with pytest.raises(PhoneError) as refusal:
        parse_mobile(written)
    assert refusal.value.code == code


def test_a_number_shortened_by_the_spreadsheet_is_named_as_such():
    with pytest.raises(PhoneError, match="shortened"):
        parse_mobile("2.67712E+10")


def test_a_refusal_does_not_repeat_the_number():
    with pytest.raises(PhoneError) as refusal:
        parse_mobile("70123456")
    assert "70123456" not in str(refusal.value)


def test_the_region_decides_what_a_local_number_is():
    assert parse_mobile("082 123 4567", region="ZA") == "+27821234567"


def test_a_masked_phone_shows_the_country_code_and_the_last_three_digits():
    assert mask("+26771234567") == "+267•••••567"


def test_a_masked_phone_of_unknown_form_shows_the_last_three_digits_only():
    assert mask("71234567") == "•••••567"


def test_no_phone_masks_to_nothing():
    assert mask("") == ""
