from datetime import date

import pytest
import time_machine
from django.test import RequestFactory

from accounts.report_request import ReportRequest
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_march():
    with time_machine.travel("2026-03-15T12:00:00+02:00", tick=False):
        yield


def asked(user=None, **given):
    request = RequestFactory().get("/", given)
    request.user = user or AdminFactory()
    return ReportRequest.of(request)


def test_nothing_asked_is_the_last_twelve_months_by_whole_months():
    found = asked()
    assert (found.first, found.last, found.problem) == (date(2025, 4, 1), date(2026, 3, 15), "")
    assert len(found.months) == 12


@pytest.mark.parametrize(
    "given",
    [
        {"from": "march"},
        {"until": "2026-02-30"},
        {"from": "2026-03-02", "until": "2026-03-01"},
        {"from": "2010-01-01"},
        {"from": "0001-01-01", "until": "0001-02-01"},
        {"until": "0001-01-01"},
        {"from": "9999-01-01", "until": "9999-12-31"},
        {"from": "\0"},
    ],
)
def test_what_can_not_be_read_is_said_and_the_usual_shown(given):
    found = asked(**given)
    assert found.problem
    assert (found.first, found.last) == (date(2025, 4, 1), date(2026, 3, 15))


def test_a_month_of_the_period_is_cut_to_its_days():
    found = asked(**{"from": "2026-01-10", "until": "2026-02-20"})
    assert [found.days_of(month) for month in found.months] == [
        "2026-01-10..2026-01-31",
        "2026-02-01..2026-02-20",
    ]


@pytest.mark.parametrize("choice", ["x", "00000000-0000-7000-8000-000000000000", "\0"])
def test_a_clinic_that_one_does_not_see_counts_nothing(choice):
    ClinicFactory()
    assert asked(StaffFactory(clinics=[ClinicFactory()]), clinic=choice).clinics == []


def test_one_is_offered_ones_own_clinics():
    own, _other = ClinicFactory(), ClinicFactory()
    assert asked(StaffFactory(clinics=[own])).clinics == [own]
