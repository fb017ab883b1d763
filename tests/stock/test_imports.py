from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.models import Sum
from django.utils import timezone

from accounts.audit import COMMAND
from accounts.models import Clinic
from appointments.file_import.errors import UnreadableFile
from stock.file_import import movements
from stock.file_import.items import import_items
from stock.file_import.movements import import_movements
from stock.models import Item, Movement, StockAlert, StockLevel
from stock.reconciling import differences
from tests.factories.accounts import ClinicFactory
from tests.factories.stock import ItemFactory, StockLevelFactory

pytestmark = pytest.mark.django_db
DATA = Path(__file__).parents[1] / "data"
HEADER = "date,clinic,item,kind,quantity,lot,expires_on,reason"


@pytest.fixture
def place():
    return ClinicFactory(code="GAB01"), ItemFactory(code="PCM")


def imported(*rows, dry_run=False, header=HEADER):
    return import_movements(
        "\n".join([header, *rows]).encode(),
        clinics=Clinic.objects.all(),
        actor=COMMAND,
        now=timezone.now(),
        dry_run=dry_run,
    )


def on_hand():
    return StockLevel.objects.get().on_hand


ROWS = (
    "2026-01-05,GAB01,PCM,receipt,100,L1,2026-01-20,",
    "2026-01-06,GAB01,PCM,issue,30,,,",
    "2026-01-06,GAB01,PCM,issue,30,,,",
    "2026-01-07,GAB01,PCM,unmet,5,,,",
    "2026-01-25,GAB01,PCM,issue,10,,,",
    "2026-01-26,GAB01,PCM,count,25,,,quarterly",
    "2026-01-27,GAB01,PCM,wastage,5,,,",
)


def test_a_history_is_imported_even_where_it_drew_on_expired_lots(place):
    report = imported(*ROWS)
    assert (report.created, report.rejected) == (7, [])
    assert on_hand() == 20
    assert not list(differences())


def test_the_same_file_twice_changes_nothing(place):
    imported(*ROWS)
    report = imported(*ROWS)
    assert (report.created, report.unchanged) == (0, 7)
    assert on_hand() == 20


def test_a_file_that_has_grown_adds_what_is_new(place):
    imported(*ROWS[:3])
    report = imported(*ROWS)
    assert (report.created, report.unchanged, on_hand()) == (4, 3, 20)


def test_a_count_of_the_past_keeps_what_the_ledger_has_of_later_days(place):
    imported(ROWS[0], "2026-02-01,GAB01,PCM,issue,10,,,")
    imported("2026-01-15,GAB01,PCM,count,90,,,")
    assert on_hand() == 80


def test_a_dry_run_says_the_same_and_changes_nothing(place):
    report = imported(*ROWS, "2026-01-28,GAB01,PCM,issue,999,,,", dry_run=True)
    assert (report.created, len(report.rejected)) == (7, 1)
    assert not Movement.objects.exists()
    assert not StockLevel.objects.exists()


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        ("2026-01-06,NOWHERE,PCM,issue,1,,,", "clinic", "UNKNOWN_CLINIC"),
        ("2026-01-06,GAB01,NOTHING,issue,1,,,", "item", "UNKNOWN_ITEM"),
        ("2026-01-06,GAB01,PCM,theft,1,,,", "kind", "UNKNOWN_KIND"),
        ("2026-01-06,GAB01,PCM,transfer_out,1,,,", "kind", "UNKNOWN_KIND"),
        ("2026-01-06,GAB01,PCM,issue,1.5,,,", "quantity", "INVALID_NUMBER"),
        ("2026-01-06,GAB01,PCM,issue,0,,,", "quantity", "INVALID_NUMBER"),
        ("2026-01-06,GAB01,PCM,issue,99999999999999,,,", "quantity", "INVALID_NUMBER"),
        ("2026-02-31,GAB01,PCM,issue,1,,,", "date", "INVALID_DATE"),
        ("2199-01-06,GAB01,PCM,issue,1,,,", "date", "IN_THE_FUTURE"),
        ("1926-01-06,GAB01,PCM,issue,1,,,", "occurred_on", "VALIDATION_ERROR"),
        (",GAB01,PCM,issue,1,,,", "date", "MISSING"),
        ("2026-01-06,GAB01,PCM,receipt,1,L,soon,", "expires_on", "INVALID_DATE"),
        ("2026-01-06,GAB01,PCM,issue,1,,,", "quantity", "INSUFFICIENT_STOCK"),
    ],
)
def test_a_row_that_can_not_be_taken_is_named_with_column_and_reason(place, row, column, code):
    report = imported(row)
    assert [(one.row, one.line, one.column, one.code) for one in report.rejected] == [(2, 2, column, code)]
    assert report.created == 0


def test_days_are_read_day_first_and_headings_in_other_words(place):
    report = imported("06/01/2026;GAB01;PCM;receipt;5", header="Day;Facility;Item code;Type;Qty")
    assert report.created == 1
    assert str(Movement.objects.get().occurred_on) == "2026-01-06"


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"%PDF-1.4", "date,clinic\n".encode("utf-16")])
def test_a_file_without_its_columns_is_refused_as_a_whole(content):
    with pytest.raises(UnreadableFile):
        import_movements(content, clinics=[], actor=COMMAND, now=timezone.now())


def test_items_are_made_then_unchanged_then_updated():
    now = timezone.now()
    first = import_items(b"code,name,unit,pack_size\nA,Aspirin,tablet,10\n", actor=COMMAND, now=now)
    again = import_items(b"code,name,unit,pack_size\nA,Aspirin,tablet,10\n", actor=COMMAND, now=now)
    other = import_items(b"code,name,unit,pack_size\nA,Aspirin,tablet,20\n", actor=COMMAND, now=now)
    assert (first.created, again.unchanged, other.updated) == (1, 1, 1)
    assert Item.objects.get().pack_size == 20


def test_an_item_without_a_name_or_twice_in_the_file_is_rejected():
    content = b"code,name,unit,pack_size\nA,,tablet,10\nB,Bee,each,0\nC,Cee,each,1\nC,Cee,each,1\n"
    report = import_items(content, actor=COMMAND, now=timezone.now())
    assert [(one.row, one.column) for one in report.rejected] == [(2, "name"), (3, "pack_size"), (5, "code")]


def test_two_years_of_three_clinics_end_with_what_was_on_the_shelves():
    for code in ("GAB01", "FRW02", "MAU03"):
        ClinicFactory(code=code)
    call_command("import_stock_items", str(DATA / "stock_items.csv"))
    call_command("import_stock_movements", str(DATA / "stock_movements.csv"))
    assert Movement.objects.count() == 37_394
    assert StockLevel.objects.aggregate(units=Sum("on_hand"))["units"] == 32_690
    assert not list(differences())
    assert not StockLevel.objects.filter(usage_rate=None).exists()


@pytest.mark.parametrize("written", ["7", "+7", "7.0", "7,0", "7.00", "007"])
def test_a_whole_number_is_read_as_spreadsheets_write_it(place, written):
    imported(f'2026-01-05,GAB01,PCM,receipt,"{written}",,,')
    assert on_hand() == 7


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1,000", "1000"),
        ("2.000", "2000"),
        ("1,234", "1234"),
        ("1 000", "1000"),
        ("1,000.00", "1000"),
        ("1.000.000", "1000000"),
    ],
)
def test_thousands_with_a_separator_are_refused_with_the_mend(place, written, number):
    report = imported(f'2026-01-05,GAB01,PCM,receipt,"{written}",,,')
    assert [(one.column, one.code, one.reason) for one in report.rejected] == [
        ("quantity", "INVALID_NUMBER", f"Write {number} without a separator.")
    ]
    assert not Movement.objects.exists()


def test_a_correction_of_minus_a_thousand_with_a_separator_keeps_its_sign_in_the_mend(place):
    report = imported('2026-01-05,GAB01,PCM,adjustment,"-1,000",,,')
    assert [one.reason for one in report.rejected] == ["Write -1000 without a separator."]


@pytest.mark.parametrize("column", ["pack_size", "shelf_life_days"])
def test_thousands_with_a_separator_are_refused_for_an_item_too(column):
    content = f'code,name,unit,{column}\nA,Aspirin,tablet,"1,000"\n'.encode()
    report = import_items(content, actor=COMMAND, now=timezone.now())
    assert [(one.column, one.reason) for one in report.rejected] == [
        (column, "Write 1000 without a separator.")
    ]
    assert not Item.objects.exists()


def test_a_long_history_raises_no_alert_of_what_was_low_in_its_middle(place, monkeypatch):
    monkeypatch.setattr(movements, "BATCH", 2)
    StockLevelFactory(clinic=place[0], item=place[1], reorder_level=20)
    StockAlert.objects.all().delete()
    imported(
        "2026-01-05,GAB01,PCM,receipt,100,,,",
        "2026-01-06,GAB01,PCM,issue,100,,,",
        "2026-01-07,GAB01,PCM,receipt,500,,,",
    )
    assert not StockAlert.objects.exists()


def test_an_import_raises_the_alerts_of_what_is_low_at_its_end(place):
    StockLevelFactory(clinic=place[0], item=place[1], reorder_level=20)
    StockAlert.objects.all().delete()
    imported("2026-01-05,GAB01,PCM,receipt,100,,,", "2026-01-06,GAB01,PCM,issue,100,,,")
    assert [alert.status for alert in StockAlert.objects.all()] == ["out"]
