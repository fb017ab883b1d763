"""The reorder rule over a real ledger: what is read of it, what a shelf does, and what the command says."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from accounts.audit import SYSTEM
from stock.backtest.comparing import FLAT, OURS, SAME_FILL, USUAL, compare
from stock.backtest.demand import Demand, read_demand
from stock.backtest.policies import Average, Shelf
from stock.backtest.simulation import Deliveries, simulate
from stock.entries import Entry
from stock.ledger import move_many
from stock.models import StockLevel
from tests.factories.stock import ItemFactory, StockLevelFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
TODAY = NOW.date()
PROMPT = Deliveries(usual=(5, 5), bad_share=0.0)


def written(level, *entries):
    """Kind, units and how many days ago, of each entry."""
    move_many(
        entries=[
            Entry(level.pk, kind, units, occurred_on=TODAY - timedelta(days=ago))
            for kind, units, ago in entries
        ],
        atomic=True,
        actor=SYSTEM,
        now=NOW,
    )
    return StockLevel.objects.select_related("clinic", "item").get(pk=level.pk)


def a_year_of_use(level, daily=6, days=400):
    """Received once a quarter, issued every other day."""
    receipts = [("receipt", daily * 100, ago) for ago in range(days, 0, -100)]
    issues = [("issue", daily + (ago // 2) % 3, ago) for ago in range(days - 1, 0, -2)]
    return written(level, *sorted([*receipts, *issues], key=lambda entry: -entry[2]))


# What is read


def test_of_each_day_what_was_asked_for_what_was_missing_and_what_was_left():
    level = written(
        StockLevelFactory(item__pack_size=10, item__shelf_life_days=90),
        ("receipt", 20, 5),
        ("issue", 15, 3),
        ("unmet", 4, 3),
        ("issue", 5, 1),
    )
    found = read_demand([level])
    assert (found.first, found.days) == (TODAY - timedelta(days=5), 5)
    assert found.asked.tolist() == [[0, 0, 19, 0, 5]]
    assert found.unmet.tolist() == [[0, 0, 4, 0, 0]]
    assert found.balance.tolist() == [[20, 20, 5, 5, 0]]
    assert (found.packs.tolist(), found.shelf_lives.tolist()) == ([10], [90])


def test_what_was_given_back_the_same_day_was_not_asked_for():
    level = written(StockLevelFactory(), ("receipt", 20, 5), ("issue", 5, 2), ("return", 7, 2))
    assert read_demand([level]).asked.tolist() == [[0, 0, 0, 0]]


def test_a_clinic_is_open_by_its_hours_and_whenever_anything_was_asked_of_it():
    weekend = {str(day): ["08:00", "12:00"] for day in (5, 6)}
    level = written(
        StockLevelFactory(clinic__opening_hours=weekend), ("receipt", 20, 7), ("issue", 5, 4), ("unmet", 5, 1)
    )
    other = StockLevelFactory(clinic=level.clinic)
    found = read_demand([level, StockLevel.objects.select_related("clinic", "item").get(pk=other.pk)])
    # From Friday to Thursday.
    assert found.is_open.tolist() == [[False, True, True, True, False, False, True]] * 2


# A shelf


class Orders:
    """Orders so many units on each day of review."""

    def __init__(self, units):
        self.units = units
        self.seen: list[Shelf] = []

    def order(self, shelf):
        self.seen.append(
            Shelf(
                shelf.today,
                *(np.copy(v) for v in (shelf.issued, shelf.unmet, shelf.stocked)),
                shelf.is_open,
                shelf.on_hand.copy(),
                shelf.on_order.copy(),
                shelf.lead_times,
            )
        )
        return np.array([float(self.units)]), np.array([0.0])


def asked_for(daily, *, days=40, stock=0.0, review_days=10, life=36_500.0):
    """A shelf of which `daily` units are asked for each day, with `stock` at the start."""
    shape = (1, days)
    level = StockLevelFactory.build(review_days=review_days, lead_time_days=5, item=ItemFactory.build())
    return Demand(
        levels=[level],
        first=TODAY,
        asked=np.full(shape, float(daily)),
        unmet=np.zeros(shape),
        balance=np.full(shape, float(stock)),
        is_open=np.ones(shape, dtype=bool),
        packs=np.array([1.0]),
        shelf_lives=np.array([life]),
    )


def run(demand, policy, deliveries=PROMPT):
    return simulate(demand, policy, start=10, seed=1, deliveries=deliveries)


def test_what_lasts_to_the_end_fills_all():
    score = run(asked_for(2, stock=100), Orders(0))
    assert (score.fill, score.level_fill, score.out_days, score.expired) == (1, 1, 0, 0)


def test_what_is_not_there_is_missed():
    score = run(asked_for(2, stock=15), Orders(0))
    # 15 of 60 units; on the eighth day one is left to give.
    assert score.fill == pytest.approx(15 / 60)
    assert score.out_days == pytest.approx(22 / 30)


def test_what_is_ordered_is_on_order_and_comes_after_its_days():
    policy = Orders(20)
    score = run(asked_for(2), policy)
    assert [float(shelf.on_order[0]) for shelf in policy.seen] == [0, 0, 0]
    # Ordered on days 10, 20 and 30, there on 15, 25 and 35: 25 of 30 days have stock.
    assert score.fill == pytest.approx(50 / 60)
    assert policy.seen[-1].lead_times == [[5, 5, 5]]


def test_a_later_order_never_overtakes_an_earlier_one():
    policy = Orders(1)
    slow_then_fast = Deliveries(usual=(1, 1), bad=(25, 25), bad_share=0.5)
    run(asked_for(1, days=80, review_days=1), policy, slow_then_fast)
    days = policy.seen[-1].lead_times[0]
    ordered = range(10, 10 + len(days))
    arrived = [day + taken for day, taken in zip(ordered, days, strict=True)]
    assert arrived == sorted(arrived)
    assert {1, 25} <= set(days)


def test_what_lies_longer_than_its_life_expires():
    score = run(asked_for(1, stock=100, life=20.0), Orders(0))
    # Three quarters of its life are left when it comes: fifteen days of use, then 85 are thrown away.
    assert score.expired == pytest.approx(85 / 100)


def test_the_average_orders_whole_packs_up_to_the_wait_and_nothing_where_there_is_enough():
    demand = asked_for(2)
    demand.packs[0] = 50.0
    history = np.full((1, 20), 2.0)
    shelf = Shelf(
        19,
        history,
        np.zeros_like(history),
        history > 0,
        demand.is_open,
        np.array([0.0]),
        np.array([0.0]),
        [[]],
    )
    orders, guarded = Average(demand, days=7.0).order(shelf)
    # Five days to the delivery, ten to the next review, seven for safety.
    assert (guarded.tolist(), orders.tolist()) == ([44.0], [50.0])
    shelf.on_hand[0], shelf.on_order[0] = 30.0, 14.0
    assert Average(demand, days=7.0).order(shelf)[0].tolist() == [0.0]


# The comparison


def test_the_average_is_raised_until_it_fills_as_much_as_the_rule():
    level = a_year_of_use(StockLevelFactory())
    found = compare([level], seeds=[1], deliveries=PROMPT)
    assert (found.levels, found.runs, found.days) == (1, 1, 400 - 182)
    assert set(found.scores) == {OURS, USUAL, SAME_FILL, FLAT}
    assert found.scores[SAME_FILL].fill >= found.scores[OURS].fill > 0.9
    assert found.scores[FLAT].fill >= found.scores[OURS].fill
    assert found.stock_ratio == found.scores[OURS].stock_days / found.scores[SAME_FILL].stock_days


def said(*arguments):
    out = StringIO()
    call_command("backtest_reorder", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_compares_one_clinics_levels_and_changes_nothing():
    level = a_year_of_use(StockLevelFactory(clinic__code="GAB01"))
    a_year_of_use(StockLevelFactory(clinic__code="FRW02"))
    before = list(StockLevel.objects.values())
    told = said("--clinic", "gab01", "--seeds", "1")
    assert told.startswith(f"1 levels, 218 days from {TODAY - timedelta(days=400 - 182)}, 1 runs")
    assert [line.split("  ")[0] for line in told.splitlines()[2:6]] == [OURS, USUAL, SAME_FILL, FLAT]
    assert "For the same fill the average holds" in told
    assert list(StockLevel.objects.values()) == before
    assert level.clinic.code == "GAB01"


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [("receipt", 100, 300), ("issue", 1, 1)],
        # A year in which nobody asked for anything.
        [("receipt", 100, 400), ("wastage", 1, 1)],
        # The first half year, by which no policy is judged.
        [("receipt", 100, 400), ("issue", 1, 399), ("wastage", 1, 1)],
    ],
    ids=["nothing", "too short", "no issues", "no issues since"],
)
def test_a_ledger_that_tells_too_little_is_refused(entries):
    level = StockLevelFactory()
    if entries:
        written(level, *entries)
    with pytest.raises(CommandError, match="too short"):
        said()


def test_a_clinic_that_there_is_not_is_refused_by_its_name():
    StockLevelFactory(clinic__code="GAB01")
    with pytest.raises(CommandError, match=r"There is no clinic NOWHERE\. Known clinics: GAB01\."):
        said("--clinic", "NOWHERE")


def test_a_clinic_that_holds_nothing_is_not_compared_by_what_it_holds():
    written(StockLevelFactory(), ("receipt", 1, 400), ("issue", 1, 399), ("unmet", 1, 1))
    told = said("--seeds", "1")
    assert "this rule" in told
    assert "the average holds" not in told
