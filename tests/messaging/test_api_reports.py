import csv
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

import pytest

from tests.factories.accounts import AdminFactory, ClinicFactory, ViewerFactory
from tests.factories.messaging import MessageFactory

pytestmark = pytest.mark.django_db
REPORT = "/api/v1/reports/delivery"
# The first of April in Gaborone.
THEN = datetime(2026, 3, 31, 23, tzinfo=UTC)
PERIOD = {"from": "2026-03-01", "to": "2026-04-30"}


@pytest.fixture
def clinic():
    return ClinicFactory(code="GAB01")


def text(clinic, status="delivered", provider="twilio", **fields):
    sent = {"sent_at": THEN} if status in ("sent", "delivered", "undelivered") else {}
    return MessageFactory(
        clinic=clinic, status=status, provider=provider, created_at=THEN, **{**sent, **fields}
    )


def report(caller, **query):
    answer = caller.get(REPORT, {**PERIOD, **query})
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_texts_are_counted_by_provider_status_and_error(caller, clinic):
    text(clinic)
    text(clinic, provider="smsgate")
    text(clinic, "undelivered", error_code="30003")
    found = report(caller)
    assert found["totals"]["messages"] == 3
    assert {row["provider"]: row["messages"] for row in found["by_provider"]} == {"smsgate": 1, "twilio": 2}
    assert {row["status"]: row["messages"] for row in found["by_status"]} == {
        "delivered": 2,
        "undelivered": 1,
    }
    assert {row["error_code"]: row["messages"] for row in found["by_error_code"]} == {"": 2, "30003": 1}


def test_parts_cost_what_their_provider_takes_if_it_took_them(settings, caller, clinic):
    settings.SMS_PRICE_PER_PART = {"twilio": (Decimal("0.05"), "USD"), "smsgate": (Decimal("0.25"), "BWP")}
    text(clinic, segments=2)
    text(clinic, segments=1)
    text(clinic, "failed", segments=4)
    text(clinic, provider="smsgate", segments=2)
    totals = report(caller)["totals"]
    assert (totals["parts"], totals["parts_sent"]) == (9, 5)
    assert totals["prices"] == [
        {"amount": "0.50", "currency": "BWP"},
        {"amount": "0.15", "currency": "USD"},
    ]


def test_without_a_price_nothing_is_claimed(settings, caller, clinic):
    settings.SMS_PRICE_PER_PART = {}
    text(clinic)
    found = report(caller)
    assert found["totals"]["prices"] == []
    assert (found["results"][0]["price"], found["results"][0]["currency"]) == (None, None)


def test_months_are_the_clinics_own(caller, clinic):
    text(clinic)
    assert [row["month"] for row in report(caller)["by_month"]] == ["2026-04"]


def test_only_the_callers_clinics_count(api, caller, clinic):
    other = ClinicFactory()
    text(clinic)
    text(other)
    assert [row["clinic_code"] for row in report(caller)["by_clinic"]] == ["GAB01"]
    assert report(caller, clinic_id=str(other.pk))["totals"]["messages"] == 0
    assert report(api(AdminFactory()))["totals"]["messages"] == 2


def test_a_viewer_reads_it(api, clinic):
    assert report(api(ViewerFactory(clinics=[clinic])))["results"] == []


def test_as_csv_each_group_is_a_row_and_no_cell_is_a_formula(caller, clinic):
    text(clinic, "failed", error_code="=1+1")
    answer = caller.get(REPORT, {**PERIOD, "format": "csv"})
    rows = list(csv.DictReader(StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert [(row["status"], row["error_code"], row["messages"]) for row in rows] == [("failed", "'=1+1", "1")]
