from datetime import UTC, datetime, timedelta

import pytest

from accounts.audit import SYSTEM, Actor
from common.errors import ValidationFailed
from stock.entries import Entry
from stock.ledger import move, move_many
from stock.models import Lot, Movement, StockLevel, Transfer
from stock.rules import MOST_UNITS
from tests.factories.accounts import ClinicFactory, StaffFactory
from tests.factories.stock import StockLevelFactory, moved, stocked

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
TODAY = NOW.date()
DAY = timedelta(days=1)


def lots(level) -> dict[tuple[str, object], int]:
    return {(lot.code, lot.expires_on): lot.quantity for lot in Lot.objects.filter(level=level)}


def refused(level, kind, quantity, **entry) -> set[str]:
    with pytest.raises(ValidationFailed) as refusal:
        moved(level, kind, quantity, now=NOW, **entry)
    return set(refusal.value.details)


@pytest.mark.parametrize(
    ("kind", "quantity", "demand"),
    [("issue", 3, 3), ("unmet", 3, 3), ("return", 3, -3), ("wastage", 3, 0), ("adjustment", -3, 0)],
)
def test_only_what_was_asked_for_is_demand(kind, quantity, demand):
    assert moved(stocked(10, now=NOW), kind, quantity, now=NOW).demand == demand


def test_an_entry_keeps_what_was_said_and_who_said_it():
    level = stocked(10, now=NOW)
    entry = moved(level, "issue", 3, reason="  for   ward 2 ", occurred_on=TODAY - DAY, now=NOW)
    kept = Movement.objects.get(pk=entry.pk)
    assert (kept.kind, kept.quantity, kept.change, kept.balance_after) == ("issue", 3, -3, 7)
    assert (kept.reason, kept.occurred_on, kept.recorded_at) == ("for ward 2", TODAY - DAY, NOW)
    assert (kept.actor_kind, kept.actor_id, kept.actor_name) == (SYSTEM.kind, SYSTEM.id, SYSTEM.name)


def test_without_a_day_an_entry_is_of_the_clinics_today():
    level = stocked(10, now=NOW)
    late = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
    assert moved(level, "issue", 1, now=late).occurred_on == TODAY + DAY


def test_the_day_of_an_entry_is_the_day_at_its_own_clinic():
    level = StockLevelFactory(clinic=ClinicFactory(time_zone="America/New_York"))
    small_hours = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
    assert moved(level, "receipt", 1, now=small_hours).occurred_on == TODAY - DAY


def test_a_correction_goes_both_ways_within_bounds_but_not_by_nothing():
    level = stocked(10, now=NOW)
    assert refused(level, "adjustment", 0) == {"quantity"}
    assert refused(level, "adjustment", -MOST_UNITS - 1) == {"quantity"}
    assert moved(level, "adjustment", -10, now=NOW).balance_after == 0


def test_what_is_returned_without_a_lots_name_goes_where_it_is_used_soon():
    level = StockLevelFactory()
    moved(level, "receipt", 5, lot="LATE", expires_on=TODAY + 90 * DAY, now=NOW)
    moved(level, "receipt", 5, lot="SOON", expires_on=TODAY + 30 * DAY, now=NOW)
    moved(level, "return", 2, now=NOW)
    moved(level, "adjustment", 1, now=NOW)
    assert {code: quantity for (code, _day), quantity in lots(level).items()} == {"LATE": 5, "SOON": 8}


def test_what_is_returned_to_an_empty_shelf_is_of_no_known_lot():
    level = StockLevelFactory()
    moved(level, "return", 2, now=NOW)
    assert lots(level) == {("", None): 2}


def test_what_is_received_without_a_name_never_joins_a_named_lot():
    level = stocked(5, now=NOW)
    moved(level, "receipt", 3, now=NOW)
    moved(level, "receipt", 4, now=NOW)
    assert lots(level) == {("L1", None): 5, ("", None): 7}


def test_a_lot_named_without_its_date_is_the_one_of_that_name():
    level = StockLevelFactory()
    moved(level, "receipt", 5, lot="A", expires_on=TODAY + DAY, now=NOW)
    moved(level, "receipt", 5, lot="A", now=NOW)
    assert lots(level) == {("A", TODAY + DAY): 10}


def test_where_two_lots_have_that_name_the_one_without_a_date_is_meant():
    level = StockLevelFactory()
    for days in (1, 2):
        moved(level, "receipt", 5, lot="A", expires_on=TODAY + days * DAY, now=NOW)
    moved(level, "return", 1, lot="A", now=NOW)
    assert lots(level) == {("A", TODAY + DAY): 5, ("A", TODAY + 2 * DAY): 5, ("A", None): 1}


def test_an_issue_may_name_its_lot_by_name_by_date_or_by_both():
    level = StockLevelFactory()
    for code, days in (("A", 1), ("A", 2), ("B", 2)):
        moved(level, "receipt", 5, lot=code, expires_on=TODAY + days * DAY, now=NOW)
    moved(level, "issue", 1, lot="A", expires_on=TODAY + 2 * DAY, now=NOW)
    moved(level, "issue", 2, lot="B", now=NOW)
    moved(level, "issue", 3, expires_on=TODAY + DAY, now=NOW)
    assert lots(level) == {("A", TODAY + DAY): 2, ("A", TODAY + 2 * DAY): 4, ("B", TODAY + 2 * DAY): 3}


@pytest.mark.parametrize("named", [{"lot": "C"}, {"expires_on": TODAY}, {"lot": "L1", "expires_on": TODAY}])
def test_a_lot_that_is_not_there_is_refused(named):
    assert refused(stocked(5, now=NOW), "issue", 1, **named) == {"lot"}


def test_only_what_is_handed_out_or_sent_away_must_be_usable():
    level = StockLevelFactory()
    moved(level, "receipt", 5, lot="OLD", expires_on=TODAY - DAY, now=NOW)
    assert moved(level, "wastage", 2, now=NOW).change == -2
    assert moved(level, "adjustment", -1, now=NOW).change == -1


def test_an_imported_issue_may_draw_on_what_had_expired():
    level = StockLevelFactory()
    moved(level, "receipt", 5, lot="OLD", expires_on=TODAY - DAY, now=NOW)
    entries = [Entry(level.pk, "issue", 2, history=True)]
    [result] = move_many(entries=entries, actor=SYSTEM, now=NOW)
    assert result.movement.change == -2


def test_only_a_transfer_names_another_clinic():
    level = stocked(5, now=NOW)
    other = StockLevelFactory(item=level.item)
    assert refused(level, "issue", 1, to_clinic_id=other.clinic_id) == {"to_clinic_id"}
    assert refused(level, "transfer_out", 1) == {"to_clinic_id"}


def test_what_is_sent_is_on_its_way_and_on_order_at_the_other_clinic():
    level = stocked(5, now=NOW)
    target = StockLevelFactory(item=level.item)
    moved(level, "transfer_out", 3, to_clinic_id=target.clinic_id, now=NOW)
    moved(level, "transfer_out", 1, to_clinic_id=target.clinic_id, now=NOW)
    found = StockLevel.objects.get(pk=target.pk)
    assert (found.on_order, found.on_hand, found.version) == (4, 0, target.version + 2)
    sent = Transfer.objects.get(quantity=3)
    assert (sent.to_level_id, sent.state, sent.updated_at) == (target.pk, "in_transit", NOW)


def test_a_key_that_comes_twice_in_one_call_is_one_entry():
    level = stocked(5, now=NOW)
    entry = Entry(level.pk, "issue", 2, dedupe_key="clinic-7")
    first, second = move_many(entries=[entry, entry], actor=SYSTEM, now=NOW)
    assert first.movement.pk == second.movement.pk
    assert StockLevel.objects.get(pk=level.pk).on_hand == 3


def test_what_comes_back_to_an_empty_lot_finds_it_however_its_name_is_spaced():
    level = StockLevelFactory()
    moved(level, "receipt", 5, lot="LOT 7", expires_on=TODAY + DAY, now=NOW)
    moved(level, "issue", 5, now=NOW)
    moved(level, "return", 2, lot=" LOT   7", now=NOW)
    assert lots(level) == {("LOT 7", TODAY + DAY): 2}


def test_an_entry_of_a_person_is_kept_under_their_number():
    nurse = StaffFactory()
    entry = move(level_id=stocked(10, now=NOW).pk, kind="issue", quantity=1, actor=Actor.of(nurse), now=NOW)
    kept = Movement.objects.get(pk=entry.pk)
    assert (kept.actor_kind, kept.actor_id, kept.actor_name) == ("user", nurse.pk, Actor.of(nurse).name)


def test_what_comes_back_to_an_empty_lot_without_a_name_finds_it():
    level = StockLevelFactory()
    moved(level, "receipt", 5, now=NOW)
    moved(level, "issue", 5, now=NOW)
    moved(level, "receipt", 3, now=NOW)
    assert lots(level) == {("", None): 3}
    assert Lot.objects.filter(level=level).count() == 1
