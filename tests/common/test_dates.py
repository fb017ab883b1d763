from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.utils import formats, translation

from common.dates import date_in_words, day_in_words, moment_in_words

GABORONE = ZoneInfo("Africa/Gaborone")


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Tue 1 Dec 2026, 09:30"), ("tn", "Labobedi 1 Sed 2026, 09:30")]
)
def test_a_moment_reads_in_the_language_of_the_page_on_the_clinics_clock(language, words):
    with translation.override(language):
        assert moment_in_words(datetime(2026, 12, 1, 7, 30, tzinfo=UTC), GABORONE) == words


def test_no_moment_has_no_words():
    assert moment_in_words(None, GABORONE) == ""


def test_a_day_can_go_without_its_year():
    assert day_in_words(date(2026, 12, 1), year=False) == "Tue 1 Dec"


def test_a_language_that_nobody_has_taught_us_reads_as_english():
    with translation.override("fr"):
        assert date_in_words(date(2026, 12, 1)) == "1 Dec 2026"


def test_no_two_setswana_days_read_alike():
    with translation.override("tn"):
        assert len({day_in_words(date(2026, 6, day)).split()[0] for day in range(1, 8)}) == 7


@pytest.mark.parametrize("language", ["en", "tn"])
@pytest.mark.parametrize("typed", ["2026-12-01", "01/12/2026", "1.12.2026", "01-12-2026"])
def test_a_date_that_is_typed_has_its_day_before_its_month(language, typed):
    with translation.override(language):
        assert forms.DateField(localize=True).clean(typed) == date(2026, 12, 1)


@pytest.mark.parametrize(("language", "words"), [("en", "1 Dec 2026"), ("tn", "1 Sed 2026")])
def test_djangos_own_pages_write_dates_as_ours_do(language, words):
    with translation.override(language):
        assert formats.date_format(date(2026, 12, 1)) == words
