import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.audit import SYSTEM
from accounts.models import AuditEntry
from common.errors import NotFound, StateConflict, ValidationFailed
from stock.entries import Entry
from stock.errors import InsufficientStock
from stock.ledger import move_many, reverse
from stock.models import Lot, Movement, MovementLot, StockLevel, Transfer
from stock.reconciling import differences
from tests.factories.stock import StockLevelFactory, moved, stocked

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
TODAY = NOW.date()
DAY = timedelta(days=1)


def fresh(level):
    return StockLevel.objects.get(pk=level.pk)


def lots(level):
    return dict(Lot.objects.filter(level=level).values_list("code", "quantity"))


def test_a_receipt_adds_and_an_issue_takes():
    level = StockLevelFactory()
    moved(level, "receipt", 10, now=NOW)
    issue = moved(level, "issue", 4, now=NOW)
    assert (issue.change, issue.balance_after, issue.sequence) == (-4, 6, 2)
    assert (fresh(level).on_hand, fresh(level).usable, fresh(level).version) == (6, 6, 3)


def test_an_unmet_request_leaves_the_balance():
    level = stocked(5)
    entry = moved(level, "unmet", 7)
    assert (entry.change, entry.demand, fresh(level).on_hand) == (0, 7, 5)


@pytest.mark.parametrize(
    ("kind", "quantity", "balance"),
    [
        ("wastage", 3, 7),
        ("return", 3, 13),
        ("adjustment", -3, 7),
        ("adjustment", 3, 13),
    ],
)
def test_each_kind_changes_the_balance_its_own_way(kind, quantity, balance):
    level = stocked(10)
    moved(level, kind, quantity)
    assert fresh(level).on_hand == balance
    assert not list(differences())


def test_more_than_there_is_is_refused_and_nothing_is_written():
    level = stocked(5)
    with pytest.raises(InsufficientStock) as refusal:
        moved(level, "issue", 6)
    assert refusal.value.details == {"quantity": ["Asked for 6, 5 can be taken."]}
    assert fresh(level).on_hand == 5
    assert Movement.objects.count() == 1


def test_what_expires_first_is_issued_first():
    level = StockLevelFactory()
    moved(level, "receipt", 5, lot="LATE", expires_on=TODAY + 90 * DAY, now=NOW)
    moved(level, "receipt", 5, lot="SOON", expires_on=TODAY + 30 * DAY, now=NOW)
    moved(level, "receipt", 5, lot="NEVER", now=NOW)
    issue = moved(level, "issue", 7, now=NOW)
    assert lots(level) == {"SOON": 0, "LATE": 3, "NEVER": 5}
    picked = MovementLot.objects.filter(movement=issue).values_list("lot__code", "quantity")
    assert set(picked) == {("SOON", -5), ("LATE", -2)}


def test_an_issue_skips_expired_lots_and_says_so():
    level = StockLevelFactory()
    moved(level, "receipt", 5, lot="OLD", expires_on=TODAY - DAY, now=NOW)
    moved(level, "receipt", 3, lot="GOOD", expires_on=TODAY, now=NOW)
    with pytest.raises(InsufficientStock) as refusal:
        moved(level, "issue", 4, now=NOW)
    assert refusal.value.details["quantity"] == [
        "Asked for 4, 3 can be taken.",
        "5 of lot OLD expired on 2026-11-19: record them as wastage.",
    ]
    moved(level, "issue", 3, now=NOW)
    assert lots(level) == {"OLD": 5, "GOOD": 0}


def test_an_expired_lot_is_not_issued_by_name_either():
    level = StockLevelFactory()
    moved(level, "receipt", 5, lot="OLD", expires_on=TODAY - DAY, now=NOW)
    with pytest.raises(InsufficientStock):
        moved(level, "issue", 1, lot="OLD", now=NOW)


def test_wastage_takes_expired_lots_first():
    level = StockLevelFactory()
    moved(level, "receipt", 5, lot="OLD", expires_on=TODAY - DAY, now=NOW)
    moved(level, "receipt", 5, lot="GOOD", expires_on=TODAY + DAY, now=NOW)
    moved(level, "wastage", 6, now=NOW)
    assert lots(level) == {"OLD": 0, "GOOD": 4}


def test_an_issue_of_yesterday_may_use_what_expired_last_night():
    level = StockLevelFactory()
    moved(level, "receipt", 5, lot="OLD", expires_on=TODAY - DAY, now=NOW)
    assert moved(level, "issue", 2, occurred_on=TODAY - DAY, now=NOW).occurred_on == TODAY - DAY


def test_a_day_to_come_is_refused():
    level = stocked(5, now=NOW)
    with pytest.raises(ValidationFailed) as refusal:
        moved(level, "issue", 1, occurred_on=TODAY + DAY, now=NOW)
    assert set(refusal.value.details) == {"occurred_on"}


@pytest.mark.parametrize("quantity", [0, -1, 1.5, "3", True, None, 10**12])
def test_a_quantity_is_a_sane_whole_number(quantity):
    level = stocked(5)
    with pytest.raises(ValidationFailed) as refusal:
        moved(level, "issue", quantity)
    assert set(refusal.value.details) == {"quantity"}


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * 201])
def test_a_reason_that_cannot_be_kept_is_refused(text):
    level = stocked(5)
    with pytest.raises(ValidationFailed):
        moved(level, "issue", 1, reason=text)


@pytest.mark.parametrize("kind", ["count", "transfer_in", "reversal", "transit_loss", "theft"])
def test_kinds_with_a_service_of_their_own_are_not_entered(kind):
    level = stocked(5)
    with pytest.raises(ValidationFailed) as refusal:
        moved(level, kind, 1)
    assert set(refusal.value.details) == {"kind"}


def test_a_level_that_does_not_exist_is_not_found():
    with pytest.raises(NotFound):
        move_many(
            entries=[Entry(level_id=uuid.uuid4(), kind="issue", quantity=1)],
            atomic=True,
            actor=SYSTEM,
            now=NOW,
        )


def test_a_repeat_of_the_same_request_is_one_entry():
    level = stocked(5)
    first = moved(level, "issue", 2, dedupe_key="k1")
    assert moved(level, "issue", 2, dedupe_key="k1").pk == first.pk
    assert fresh(level).on_hand == 3


def test_an_entry_is_in_the_audit_log():
    level = stocked(5)
    moved(level, "issue", 2)
    entry = AuditEntry.objects.order_by("pk").last()
    assert (entry.action, entry.object_id, entry.clinic_id) == (
        "issue",
        level.pk,
        level.clinic_id,
    )
    assert entry.changes["on_hand"] == [5, 3]


def test_of_many_entries_the_good_ones_are_written():
    level, other = stocked(5), stocked(1)
    results = move_many(
        entries=[
            Entry(level.pk, "issue", 4),
            Entry(other.pk, "issue", 2),
            Entry(level.pk, "issue", 2),
            Entry(uuid.uuid4(), "issue", 2),
            Entry(level.pk, "receipt", 9),
        ],
        actor=SYSTEM,
        now=NOW,
    )
    assert [type(result.error) for result in results] == [
        type(None),
        InsufficientStock,
        InsufficientStock,
        NotFound,
        type(None),
    ]
    assert (fresh(level).on_hand, fresh(other).on_hand) == (10, 1)
    assert not list(differences())


def test_of_many_entries_none_is_written_when_all_are_wanted():
    level = stocked(5)
    with pytest.raises(InsufficientStock):
        move_many(
            entries=[Entry(level.pk, "issue", 4), Entry(level.pk, "issue", 2)],
            atomic=True,
            actor=SYSTEM,
            now=NOW,
        )
    assert fresh(level).on_hand == 5


def test_a_thousand_entries_take_few_queries(django_assert_max_num_queries):
    levels = [stocked(100) for _number in range(5)]
    entries = [Entry(levels[n % 5].pk, "issue", 1) for n in range(100)]
    with django_assert_max_num_queries(20):
        move_many(entries=entries, actor=SYSTEM, now=NOW)


def test_a_thousand_at_once_are_taken():
    level = stocked(1000, now=NOW)
    done = move_many(entries=[Entry(level.pk, "issue", 1)] * 1000, actor=SYSTEM, now=NOW)
    assert [result.error for result in done] == [None] * 1000
    assert fresh(level).on_hand == 0


def test_an_entry_of_an_earlier_day_is_in_the_figures_at_once():
    level = stocked(500, now=NOW - 60 * DAY)
    days = [Entry(level.pk, "issue", 4, occurred_on=TODAY - day * DAY) for day in range(59, 0, -1)]
    move_many(entries=days, atomic=True, actor=SYSTEM, now=NOW)
    # On the day on which it was received nothing was asked for.
    assert (fresh(level).usage_rate, fresh(level).usage_units) == (pytest.approx(59 * 4 / 60), 59 * 4)


def test_more_than_a_thousand_at_once_are_refused():
    with pytest.raises(ValidationFailed):
        move_many(entries=[Entry(uuid.uuid4(), "issue", 1)] * 1001, actor=SYSTEM, now=NOW)


def test_a_reversal_gives_back_to_the_lots_it_was_taken_from():
    level = StockLevelFactory()
    moved(level, "receipt", 5, lot="A", expires_on=TODAY + DAY, now=NOW)
    moved(level, "receipt", 5, lot="B", expires_on=TODAY + 2 * DAY, now=NOW)
    issue = moved(level, "issue", 7, now=NOW)
    back = reverse(movement_id=issue.pk, actor=SYSTEM, now=NOW)
    assert lots(level) == {"A": 5, "B": 5}
    assert (back.change, back.demand, back.reverses_id) == (7, -7, issue.pk)
    assert not list(differences())


def test_an_entry_is_taken_back_once():
    issue = moved(stocked(5), "issue", 1)
    reverse(movement_id=issue.pk, actor=SYSTEM, now=NOW)
    with pytest.raises(StateConflict):
        reverse(movement_id=issue.pk, actor=SYSTEM, now=NOW)


def test_a_reversal_is_not_taken_back():
    back = reverse(movement_id=moved(stocked(5), "issue", 1).pk, actor=SYSTEM, now=NOW)
    with pytest.raises(StateConflict):
        reverse(movement_id=back.pk, actor=SYSTEM, now=NOW)


def test_a_receipt_that_is_used_up_is_not_taken_back():
    level = StockLevelFactory()
    receipt = moved(level, "receipt", 5)
    moved(level, "issue", 3)
    with pytest.raises(InsufficientStock):
        reverse(movement_id=receipt.pk, actor=SYSTEM, now=NOW)
    assert fresh(level).on_hand == 2


def test_a_receipt_whose_lot_is_used_up_is_taken_back_from_other_lots():
    level = StockLevelFactory()
    receipt = moved(level, "receipt", 5, lot="A", expires_on=TODAY + DAY, now=NOW)
    moved(level, "receipt", 5, lot="B", expires_on=TODAY + 2 * DAY, now=NOW)
    moved(level, "issue", 4, now=NOW)
    reverse(movement_id=receipt.pk, actor=SYSTEM, now=NOW)
    assert lots(level) == {"A": 0, "B": 1}


def test_the_ledger_can_not_be_changed():
    entry = moved(stocked(5), "issue", 1)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Movement.objects.filter(pk=entry.pk).update(quantity=2)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        MovementLot.objects.update(quantity=2)


@pytest.mark.postgresql
def test_the_ledger_can_not_be_deleted():
    moved(stocked(5), "issue", 1)
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM stock_movementlot")


def test_the_database_refuses_a_negative_balance():
    level = stocked(5)
    with pytest.raises(IntegrityError), transaction.atomic():
        StockLevel.objects.filter(pk=level.pk).update(on_hand=-1, usable=-1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Lot.objects.filter(level=level).update(quantity=-1)


def test_a_balance_that_differs_from_its_ledger_is_found():
    level = stocked(5)
    StockLevel.objects.filter(pk=level.pk).update(on_hand=7)
    found = list(differences())
    assert {(one.level_id, one.what, one.stored, one.ledger) for one in found} == {
        (level.pk, "on_hand", 7, 5),
        (level.pk, "lots", 5, 7),
        (level.pk, "picks", 5, 7),
    }
    assert not Transfer.objects.exists()
