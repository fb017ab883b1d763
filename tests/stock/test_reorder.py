"""Against sums done by hand."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from scipy import stats

from accounts.audit import SYSTEM
from stock.catalogue import change_item
from stock.figures import refresh
from stock.levels import change_level, start_level
from stock.models import Lot, StockLevel
from stock.opening import open_day_after, open_days_within
from stock.orders import place_order, receive_order
from stock.refreshing import refresh_levels, refresh_stale
from stock.reorder import quantile, set_reorder_point
from stock.words import suggestion_basis
from tests.factories.accounts import ClinicFactory
from tests.factories.appointments import AppointmentFactory
from tests.factories.stock import ItemFactory, StockLevelFactory, VisitTypeItemFactory, moved

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
TODAY = NOW.date()


def level_of(units, *, pack=1, vital=False, shelf=None, lots=None, **fields):
    """Not stored: open every day, 10 a day with variance 30, always 14 days' wait, weekly orders."""
    item = ItemFactory.build(pack_size=pack, vital=vital, shelf_life_days=shelf)
    known = {"usage_rate": 10.0, "usage_variance": 30.0, "lead_time_days": 14, "review_days": 7}
    known |= {"lead_time_mean": 14.0, "lead_time_sd": 0.0, "sequence": 1}
    level = StockLevel(item=item, clinic=ClinicFactory.build(), on_hand=units, **(known | fields))
    set_reorder_point([level])
    refresh(level, lots or [Lot(quantity=units)], today=TODAY)
    return level


def test_the_reorder_point_is_the_quantile_of_a_negative_binomial():
    # Mean 10 × 21 = 210; variance 30 × 21 + 100 × 36 = 4230.
    level = level_of(0, lead_time_sd=6.0)
    assert level.reorder_point == stats.nbinom.ppf(0.95, 210**2 / (4230 - 210), 210 / 4230)
    assert level_of(0, lead_time_sd=6.0, vital=True).reorder_point > level.reorder_point


def test_demand_that_varies_less_than_by_chance_is_taken_as_chance():
    assert list(quantile([100.0], [10.0], [0.95])) == [stats.poisson.ppf(0.95, 100)]


@pytest.mark.parametrize(
    ("units", "status"),
    [(0, "out"), (139, "critical"), (140, "low"), (253, "low"), (254, "ok"), (900, "ok"), (901, "over")],
)
def test_each_amount_has_one_status(units, status):
    assert level_of(units, reorder_level=253, max_level=900).status == status


@pytest.mark.parametrize(
    ("units", "status"), [(0, "out"), (50, "critical"), (51, "low"), (100, "low"), (101, "ok")]
)
def test_without_usage_the_manual_level_decides(units, status):
    assert level_of(units, usage_rate=None, usage_variance=None, reorder_level=100).status == status


def test_without_usage_and_level_nothing_is_known():
    assert level_of(50, usage_rate=None).status == "no_data"
    assert level_of(0, usage_rate=None, sequence=0).status == "no_data"


def test_an_order_fills_up_to_the_threshold_and_a_review_period_in_whole_packs():
    # 250 + 7 × 10 − 100 = 220, in packs of 50.
    assert level_of(100, reorder_level=250, pack=50).suggested_order == 250


def test_a_level_set_too_low_holds_back_no_order_for_what_will_not_last_until_a_delivery():
    # 10 a day for 14 days are 140; up to 140 + 7 × 10.
    level = level_of(139, reorder_level=20)
    assert (level.status, level.suggested_order) == ("critical", 71)
    assert "Until a delivery comes 140 are used, which counts instead." in suggestion_basis(level)
    assert level_of(139, reorder_level=20, on_order=2).suggested_order == 0


def test_what_is_on_order_is_not_ordered_again():
    assert level_of(100, reorder_level=250, on_order=200).suggested_order == 0
    assert level_of(100, reorder_level=250, on_order=100).suggested_order == 120


def test_what_expires_before_it_is_used_is_ordered_anew():
    lots = [Lot(quantity=100, expires_on=TODAY + timedelta(days=4)), Lot(quantity=100)]
    level = level_of(200, reorder_level=250, lots=lots)
    # Five days at 10 a day: 50 of the first lot are used.
    assert (level.will_expire, level.suggested_order) == (50, 170)
    assert level.runs_out_on == TODAY + timedelta(days=15)


def test_an_order_is_used_before_it_expires():
    assert level_of(0, reorder_level=250, shelf=20).suggested_order == 200


def test_one_pack_is_the_least_that_can_be_ordered():
    assert level_of(0, reorder_level=250, shelf=20, pack=1000).suggested_order == 1000


def test_expired_lots_are_not_usable():
    level = level_of(10, lots=[Lot(quantity=10, expires_on=TODAY - timedelta(days=1))])
    assert (level.usable, level.status) == (0, "out")


def test_stock_runs_out_on_an_open_day():
    level = level_of(50, open_weekdays=0b11111)
    # A Friday: five clinic days are gone by the next Thursday, and on Friday there is none.
    assert (level.days_of_stock, level.runs_out_on) == (5, date(2026, 11, 27))


@pytest.mark.parametrize("count", range(20))
def test_days_counted_forward_and_back_agree(count):
    end = open_day_after(TODAY, count, 0b0010101)
    assert open_days_within(TODAY, end - timedelta(days=1), 0b0010101) == count


def test_what_is_most_urgent_comes_first():
    out, vital_out = level_of(0), level_of(0, vital=True)
    critical, low = level_of(20), level_of(200)
    assert vital_out.urgency < out.urgency < critical.urgency < low.urgency
    assert level_of(5000).urgency is None


def test_the_arithmetic_is_told_in_words():
    words = suggestion_basis(level_of(100, reorder_level=250, pack=50, usage_units=600, usage_days=60))
    for part in ("10 a clinic day", "600 in 60 days", "250", "320 − 100 = 220", "5 packs of 50: 250"):
        assert part in words


@pytest.mark.django_db
def test_booked_visits_are_used_when_they_ask_for_more():
    level = StockLevelFactory(lead_time_days=14, review_days=7, manual_daily_usage=1)
    moved(level, "receipt", 100, now=NOW)
    VisitTypeItemFactory(item=level.item, visit_type="Family  Planning", quantity=21)
    for days in (1, 5, 20, 21, 30):
        AppointmentFactory(
            patient__clinic=level.clinic, visit_type="family planning", starts_at=NOW + timedelta(days=days)
        )
    AppointmentFactory(
        patient__clinic=level.clinic, visit_type="family planning", status="cancelled",
        starts_at=NOW + timedelta(days=2),
    )  # fmt: skip
    refresh_levels([level.pk], now=NOW)
    level = StockLevel.objects.get()
    assert (level.booked_demand, level.daily_usage) == (63, 3)
    assert "Visits booked" in suggestion_basis(level)


@pytest.mark.django_db
def test_lead_times_are_learned_from_what_came():
    level = StockLevelFactory()
    for days in (10, 20, 10, 20, 15):
        order = place_order(
            level_id=level.pk, quantity=1, ordered_on=TODAY - timedelta(days=days), actor=SYSTEM, now=NOW
        )
        receive_order(order_id=order.pk, actor=SYSTEM, now=NOW)
    refresh_levels([level.pk], now=NOW)
    level = StockLevel.objects.get()
    assert (level.lead_time_mean, level.lead_time_sd) == (15, 5)


@pytest.mark.django_db
def test_new_thresholds_are_in_the_figures_at_once():
    clinic, item = ClinicFactory(), ItemFactory()
    level = start_level(clinic=clinic, item=item, actor=SYSTEM, now=NOW, reorder_level=10)
    moved(level, "receipt", 20, now=NOW)
    assert StockLevel.objects.get().status == "ok"
    change_level(level_id=level.pk, reorder_level=25, actor=SYSTEM, now=NOW)
    assert (StockLevel.objects.get().status, StockLevel.objects.get().suggested_order) == ("low", 30)


@pytest.mark.django_db
def test_a_changed_pack_is_in_the_suggestion_with_the_next_pass():
    level = StockLevelFactory(reorder_level=10)
    refresh_stale(now=NOW)
    change_item(item_id=level.item_id, pack_size=50, actor=SYSTEM, now=NOW)
    refresh_stale(now=NOW)
    assert StockLevel.objects.get().suggested_order == 50


@pytest.mark.django_db
def test_the_most_urgent_are_found_by_an_index(django_assert_num_queries):
    clinic = ClinicFactory()
    for units in (0, 5, 50):
        level = StockLevelFactory(clinic=clinic, reorder_level=10, item__vital=units == 5)
        moved(level, "receipt", 60, now=NOW)
        moved(level, "issue", 60 - units, now=NOW)
    with django_assert_num_queries(1):
        low = list(StockLevel.objects.low().values_list("status", "usable"))
    assert low == [("out", 0), ("critical", 5)]
    assert "stocklevel_low" in StockLevel.objects.low().explain() or connection.vendor == "postgresql"
