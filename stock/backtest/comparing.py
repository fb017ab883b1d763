"""The rule beside the average: as it is usually kept, and with as much safety as gives the same fill."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta

import numpy as np

from stock.backtest.demand import read_demand
from stock.backtest.policies import Average, Ours, Policy
from stock.backtest.simulation import Deliveries, Score, simulate
from stock.models import StockLevel
from stock.usage import WINDOW_DAYS

LEAST_DAYS = 365
# The usual safety stock: as many standard deviations as leave one wait in twenty uncovered.
USUAL_FACTOR = 1.645
OURS = "this rule"
USUAL = "average, usual safety"
SAME_FILL = "… raised to the same fill"
FLAT = "average, flat days, same fill"


@dataclass(frozen=True, slots=True)
class Comparison:
    levels: int
    first: date
    days: int
    runs: int
    scores: dict[str, Score]

    @property
    def stock_ratio(self) -> float | None:
        """Stock that the rule holds, of what the average needs for the same fill; None where either holds
        nothing."""
        ours, theirs = self.scores[OURS].stock_days, self.scores[SAME_FILL].stock_days
        return ours / theirs if ours and theirs else None


def compare(
    levels: Sequence[StockLevel], *, seeds: Iterable[int], deliveries: Deliveries | None = None
) -> Comparison | None:
    """Scores by name, over all days after the first half year. None where the ledger is too short, or nothing
    was asked for in that time."""
    demand = read_demand(levels)
    if demand is None or demand.days < LEAST_DAYS or not demand.asked[:, WINDOW_DAYS:].any():
        return None
    seeds = list(seeds)
    times = deliveries or Deliveries()

    def run(policy: Callable[[], Policy]) -> Score:
        return _mean(
            [simulate(demand, policy(), start=WINDOW_DAYS, seed=seed, deliveries=times) for seed in seeds]
        )

    ours = run(lambda: Ours(demand))
    scores = {
        OURS: ours,
        USUAL: run(lambda: Average(demand, factor=USUAL_FACTOR)),
        SAME_FILL: _raised(lambda most: run(lambda: Average(demand, factor=most)), 40.0, ours),
        FLAT: _raised(lambda most: run(lambda: Average(demand, days=most)), 200.0, ours),
    }
    return Comparison(
        levels=len(demand.levels),
        first=demand.first + timedelta(days=WINDOW_DAYS),
        days=demand.days - WINDOW_DAYS,
        runs=len(seeds),
        scores=scores,
    )


def _raised(run: Callable[[float], Score], most: float, ours: Score) -> Score:
    """The least safety with which the average fills as much as the rule, at `most` if none does."""
    low, high = 0.0, most
    best = run(high)
    for _step in range(8):
        middle = (low + high) / 2
        score = run(middle)
        if score.fill >= ours.fill:
            high, best = middle, score
        else:
            low = middle
    return best


def _mean(scores: Sequence[Score]) -> Score:
    values = {
        field.name: float(np.mean([getattr(score, field.name) for score in scores]))
        for field in fields(Score)
    }
    return Score(**values)
