import csv
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from stock.models import StockLevel
from stock.reconciling import check
from tests.factories.accounts import ClinicFactory
from tests.factories.stock import moved, stocked

pytestmark = pytest.mark.django_db


def said(*arguments):
    out = StringIO()
    call_command("stock_report", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def levels():
    clinic = ClinicFactory(code="GAB01")
    stocked(50, clinic=clinic, reorder_level=20, item__code="FULL")
    stocked(15, clinic=clinic, reorder_level=20, item__code="LOW")
    emptied = stocked(5, reorder_level=20, item__code="OUT")
    moved(emptied, "issue", 5)


@pytest.mark.usefixtures("levels")
def test_it_shows_what_is_low_the_most_urgent_first():
    lines = said().splitlines()
    assert lines[0].split()[:3] == ["clinic", "item", "name"]
    assert [line.split()[1] for line in lines[1:3]] == ["OUT", "LOW"]
    assert lines[-1] == "2 in all."


@pytest.mark.usefixtures("levels")
def test_it_is_narrowed_to_a_clinic_and_a_status():
    assert [row["item_code"] for row in json.loads(said("--clinic", "gab01", "--format", "json"))] == ["LOW"]
    assert [row["item_code"] for row in json.loads(said("--status", "ok", "--format", "json"))] == ["FULL"]
    assert said("--clinic", "GAB01", "--status", "out").strip() == "Nothing to report."


@pytest.mark.usefixtures("levels")
def test_as_csv_no_cell_is_a_formula():
    stocked(1, reorder_level=20, item__code="X", item__name="=1+1")
    rows = list(csv.DictReader(StringIO(said("--format", "csv"))))
    assert {row["item_code"]: row["item_name"] for row in rows}["X"] == "'=1+1"


def test_an_unknown_clinic_is_refused():
    with pytest.raises(CommandError, match="NOWHERE"):
        said("--clinic", "NOWHERE")


def test_a_balance_that_is_not_its_ledgers_is_told_in_a_line():
    level = stocked(5, clinic__code="GAB01", item__code="PARA500")
    assert list(check()) == []
    StockLevel.objects.update(on_hand=7)
    assert f"GAB01 PARA500: on_hand is 7, by its ledger 5 ({level.pk})" in list(check())
