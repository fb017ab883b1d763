"""The rule beside the average: as it is usually kept, and with as much safety as gives the same fill."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta

import numpy as np

from stock.backtest.demand import Demand, read_demand
from stock.backtest.policies import Average, Ours, Policy, usual_safety_days
from stock.backtest.simulation import Deliveries, Score, simulate
from stock.models import StockLevel
from stock.usage import WINDOW_DAYS

LEAST_DAYS = 365
MOST_SAFETY_DAYS = 400.0
OURS, USUAL, SAME_FILL = "this rule", "average, usual safety", "average, same fill"


@dataclass(frozen=True, slots=True)
class Comparison:
    levels: int
    first: date
    days: int
    runs: int
    scores: dict[str, Score]

    @property
    def stock_ratio(self) -> float:
        """Stock that the rule holds, of what the average needs for the same fill."""
        return self.scores[OURS].stock_days / self.scores[SAME_FILL].stock_days


def compare(
    levels: Sequence[StockLevel], *, seeds: Iterable[int], deliveries: Deliveries | None = None
) -> Comparison | None:
    """Scores by name, over all days after the first half year. None where the ledger is too short."""
    demand = read_demand(levels)
    if demand is None or demand.days < LEAST_DAYS:
        return None
    seeds = list(seeds)
    times = deliveries or Deliveries()

    def run(policy: Callable[[], Policy]) -> Score:
        return _mean(
            [
                simulate(demand, policy(), start=WINDOW_DAYS, seed=seed, deliveries=times)
                for seed in seeds
            ]
        )

    ours = run(lambda: Ours(demand))
    usual = float(np.mean([usual_safety_days(level) for level in demand.levels]))
    scores = {
        OURS: ours,
        USUAL: run(lambda: Average(demand, usual)),
        SAME_FILL: _same_fill(demand, run, ours),
    }
    return Comparison(
        levels=len(demand.levels),
        first=demand.first + timedelta(days=WINDOW_DAYS),
        days=demand.days - WINDOW_DAYS,
        runs=len(seeds),
        scores=scores,
    )


def _same_fill(demand: Demand, run: Callable[[Callable[[], Policy]], Score], ours: Score) -> Score:
    """The average with the least safety stock that fills as much; both fills must be reached."""
    low, high = 0.0, MOST_SAFETY_DAYS
    best = run(lambda: Average(demand, high))
    while high - low > 2:
        middle = (low + high) / 2
        score = run(lambda days=middle: Average(demand, days))  # type: ignore[misc]
        if score.level_fill >= ours.level_fill:
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
