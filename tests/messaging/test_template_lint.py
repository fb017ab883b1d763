import pytest
from django.utils import timezone

from messaging.default_templates import DEFAULT_TEMPLATES
from messaging.template_lint import lint, lint_text
from messaging.text_preview import preview_template


def codes(text):
    return [caution.code for caution in lint(text, filled=text)]


def telling(text):
    return [word for caution in lint_text(text) if caution.code == "TELLING_WORD" for word in caution.words]


@pytest.mark.parametrize(
    "word",
    [
        *("HIV", "hiv", "H.I.V.", "AIDS", "Aids", "ARV", "ARVs", "ART", "TB", "PMTCT", "STI", "ANC", "IDCC"),
        *("antenatal", "Cancer", "depression", "Diabetes", "diabetic", "pregnancy", "blood pressure"),
        *("Viral  Load", "family-planning", "mogare", "MOGARE", "kgotlholo e tona", "kgôtlhôlô e tôna"),
        *("sukiri", "baimana", "malwetse a dikobo"),
    ],
)
def test_a_word_that_tells_why_someone_comes_is_pointed_out_as_it_was_written(word):
    assert telling(f"Please come to the {word} clinic.") == [word.rstrip(".")]


@pytest.mark.parametrize(
    "text",
    [
        *("Please start at the party.", "Bring your card.", "The outbreak of rain", "Partners are welcome"),
        *("stable", "archives", "lantern", "Tswee-tswee tla kwa kliniki."),
    ],
)
def test_a_word_inside_another_is_no_telling_word(text):
    assert telling(text) == []


def test_each_word_is_named_once():
    assert telling("TB, TB and tb") == ["TB", "tb"]


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("See https://example.org/a?b=1.", "https://example.org/a?b=1"),
        ("See www.clinic.bw now", "www.clinic.bw"),
        ("bit.ly/3xYz", "bit.ly/3xYz"),
        ("Go to health.gov.bw", "health.gov.bw"),
    ],
)
def test_a_link_is_pointed_out(text, link):
    assert [(c.code, c.words) for c in lint_text(text)] == [("LINK", [link])]


@pytest.mark.parametrize("text", ["Come.Please be in time", "at 9.30", "Dr.Molefe", "nurse@home"])
def test_a_full_stop_makes_no_link(text):
    assert lint_text(text) == []


@pytest.mark.parametrize("number", ["395 1234", "+267 71 234 567", "71234567"])
def test_a_phone_number_in_a_template_is_pointed_out(number):
    assert codes(f"Call {number}.") == ["PHONE_NUMBER"]


@pytest.mark.parametrize("text", ["Call {clinic_phone}.", "on 2026-12-01 at 09:30", "room 12, floor 3"])
def test_what_is_no_phone_number_is_left_alone(text):
    assert codes(text) == []


def test_a_number_that_a_placeholder_brings_is_no_fault_of_the_template():
    assert lint("Call {clinic_phone}.", filled="Call +2673951234.") == []


def cautions_on(body, language="en"):
    return preview_template(
        body, language=language, clinic=None, keep_diacritics=False, now=timezone.now()
    ).cautions


def test_a_template_that_is_one_part_only_with_short_names_is_pointed_out():
    body = "{name}, {clinic}, {weekday} {date}: " + "a" * 95
    [caution] = cautions_on(body)
    assert caution.code == "SEVERAL_PARTS"
    assert "2 parts" in caution.message


@pytest.mark.parametrize(("key", "language"), DEFAULT_TEMPLATES)
def test_the_default_texts_give_no_cause_for_caution(key, language):
    assert cautions_on(DEFAULT_TEMPLATES[key, language], language) == []
