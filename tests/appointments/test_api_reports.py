import csv
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.utils import timezone

from tests.factories.accounts import AdminFactory, ClinicFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory
from tests.factories.messaging import MessageFactory

pytestmark = pytest.mark.django_db
REPORT = "/api/v1/reports/attendance"
# A Tuesday, 11:00 in Gaborone.
TUESDAY = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
IN_MARCH = {"from": "2026-03-01", "to": "2026-03-31"}


@pytest.fixture
def clinic():
    return ClinicFactory(code="GAB01", name="Gaborone West")


def visit(clinic, status, starts_at=TUESDAY, reminder=None):
    made = AppointmentFactory(patient__clinic=clinic, status=status, starts_at=starts_at)
    if reminder:
        MessageFactory(
            clinic=clinic,
            status=reminder,
            subject_type="appointments.appointment",
            subject_id=made.pk,
            subject_at=made.starts_at,
        )
    return made


def report(caller, **query):
    answer = caller.get(REPORT, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def refused(caller, **query):
    answer = caller.get(REPORT, query)
    assert answer.status_code == 400, answer.content
    return answer.json()["error"]["details"]


def test_the_no_show_rate_is_of_the_visits_that_were_marked(caller, clinic):
    for status in ("attended", "attended", "attended", "missed", "cancelled", "booked"):
        visit(clinic, status)
    assert report(caller, **IN_MARCH)["totals"] == {
        "appointments": 6,
        "attended": 3,
        "missed": 1,
        "unmarked": 1,
        "upcoming": 0,
        "cancelled": 1,
        "no_show_rate": 0.25,
    }


def test_without_marked_visits_there_is_no_rate(caller, clinic):
    visit(clinic, "booked", timezone.now() + timedelta(minutes=1))
    found = report(caller, to=(timezone.now() + timedelta(days=2)).date().isoformat())["totals"]
    assert (found["upcoming"], found["no_show_rate"]) == (1, None)


def test_months_and_weekdays_are_the_clinics_own(caller, clinic):
    # 23:00 UTC on Tuesday the 31st is Wednesday the 1st in Gaborone.
    visit(clinic, "missed", datetime(2026, 3, 31, 23, tzinfo=UTC))
    visit(clinic, "attended")
    found = report(caller, **{"from": "2026-03-01", "to": "2026-04-30"})
    assert [(row["month"], row["missed"]) for row in found["by_month"]] == [("2026-03", 0), ("2026-04", 1)]
    assert [(row["weekday"], row["missed"]) for row in found["by_weekday"]] == [(2, 0), (3, 1)]


def test_rates_are_told_by_what_became_of_the_reminder(caller, clinic):
    visit(clinic, "attended", reminder="delivered")
    visit(clinic, "missed", reminder="sent")
    visit(clinic, "missed", reminder="failed")
    visit(clinic, "missed")
    found = {row["reminder"]: row["missed"] for row in report(caller, **IN_MARCH)["by_reminder"]}
    assert found == {"delivered": 0, "sent": 1, "not_reached": 2}


def test_a_text_that_tells_of_another_time_reached_nobody(caller, clinic):
    moved = visit(clinic, "missed", reminder="delivered")
    moved.starts_at += timedelta(days=1)
    moved.ends_at += timedelta(days=1)
    moved.save()
    assert report(caller, **IN_MARCH)["by_reminder"][0]["reminder"] == "not_reached"


def test_from_is_inclusive_and_a_date_in_to_includes_its_day(caller, clinic):
    visit(clinic, "attended")
    assert report(caller, **{"from": "2026-03-03", "to": "2026-03-03"})["totals"]["attended"] == 1
    assert report(caller, **{"from": "2026-03-03T11:00", "to": "2026-03-04"})["totals"]["attended"] == 1
    assert report(caller, **{"from": "2026-03-01", "to": "2026-03-03T11:00"})["totals"]["attended"] == 0


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "march"}, "from"),
        ({"to": "9999-99-99"}, "to"),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "to"),
        ({"from": "2000-01-01", "to": "2026-01-01"}, "from"),
        ({"clinic_id": "x"}, "clinic_id"),
        ({"clinic_id": "\0"}, "clinic_id"),
        ({"format": "pdf"}, "format"),
        ({"month": "3"}, "month"),
    ],
)
def test_a_question_that_can_not_be_answered_names_its_field(caller, query, field):
    assert field in refused(caller, **query)


def test_only_the_callers_clinics_count(api, caller, clinic):
    other = ClinicFactory()
    visit(clinic, "attended")
    visit(other, "missed")
    assert [row["clinic_code"] for row in report(caller, **IN_MARCH)["by_clinic"]] == ["GAB01"]
    assert report(caller, **IN_MARCH, clinic_id=str(other.pk))["totals"]["appointments"] == 0
    everywhere = report(api(AdminFactory()), **IN_MARCH)
    assert everywhere["totals"]["appointments"] == 2
    assert len(everywhere["by_clinic"]) == 2


def test_a_viewer_reads_it(api, clinic):
    assert report(api(ViewerFactory(clinics=[clinic])))["results"] == []


def test_as_csv_no_cell_is_a_formula(caller, clinic):
    clinic.name = "=HYPERLINK(1)"
    clinic.save()
    visit(clinic, "missed")
    answer = caller.get(REPORT, {**IN_MARCH, "format": "csv"})
    assert answer["Content-Type"].startswith("text/csv")
    assert "attendance.csv" in answer["Content-Disposition"]
    rows = list(csv.DictReader(StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert len(rows) == 1
    assert (rows[0]["clinic_name"], rows[0]["missed"], rows[0]["no_show_rate"]) == (
        "'=HYPERLINK(1)",
        "1",
        "1.0",
    )


def test_it_costs_the_same_queries_for_any_number_of_clinics(api, django_assert_max_num_queries):
    for _number in range(10):
        visit(ClinicFactory(), "attended")
    admin = api(AdminFactory())
    with django_assert_max_num_queries(6):
        assert report(admin, **IN_MARCH)["totals"]["appointments"] == 10
