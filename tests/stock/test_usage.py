"""Against sums done by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.audit import SYSTEM
from appointments.models import Closure
from stock.ledger import reverse
from stock.models import StockLevel
from stock.refreshing import refresh_levels, refresh_stale
from tests.factories.stock import StockLevelFactory, moved

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
TODAY = NOW.date()


def ago(days):
    return TODAY - timedelta(days=days)


def history(level, start, *, daily, days, stock=None):
    """A receipt `start` days ago and then `daily` issued on each of `days` days."""
    moved(level, "receipt", stock or daily * days, occurred_on=ago(start), now=NOW)
    for day in range(days):
        moved(level, "issue", daily, occurred_on=ago(start - day), now=NOW)


def figures(level, now=NOW):
    refresh_levels([level.pk], now=now)
    return StockLevel.objects.get(pk=level.pk)


def test_usage_is_what_is_issued_on_days_with_stock():
    level = StockLevelFactory()
    history(level, 60, daily=4, days=60, stock=500)
    found = figures(level)
    assert (found.usage_rate, found.usage_units, found.usage_days) == (4, 240, 60)
    assert found.average_monthly == pytest.approx(4 * 30.4)


def test_days_without_stock_do_not_count():
    level = StockLevelFactory()
    history(level, 120, daily=4, days=40)
    moved(level, "receipt", 160, occurred_on=ago(40), now=NOW)
    for day in range(40):
        moved(level, "issue", 4, occurred_on=ago(40 - day), now=NOW)
    assert (figures(level).usage_rate, figures(level).usage_days) == (4, 80)


def test_one_good_day_does_not_blow_the_rate_up():
    level = StockLevelFactory()
    moved(level, "receipt", 70, occurred_on=ago(90), now=NOW)
    for _number in range(7):
        moved(level, "issue", 10, occurred_on=ago(90), now=NOW)
    assert figures(level).usage_rate is None


def test_fewer_than_three_issues_are_not_enough():
    level = StockLevelFactory()
    history(level, 50, daily=4, days=2, stock=500)
    assert figures(level).usage_rate is None
    moved(level, "issue", 4, occurred_on=ago(1), now=NOW)
    assert figures(level).usage_rate == pytest.approx(12 / 50)


def test_without_enough_data_the_manual_rate_holds():
    level = StockLevelFactory(manual_daily_usage=2.5)
    moved(level, "receipt", 50, now=NOW)
    assert (figures(level).daily_usage, figures(level).days_of_stock) == (2.5, 20)


def test_returns_count_against_and_corrections_do_not_count():
    level = StockLevelFactory()
    history(level, 60, daily=4, days=60, stock=900)
    moved(level, "return", 60, occurred_on=ago(30), now=NOW)
    moved(level, "adjustment", -100, occurred_on=ago(20), now=NOW)
    moved(level, "wastage", 100, occurred_on=ago(20), now=NOW)
    assert figures(level).usage_rate == 3


def test_what_was_taken_back_was_not_used():
    level = StockLevelFactory()
    history(level, 60, daily=4, days=60, stock=900)
    slip = moved(level, "issue", 400, occurred_on=ago(10), now=NOW)
    reverse(movement_id=slip.pk, actor=SYSTEM, now=NOW)
    assert figures(level).usage_rate == 4


def test_unmet_requests_count():
    level = StockLevelFactory()
    history(level, 60, daily=4, days=60, stock=500)
    for day in range(1, 61):
        moved(level, "unmet", 2, occurred_on=ago(day), now=NOW)
    assert figures(level).usage_rate == 6


def test_unmet_requests_of_days_without_stock_raise_the_rate_and_never_lower_it():
    level = StockLevelFactory()
    history(level, 100, daily=4, days=50)
    moved(level, "unmet", 1, occurred_on=ago(20), now=NOW)
    assert figures(level).usage_rate == 4
    for day in range(1, 50):
        moved(level, "unmet", 10, occurred_on=ago(day), now=NOW)
    assert figures(level).usage_rate == pytest.approx((200 + 491) / 99, abs=0.1)


def test_an_item_that_is_out_for_a_whole_window_keeps_its_last_reliable_usage_and_stays_low():
    level = StockLevelFactory()
    history(level, 60, daily=4, days=60)
    figures(level)
    later = figures(level, now=NOW + timedelta(days=400))
    assert (later.usage_rate, later.status) == (4, "out")
    assert later.suggested_order > 0


def test_an_item_that_lies_there_and_nobody_asks_for_loses_its_usage():
    level = StockLevelFactory()
    other = StockLevelFactory(clinic=level.clinic)
    history(level, 60, daily=4, days=60, stock=900)
    assert figures(level).usage_rate == 4
    later = NOW + timedelta(days=400)
    moved(other, "receipt", 9, now=later)
    moved(other, "issue", 1, now=later, occurred_on=later.date() - timedelta(days=1))
    assert figures(level, now=later).usage_rate is None


def test_an_expired_lot_is_no_stock():
    level = StockLevelFactory()
    moved(level, "receipt", 400, lot="A", expires_on=ago(61), occurred_on=ago(120), now=NOW)
    for day in range(60):
        moved(level, "issue", 4, occurred_on=ago(120 - day), now=NOW)
    other = StockLevelFactory(clinic=level.clinic)
    history(other, 60, daily=1, days=60)
    assert (figures(level).usage_rate, figures(level).usage_days) == (4, 60)


def test_closed_days_do_not_count():
    level = StockLevelFactory(clinic__opening_hours={str(day): ["08:00", "16:00"] for day in range(5)})
    moved(level, "receipt", 900, occurred_on=ago(70), now=NOW)
    for day in range(1, 71):
        if ago(day).weekday() < 5:
            moved(level, "issue", 7, occurred_on=ago(day), now=NOW)
    found = figures(level)
    assert (found.usage_rate, found.usage_days, found.open_weekdays) == (7, 50, 0b11111)


def test_a_saturday_that_is_worked_all_the_same_is_open():
    level = StockLevelFactory(clinic__opening_hours={str(day): ["08:00", "16:00"] for day in range(5)})
    moved(level, "receipt", 900, occurred_on=ago(70), now=NOW)
    for day in range(1, 71):
        if ago(day).weekday() < 6:
            moved(level, "issue", 7, occurred_on=ago(day), now=NOW)
    assert (figures(level).usage_rate, figures(level).open_weekdays) == (7, 0b111111)


def test_a_clinic_that_has_stopped_writing_things_down_has_not_stopped_using_them():
    level = StockLevelFactory()
    history(level, 120, daily=4, days=60, stock=900)
    assert figures(level).usage_rate == 4


def test_a_backdated_issue_is_in_the_rate_at_once():
    level = StockLevelFactory()
    history(level, 40, daily=4, days=40, stock=900)
    assert StockLevel.objects.get().usage_rate == 4


def test_figures_of_an_earlier_day_are_brought_up_to_date_once():
    StockLevelFactory()
    StockLevelFactory()
    assert refresh_stale(now=NOW) == 2
    assert refresh_stale(now=NOW) == 0
    assert refresh_stale(now=NOW + timedelta(days=1)) == 2


def test_days_on_which_the_clinic_was_closed_do_not_count():
    level = StockLevelFactory()
    for days in (5, 6, 7, 8, 9):
        Closure.objects.create(clinic=level.clinic, date=ago(days), created_at=NOW)
    moved(level, "receipt", 500, occurred_on=ago(60), now=NOW)
    for days in range(60, 8, -1):
        moved(level, "issue", 4, occurred_on=ago(days), now=NOW)
    # On one of the closed days something was issued all the same: then it was open.
    assert (figures(level).usage_days, figures(level).usage_units) == (56, 208)


def test_units_beyond_all_bounds_do_not_stop_the_figures():
    level = StockLevelFactory()
    for _number in range(4):
        moved(level, "receipt", 1_000_000_000, occurred_on=ago(60), now=NOW)
    for days in (50, 40, 30, 20):
        moved(level, "issue", 1_000_000_000, occurred_on=ago(days), now=NOW)
    assert figures(level).usage_units > 0
