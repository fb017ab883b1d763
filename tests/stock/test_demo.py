import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from stock.demo import ITEMS, add_stock
from stock.models import Movement, StockLevel
from stock.reconciling import differences
from tests.factories.accounts import ClinicFactory
from tests.factories.stock import ItemFactory, stocked

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return ClinicFactory(code="GAB01")


def test_each_clinic_gets_its_levels_through_the_ledger(clinic):
    other = ClinicFactory(code="FRW02")
    assert add_stock(["GAB01", "FRW02"], now=timezone.now()) == 2 * len(ITEMS)
    assert StockLevel.objects.filter(clinic=other).count() == len(ITEMS)
    assert not list(differences())


def test_a_manager_sees_what_is_out_and_what_to_order(clinic):
    add_stock(["GAB01"], now=timezone.now())
    found = {level.item.code: level for level in StockLevel.objects.select_related("item")}
    assert {"out", "critical", "low", "ok", "over"} <= {level.status for level in found.values()}
    assert (found["HIVRDT"].status, found["HIVRDT"].suggested_order > 0) == ("out", True)
    assert found["GLOVEM"].will_expire > 0


def test_a_second_time_changes_nothing(clinic):
    add_stock(["GAB01"], now=timezone.now())
    before = Movement.objects.count(), AuditEntry.objects.count()
    assert add_stock(["GAB01"], now=timezone.now()) == 0
    assert (Movement.objects.count(), AuditEntry.objects.count()) == before


def test_what_is_there_is_left_alone(clinic):
    own = stocked(3, clinic=clinic, item=ItemFactory(code="ORS", name="Own words"))
    add_stock(["GAB01"], now=timezone.now())
    own.refresh_from_db()
    assert (own.on_hand, own.item.name) == (3, "Own words")
