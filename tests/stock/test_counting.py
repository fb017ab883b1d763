from datetime import UTC, datetime, timedelta

import pytest

from accounts.audit import SYSTEM
from common.errors import ValidationFailed, VersionConflict
from stock.counting import count
from stock.errors import InsufficientStock
from stock.ledger import reverse
from stock.models import Lot, StockLevel
from stock.reconciling import differences
from tests.factories.accounts import ClinicFactory
from tests.factories.stock import StockLevelFactory, moved, stocked

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def counted(level, quantity, **how):
    return count(level_id=level.pk, quantity=quantity, actor=SYSTEM, now=how.pop("now", NOW), **how)


def on_hand(level):
    return StockLevel.objects.get(pk=level.pk).on_hand


@pytest.mark.parametrize("found", [0, 7, 10, 12])
def test_a_count_sets_the_balance(found):
    level = stocked(10, now=NOW)
    entry = counted(level, found)
    assert (entry.change, entry.quantity, on_hand(level)) == (found - 10, found, found)
    assert not list(differences())


def test_a_count_of_what_somebody_has_changed_meanwhile_is_refused():
    level = stocked(10, now=NOW)
    moved(level, "issue", 1, now=NOW)
    with pytest.raises(VersionConflict):
        counted(level, 10, version=level.version)
    assert on_hand(level) == 9


def test_a_count_keeps_what_moved_after_it():
    level = stocked(10, now=NOW - 3 * HOUR)
    moved(level, "issue", 2, now=NOW - HOUR)
    moved(level, "receipt", 5, now=NOW)
    counted(level, 9, counted_at=NOW - 2 * HOUR)
    assert on_hand(level) == 9 - 2 + 5


def test_a_count_minds_no_other_level():
    level, other = stocked(10, now=NOW - 3 * HOUR), stocked(50, now=NOW - 3 * HOUR)
    moved(other, "issue", 7, now=NOW)
    counted(level, 9, counted_at=NOW - HOUR)
    assert (on_hand(level), on_hand(other)) == (9, 43)


def test_a_count_knows_what_happened_before_it_but_was_written_down_later():
    level = stocked(10, now=NOW - 3 * DAY)
    moved(level, "issue", 2, now=NOW, occurred_on=(NOW - 2 * DAY).date())
    counted(level, 8, counted_at=NOW - DAY)
    assert on_hand(level) == 8


def test_a_count_that_contradicts_what_was_issued_since_is_refused():
    level = stocked(10, now=NOW - 3 * HOUR)
    moved(level, "issue", 8, now=NOW)
    with pytest.raises(InsufficientStock):
        counted(level, 5, counted_at=NOW - HOUR)


def test_a_count_in_the_future_is_refused():
    with pytest.raises(ValidationFailed):
        counted(stocked(1, now=NOW), 1, counted_at=NOW + HOUR)


def test_what_a_count_finds_missing_is_taken_from_what_expires_first():
    level = StockLevelFactory()
    moved(level, "receipt", 5, lot="B", expires_on=NOW.date() + 9 * DAY, now=NOW)
    moved(level, "receipt", 5, lot="A", expires_on=NOW.date() + 5 * DAY, now=NOW)
    counted(level, 7)
    assert dict(Lot.objects.values_list("code", "quantity")) == {"A": 2, "B": 5}


def test_a_count_that_finds_less_than_was_issued_since_says_what_the_balance_would_be():
    level = stocked(10, now=NOW - 3 * HOUR)
    moved(level, "issue", 8, now=NOW)
    with pytest.raises(InsufficientStock) as refusal:
        counted(level, 5, counted_at=NOW - HOUR)
    assert "-3" in refusal.value.details["quantity"][0]


def test_a_count_names_one_thing_it_is_compared_with():
    level = stocked(10, now=NOW - HOUR)
    with pytest.raises(ValidationFailed) as refusal:
        counted(level, 5, counted_at=NOW, version=level.version)
    assert list(refusal.value.details) == ["counted_at"]
    assert on_hand(level) == 10


def test_a_count_in_the_future_is_refused_at_its_time():
    with pytest.raises(ValidationFailed) as refusal:
        counted(stocked(10, now=NOW), 5, counted_at=NOW + HOUR)
    assert list(refusal.value.details) == ["counted_at"]


def test_a_count_told_twice_is_one_entry():
    level = stocked(10, now=NOW)
    first = counted(level, 7, dedupe_key="sheet-1")
    moved(level, "issue", 1, now=NOW)
    assert counted(level, 7, dedupe_key="sheet-1").pk == first.pk
    assert on_hand(level) == 6


# When it was counted


def test_a_count_sent_again_changes_nothing():
    level = stocked(100, now=NOW - 3 * HOUR)
    for minutes in range(3):
        counted(level, 90, counted_at=NOW - HOUR, now=NOW + timedelta(minutes=minutes))
    assert on_hand(level) == 90
    assert not list(differences())


@pytest.mark.parametrize("order", [(50, 52), (52, 50), (50, 52, 50, 52)])
def test_two_counts_of_the_same_shelf_find_the_same_in_any_order(order):
    level = stocked(100, now=NOW - 3 * HOUR)
    for minute in order:
        counted(level, 90, counted_at=NOW - HOUR + timedelta(minutes=minute))
    assert on_hand(level) == 90


@pytest.mark.parametrize("order", [(0, 2), (2, 0)])
def test_two_counts_of_yesterday_find_the_same_in_any_order(order):
    level = stocked(100, now=NOW - 3 * DAY)
    for minute in order:
        counted(level, 90, counted_at=NOW - DAY + timedelta(minutes=minute))
    assert on_hand(level) == 90


def test_a_count_of_yesterday_sent_again_the_day_after_changes_nothing():
    level = stocked(100, now=NOW - 3 * DAY)
    counted(level, 90, counted_at=NOW - DAY, now=NOW)
    counted(level, 90, counted_at=NOW - DAY, now=NOW + DAY)
    assert on_hand(level) == 90


def test_a_count_after_an_issue_finds_what_an_earlier_count_and_the_issue_left():
    level = stocked(100, now=NOW - 3 * HOUR)
    moved(level, "issue", 5, now=NOW - HOUR)
    counted(level, 90, counted_at=NOW - 2 * HOUR)
    assert counted(level, 85, counted_at=NOW - HOUR / 2).change == 0
    assert on_hand(level) == 85


def test_a_count_from_before_an_issue_sent_again_keeps_the_issue():
    level = stocked(100, now=NOW - 3 * HOUR)
    counted(level, 90, counted_at=NOW - 2 * HOUR, now=NOW - HOUR)
    moved(level, "issue", 5, now=NOW - HOUR / 2)
    counted(level, 90, counted_at=NOW - 2 * HOUR)
    assert on_hand(level) == 85


def test_a_count_taken_back_is_as_if_it_had_never_been():
    level = stocked(100, now=NOW - 3 * HOUR)
    wrong = counted(level, 90, counted_at=NOW - 2 * HOUR, now=NOW - HOUR)
    reverse(movement_id=wrong.pk, actor=SYSTEM, now=NOW - HOUR / 2)
    assert on_hand(level) == 100
    counted(level, 90, counted_at=NOW - 2 * HOUR)
    assert on_hand(level) == 90


def test_a_later_count_that_was_taken_back_does_not_stand_in_the_way():
    level = stocked(100, now=NOW - 3 * HOUR)
    wrong = counted(level, 70, counted_at=NOW - HOUR)
    reverse(movement_id=wrong.pk, actor=SYSTEM, now=NOW)
    counted(level, 90, counted_at=NOW - 2 * HOUR)
    assert on_hand(level) == 90


def test_an_issue_that_was_a_mistake_is_not_in_what_a_count_before_its_correction_found():
    level = stocked(100, now=NOW - 3 * HOUR)
    wrong = moved(level, "issue", 10, now=NOW - 2 * HOUR)
    reverse(movement_id=wrong.pk, actor=SYSTEM, now=NOW)
    counted(level, 100, counted_at=NOW - HOUR)
    assert on_hand(level) == 100


def test_what_was_sent_to_another_clinic_is_not_on_the_shelf_until_it_is_taken_back():
    level = stocked(100, now=NOW - 3 * HOUR)
    sent = moved(level, "transfer_out", 10, to_clinic_id=ClinicFactory().pk, now=NOW - 2 * HOUR)
    reverse(movement_id=sent.pk, actor=SYSTEM, now=NOW)
    counted(level, 90, counted_at=NOW - HOUR)
    assert on_hand(level) == 100


def test_a_count_at_night_is_of_the_clinics_own_day():
    level = stocked(10, now=NOW - 3 * DAY)
    half_past_midnight = datetime(2026, 11, 19, 22, 30, tzinfo=UTC)
    moved(level, "issue", 2, occurred_on=(NOW - DAY).date(), now=NOW)
    # There it is the 20th: what was issued on the 19th was away by then, though written down later.
    entry = counted(level, 8, counted_at=half_past_midnight)
    assert (entry.occurred_on, entry.change, on_hand(level)) == (NOW.date(), 0, 8)
