"""What the commands say that import files of stock, and with which exit code they end."""

from io import StringIO

import pytest
from django.core.management import call_command

from stock.models import Item, StockLevel
from tests.factories.accounts import ClinicFactory
from tests.factories.stock import ItemFactory

pytestmark = pytest.mark.django_db
ITEMS = "code,name,unit\nPCM,Paracetamol,tablet\nAMX,,capsule\n"


def run(name, *arguments):
    """Exit code and what was said."""
    said = StringIO()
    try:
        call_command(name, *map(str, arguments), stdout=said, stderr=said)
    except SystemExit as ended:
        return ended.code, said.getvalue()
    return 0, said.getvalue()


@pytest.fixture
def items(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text(ITEMS)
    return path


def test_rejected_rows_are_named_and_the_others_taken(items):
    code, said = run("import_stock_items", items)
    assert code == 1
    assert "  rejected row 3, line 3, name: " in said
    assert "created 1, updated 0, unchanged 0, rejected 1" in said
    assert [item.code for item in Item.objects.all()] == ["PCM"]


def test_a_dry_run_says_the_same_and_changes_nothing(items):
    code, said = run("import_stock_items", items, "--dry-run")
    assert code == 1
    assert "Dry run: nothing was changed. The import would give:\ncreated 1" in said
    assert not Item.objects.exists()


def test_a_file_without_a_fault_ends_well_and_names_the_columns_that_mean_nothing(items):
    items.write_text("code,name,unit,shelf\nPCM,Paracetamol,tablet,A\n")
    code, said = run("import_stock_items", items)
    assert (code, "Ignored columns: shelf" in said) == (0, True)


def test_of_many_rejected_rows_the_first_are_shown_and_the_rest_counted(items):
    rows = "".join(f"C{number},,tablet\n" for number in range(53))
    items.write_text(f"code,name,unit\n{rows}")
    said = run("import_stock_items", items)[1]
    assert said.count("  rejected row ") == 50
    assert "  … and 3 more." in said


@pytest.mark.parametrize("command", ["import_stock_items", "import_stock_movements"])
@pytest.mark.parametrize(
    ("content", "reason"), [(None, "can't be read: No such file or directory."), ("shelf\nA\n", "column")]
)
def test_a_file_that_can_not_be_read_is_told_with_the_reason(tmp_path, command, content, reason):
    path = tmp_path / "file.csv"
    if content is not None:
        path.write_text(content)
    code, said = run(command, path)
    assert (code, reason in said) == (2, True), said


def test_movements_are_written_to_the_clinics_that_they_name(tmp_path):
    clinic = ClinicFactory(code="GAB01")
    ItemFactory(code="PCM")
    path = tmp_path / "movements.csv"
    path.write_text("date,clinic,item,kind,quantity\n2026-01-05,GAB01,PCM,receipt,100\n")
    assert run("import_stock_movements", path)[0] == 0
    assert StockLevel.objects.get(clinic=clinic).on_hand == 100
