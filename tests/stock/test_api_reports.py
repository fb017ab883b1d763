import csv
from io import StringIO

import pytest

from tests.factories.accounts import ClinicFactory, ViewerFactory
from tests.factories.stock import stocked
from tests.stock.api_calls import refused

pytestmark = pytest.mark.django_db
REPORT = "/api/v1/reports/stock"


@pytest.fixture
def clinic():
    return ClinicFactory(code="GAB01")


def test_each_level_is_a_row_with_its_figures(caller, clinic):
    level = stocked(50, clinic=clinic, reorder_level=20, average_monthly=25.0)
    answer = caller.get(REPORT)
    assert answer.status_code == 200, answer.content
    (row,) = answer.json()["results"]
    assert (row["stock_id"], row["clinic_code"]) == (str(level.pk), "GAB01")
    assert (row["usable"], row["threshold"], row["status"]) == (50, 20, "ok")
    assert (row["average_monthly"], row["months_of_stock"]) == (25.0, 2.0)
    assert row["suggestion_basis"].startswith("The reorder level is set to 20.")


def test_the_filters_of_the_list_hold(caller, clinic):
    stocked(50, clinic=clinic, reorder_level=20)
    low = stocked(15, clinic=clinic, reorder_level=20)
    found = caller.get(REPORT, {"status": "low"}).json()["results"]
    assert [row["item_code"] for row in found] == [low.item.code]
    rows = lines(caller.get(REPORT, {"status": "low", "format": "csv"}))
    assert [row["item_code"] for row in rows] == [low.item.code]


def lines(answer):
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(StringIO(answer.getvalue().decode("utf-8-sig"))))


def test_a_csv_has_all_rows_and_no_formula(caller, clinic):
    for number in range(25):
        stocked(number, clinic=clinic, item__name="=cmd|' /C calc'!A0")
    rows = lines(caller.get(REPORT, {"format": "csv"}))
    assert len(rows) == 25
    assert {row["item_name"] for row in rows} == {"'=cmd|' /C calc'!A0"}


def test_other_clinics_are_not_in_it(caller):
    stocked(5)
    assert caller.get(REPORT).json()["count"] == 0
    assert lines(caller.get(REPORT, {"format": "csv"})) == []


def test_a_viewer_reads_it_and_nobody_writes_to_it(api, caller, clinic):
    assert api(ViewerFactory(clinics=[clinic])).get(REPORT).status_code == 200
    refused(caller.post(REPORT, {}, format="json"), 405, "METHOD_NOT_ALLOWED")
    assert "format" in refused(caller.get(REPORT, {"format": "xml"}), 400)
