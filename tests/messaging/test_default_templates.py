import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Language
from messaging.default_templates import DEFAULT_TEMPLATES
from messaging.gsm import fold, measure
from messaging.models import TemplateKey
from messaging.rendering import PLACEHOLDERS, check_body, placeholders, render, visit_words

GABORONE = ZoneInfo("Africa/Gaborone")
CLINIC = "Francistown Nyangabgwe B"
PATIENT = "Gaolathe-Mmapula Kgôsi"
PHONE = "+267 390 1234"

each_template = pytest.mark.parametrize(("key", "language"), DEFAULT_TEMPLATES)
days_of_a_year = [datetime(2026, 1, 1, 8, tzinfo=UTC) + timedelta(days=n) for n in range(365)]


def context(language: str, day: datetime) -> dict[str, str]:
    return {
        "name": PATIENT,
        "clinic": CLINIC,
        "clinic_phone": PHONE,
        **visit_words(day, GABORONE, language),
        # The longest of each, together, as some year will bring them.
        "weekday": max((visit_words(d, GABORONE, language)["weekday"] for d in days_of_a_year[:7]), key=len),
    }


def test_there_is_a_text_for_every_purpose_in_every_language():
    assert set(DEFAULT_TEMPLATES) == {(key, language) for key in TemplateKey for language in Language}


def test_the_names_measured_here_are_as_long_as_long_names_are():
    assert (len(CLINIC), len(PATIENT)) == (24, 22)


@each_template
def test_a_default_text_can_be_saved(key, language):
    check_body(DEFAULT_TEMPLATES[key, language])


@each_template
def test_a_default_text_is_one_plain_part_on_every_day_of_the_year(key, language):
    for day in days_of_a_year:
        measured = measure(fold(render(DEFAULT_TEMPLATES[key, language], context(language, day))))
        assert (measured.encoding, measured.segments) == ("GSM-7", 1), (key, language, measured)


@each_template
def test_a_default_text_needs_no_folding(key, language):
    body = DEFAULT_TEMPLATES[key, language]

    assert fold(body) == body


@each_template
def test_a_patient_is_told_who_writes_and_whom_to_call(key, language):
    if key == TemplateKey.LOW_STOCK:
        assert placeholders(DEFAULT_TEMPLATES[key, language]) == {"clinic"}
    else:
        assert {"name", "clinic", "clinic_phone"} <= placeholders(DEFAULT_TEMPLATES[key, language])


@each_template
def test_a_text_about_a_coming_visit_says_when_it_is(key, language):
    if key in {TemplateKey.REMINDER, TemplateKey.CONFIRMATION, TemplateKey.RESCHEDULED}:
        assert set(PLACEHOLDERS) == placeholders(DEFAULT_TEMPLATES[key, language])


@each_template
def test_a_text_to_a_patient_without_a_name_reads_well(key, language):
    day = days_of_a_year[0]

    text = render(DEFAULT_TEMPLATES[key, language], {**context(language, day), "name": ""})

    assert not re.search(r" [,.]|,,|  ", text)


@each_template
def test_a_default_text_names_no_illness_or_programme(key, language):
    telling = (
        r"\b(hiv|aids|art|arv|tb|iptp?|anc|pregnan|viral|clinic card|test|result|medic|pill|mogare|molwetse)"
    )

    assert not re.search(telling, DEFAULT_TEMPLATES[key, language].lower())
