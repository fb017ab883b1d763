from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Language
from messaging.answers import TEXTS, Answer
from messaging.gsm import fold, measure
from messaging.rendering import check_body, render, visit_words

GABORONE = ZoneInfo("Africa/Gaborone")
DAYS = [datetime(2026, 1, 1, 8, tzinfo=UTC) + timedelta(days=n) for n in range(365)]
each_text = pytest.mark.parametrize(("kind", "language"), TEXTS)


def test_every_answer_has_a_text_in_every_language():
    assert set(TEXTS) == {(kind, language) for kind in Answer for language in Language}


@each_text
def test_an_answer_is_one_plain_part_on_every_day_of_the_year(kind, language):
    clinic = {"clinic": "Mahalapye Xhosa I Clinic and Maternity", "clinic_phone": "+267 390 1234"}
    check_body(TEXTS[kind, language])
    for day in DAYS:
        text = render(TEXTS[kind, language], {**clinic, **visit_words(day, GABORONE, language)})
        measured = measure(fold(text))
        assert (measured.encoding, measured.segments) == ("GSM-7", 1), measured


@each_text
def test_an_answer_names_no_patient_and_nothing_of_a_visits_kind(kind, language):
    assert "{name}" not in TEXTS[kind, language]


def test_a_purpose_fits_its_column():
    assert max(map(len, Answer.values)) <= 20
