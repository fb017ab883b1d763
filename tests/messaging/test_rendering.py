from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from common.errors import ValidationFailed
from messaging.gsm import fold
from messaging.rendering import (
    MAX_BODY_LENGTH,
    PLACEHOLDERS,
    TemplateError,
    check_body,
    placeholders,
    render,
    visit_words,
)

GABORONE = ZoneInfo("Africa/Gaborone")


def problems_of(body: str) -> list[str]:
    with pytest.raises(ValidationFailed) as refusal:
        check_body(body)
    assert list(refusal.value.details) == ["body"]
    return refusal.value.details["body"]


def test_values_take_the_place_of_placeholders():
    body = "Dumela {name}. {clinic}, {weekday} {date} {time}, {clinic_phone}, {name}"
    context = {
        "name": "Mpho",
        "clinic": "Gaborone West",
        "clinic_phone": "+267 390 1234",
        "date": "1 Sedimonthole",
        "time": "09:30",
        "weekday": "Labobedi",
    }

    assert render(body, context) == (
        "Dumela Mpho. Gaborone West, Labobedi 1 Sedimonthole 09:30, +267 390 1234, Mpho"
    )


@pytest.mark.parametrize(
    "written",
    ["{surname}", "{Name}", "{name.x}", "{name[0]}", "{name!r}", "{name:>20}", "{0}", "{}", "{ name }"],
)
def test_only_the_six_plain_placeholders_are_known(written):
    with pytest.raises(TemplateError, match=r"is not a placeholder") as refusal:
        render(f"Dumela {written}", dict.fromkeys(PLACEHOLDERS, "x"))

    assert written in str(refusal.value)


@pytest.mark.parametrize("body", ["Dumela {name", "Dumela name}", "{{name}}", "{name}}", "{", "a } b { c"])
def test_a_brace_without_its_partner_is_refused(body):
    with pytest.raises(TemplateError, match=r"[{}]"):
        render(body, {"name": "Mpho"})


def test_a_name_with_braces_is_not_read_as_a_placeholder():
    context = {"name": "{clinic} {x.y} {0}", "clinic": "GW"}

    assert render("Dumela {name}, {clinic}", context) == "Dumela {clinic} {x.y} {0}, GW"


def test_a_name_with_backslashes_is_taken_as_it_is():
    assert render("Dumela {name}", {"name": r"\1 \g<0> \n %s"}) == r"Dumela \1 \g<0> \n %s"


def test_a_value_that_was_not_given_is_refused_by_name():
    with pytest.raises(TemplateError, match=r"\{date\}"):
        render("{name} {date}", {"name": "Mpho"})


def test_values_that_the_text_does_not_use_are_ignored():
    assert render("Stock at {clinic}", {"clinic": "GW", "name": "Mpho", "other": "x"}) == "Stock at GW"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Dumela {name}, tla", "Dumela, tla"),
        ("Dumela {name}. Tla", "Dumela. Tla"),
        ("Dumela, {name}, tla", "Dumela, tla"),
        ("Thank you, {name}.", "Thank you."),
        ("Thank you, {name}", "Thank you"),
        ("{name}, tla kwa GW", "tla kwa GW"),
        ("Dumela {name} tla", "Dumela tla"),
        ("Dumela {name} {clinic}, tla", "Dumela, tla"),
        ("{name} {clinic}: tla", "tla"),
        ("Dumela\n{name}, tla", "Dumela\ntla"),
        ("Dumela\n\n{name}\n\nTla", "Dumela\n\nTla"),
        ("Mr{name}s", "Mrs"),
        ("{name}", ""),
    ],
)
@pytest.mark.parametrize("blank", ["", "  ", "\u200b\t"])
def test_a_blank_value_leaves_no_trace(body, text, blank):
    assert render(body, {"name": blank, "clinic": ""}) == text


def test_runs_of_blanks_become_one_and_line_breaks_stay():
    assert render("  Dumela \t {name} \r\n\r\n\r\n\r\n  Tla  ka  8 ", {"name": "Mpho"}) == (
        "Dumela Mpho\n\nTla ka 8"
    )


def test_control_characters_in_a_name_are_cleaned_away():
    name = " Mpho\r\n\t \x00Kagi\x1bso\u202e \ud83d\ue000"

    assert render("Dumela {name}, tla", {"name": name}) == "Dumela Mpho Kagiso, tla"


def test_a_name_keeps_its_accents_until_the_text_is_folded():
    text = render("Dumela {name}", {"name": "Lesêgô O’Neil"})

    assert text == "Dumela Lesêgô O'Neil"
    assert fold(text) == "Dumela Lesego O'Neil"


def test_the_placeholders_of_a_text_can_be_asked_for():
    assert placeholders("{name}: {date}, {name}") == {"name", "date"}


def test_a_good_text_passes():
    check_body("Dumela {name}. Tlhôkômêlô 😀\n{clinic} {clinic_phone} {date} {time} {weekday}")


def test_unknown_placeholders_are_all_named():
    problems = problems_of("{surname} {name.x} {name} {surname}")

    assert ["{surname}" in problems[0], "{name.x}" in problems[1], len(problems)] == [True, True, 2]


def test_an_open_brace_is_refused_when_a_text_is_saved():
    assert len(problems_of("Dumela {name")) == 1


@pytest.mark.parametrize("body", ["", "  \n ", "\u200b\u00a0"])
def test_a_text_without_words_is_refused(body):
    assert problems_of(body) == ["The text is empty."]


def test_a_text_may_have_1600_characters_and_no_more():
    check_body("a" * MAX_BODY_LENGTH)

    assert "1601" in problems_of("a" * (MAX_BODY_LENGTH + 1))[0]


def test_a_character_that_cannot_be_sent_is_named_by_its_code():
    assert "U+0007, U+E000" in problems_of("Dumela\x07 \ue000")[0]


def test_a_refusal_can_be_written_down_whatever_the_text_held():
    problems = problems_of("{\ud83d\x00} \ud83d")

    "".join(problems).encode()
    assert len(problems) == 2


def test_a_visit_is_told_in_english():
    assert visit_words(datetime(2026, 12, 1, 7, 30, tzinfo=UTC), GABORONE, "en") == {
        "date": "1 December",
        "time": "09:30",
        "weekday": "Tuesday",
    }


def test_a_visit_is_told_in_setswana():
    assert visit_words(datetime(2026, 12, 1, 7, 30, tzinfo=UTC), GABORONE, "tn") == {
        "date": "1 Sedimonthole",
        "time": "09:30",
        "weekday": "Labobedi",
    }


def test_the_words_do_not_follow_the_language_of_the_person_signed_in():
    with translation.override("fr"):
        assert visit_words(datetime(2026, 8, 3, 8, tzinfo=UTC), GABORONE, "en")["weekday"] == "Monday"


def test_a_visit_late_in_the_evening_in_london_is_tomorrow_in_gaborone():
    assert visit_words(datetime(2026, 12, 31, 22, 15, tzinfo=UTC), GABORONE, "en") == {
        "date": "1 January",
        "time": "00:15",
        "weekday": "Friday",
    }


def test_every_day_and_month_has_its_setswana_name():
    days = [visit_words(datetime(2026, 6, day, tzinfo=UTC), GABORONE, "tn") for day in range(1, 8)]
    months = [visit_words(datetime(2026, month, 1, tzinfo=UTC), GABORONE, "tn") for month in range(1, 13)]

    assert " ".join(words["weekday"] for words in days) == (
        "Mosupologo Labobedi Laboraro Labone Labotlhano Matlhatso Tshipi"
    )
    assert " ".join(words["date"].split()[1] for words in months) == (
        "Ferikgong Tlhakole Mopitlwe Moranang Motsheganong Seetebosigo Phukwi Phatwe Lwetse Diphalane "
        "Ngwanatsele Sedimonthole"
    )


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        visit_words(datetime(2026, 12, 1, 9, 30), GABORONE, "en")  # noqa: DTZ001
