"""What stops the start, and what only warns."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from common.checks import check_settings, refuse_bad_settings


def found():
    return {problem.id.removeprefix("clinic_reminders.") for problem in check_settings()}


@pytest.fixture(autouse=True)
def sound(settings):
    """A site with nothing to say against it."""
    settings.HTTPS_REQUIRED = True


def test_a_sound_site_has_no_problem():
    assert found() == set()


def test_each_problem_of_a_setting_stops_the_start_with_its_mend(settings):
    settings.SETTINGS_PROBLEMS = [("LIMIT is no number.", "Set LIMIT=3."), ("RATE is no rate.", "Leave it.")]
    problems = check_settings()
    assert [(problem.msg, problem.hint) for problem in problems] == settings.SETTINGS_PROBLEMS
    assert all(problem.is_serious() for problem in problems)


@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [
        ("SECRET_KEY", "", "E001"),
        ("ALLOWED_HOSTS", [], "E002"),
        ("TIME_ZONE_GIVEN", "Africa/Nowhere", "E003"),
        ("LOG_FORMAT", "xml", "E004"),
        ("LOG_LEVEL", "LOUD", "E005"),
        ("HTTPS_REQUIRED", False, "W001"),
    ],
)
def test_a_setting_that_makes_no_sense_is_found(settings, setting, value, problem):
    setattr(settings, setting, value)
    assert found() == {problem}


@pytest.mark.parametrize(("setting", "value"), [("ALLOWED_HOSTS", []), ("HTTPS_REQUIRED", False)])
def test_where_debug_is_on_nobody_else_can_reach_the_site_and_these_do_not_matter(settings, setting, value):
    settings.DEBUG = True
    setattr(settings, setting, value)
    assert found() == set()


def test_a_server_is_stopped_by_all_errors_at_once_with_their_mends(settings):
    settings.LOG_LEVEL, settings.LOG_FORMAT = "LOUD", "xml"
    with pytest.raises(ImproperlyConfigured) as refusal:
        refuse_bad_settings()
    assert [line.split(" ")[0] for line in str(refusal.value).splitlines()] == ["LOG_FORMAT", "LOG_LEVEL"]
    assert "Set LOG_LEVEL=INFO." in str(refusal.value)


def test_a_server_starts_with_a_warning_and_logs_it(settings, caplog):
    settings.HTTPS_REQUIRED = False
    refuse_bad_settings()
    assert "HTTPS_REQUIRED is off" in caplog.text


def test_a_warning_that_was_silenced_is_not_logged(settings, caplog):
    settings.HTTPS_REQUIRED = False
    settings.SILENCED_SYSTEM_CHECKS = ["clinic_reminders.W001"]
    refuse_bad_settings()
    assert "HTTPS_REQUIRED" not in caplog.text
