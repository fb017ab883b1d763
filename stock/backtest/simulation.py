"""A shelf that is ordered for by a policy, against the demand that there really was."""

from dataclasses import dataclass

import numpy as np

from stock.backtest.demand import Bools, Demand, Floats
from stock.backtest.policies import Policy, Shelf
from stock.reorder import QUANTILE, VITAL_QUANTILE

# Of stock's shelf life, what is left of it when it arrives.
LEFT_ON_ARRIVAL = 0.75


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Days from order to delivery: most within `usual`, a share of `bad_share` within `bad`."""

    usual: tuple[int, int] = (7, 21)
    bad: tuple[int, int] = (22, 60)
    bad_share: float = 0.1

    def draw(self, chance: np.random.Generator) -> int:
        low, high = self.bad if chance.random() < self.bad_share else self.usual
        return int(chance.integers(low, high + 1))


@dataclass(frozen=True, slots=True)
class Score:
    """Of all levels and days. `fill`: share of units asked for that were there; `level_fill`: the mean over
    levels; `out_days`: share of open days without stock; `stock_days`: days that the stock held would last,
    the mean over levels; `unit_stock_days`: over all units; `expired`: share of units received; `pinball`:
    loss of the guarded demand, in days of demand."""

    fill: float
    level_fill: float
    out_days: float
    stock_days: float
    unit_stock_days: float
    expired: float
    pinball: float


def simulate(demand: Demand, policy: Policy, *, start: int, seed: int, deliveries: Deliveries) -> Score:
    """Runs `policy` from day `start` to the ledger's end. The history before is the ledger's own; the same
    seed brings the same delivery times to each policy, level by level and order by order."""
    rows = len(demand.levels)
    chances = [np.random.default_rng([seed, row]) for row in range(rows)]
    unmet = demand.unmet.copy()
    issued = demand.asked - unmet
    stocked = (demand.balance > 0) | (issued > 0)
    held = np.zeros_like(demand.asked)
    arriving = np.zeros((rows, demand.days + 400))
    arrived = np.zeros((rows, demand.days))
    on_hand, gone = demand.balance[:, start - 1].copy(), np.zeros(rows)
    arrived[:, start - 1] = on_hand
    lives = (demand.shelf_lives * LEFT_ON_ARRIVAL).astype(int)
    expired, guards = np.zeros(rows), []
    lead_times: list[list[int]] = [[] for _row in range(rows)]
    newest: list[int] = [0] * rows
    due: list[tuple[int, int, int]] = []
    reviews = np.array([level.review_days for level in demand.levels])
    for today in range(start, demand.days):
        arrived[:, today] = arriving[:, today]
        on_hand += arriving[:, today]
        for _day, row, days in [each for each in due if each[0] == today]:
            lead_times[row].append(days)
        waste = _outdated(arrived, gone, lives, today)
        expired += waste
        gone += waste
        on_hand -= waste
        stocked[:, today] = on_hand > 0
        issued[:, today] = np.minimum(on_hand, demand.asked[:, today])
        unmet[:, today] = demand.asked[:, today] - issued[:, today]
        on_hand -= issued[:, today]
        gone += issued[:, today]
        held[:, today] = on_hand
        turn = (today - start) % reviews == 0
        if turn.any():
            on_order = arriving[:, today + 1 :].sum(axis=1)
            shelf = Shelf(today, issued, unmet, stocked, demand.is_open, on_hand, on_order, lead_times)
            orders, guarded = policy.order(shelf)
            guards.append((today, guarded))
            for row in map(int, np.flatnonzero(turn & (orders > 0))):
                # One supplier: a later order never overtakes an earlier one.
                newest[row] = max(today + deliveries.draw(chances[row]), newest[row])
                arriving[row, newest[row]] += orders[row]
                due.append((newest[row], row, newest[row] - today))
    return _score(demand, start, unmet, stocked, held, expired, arrived, guards)


def _outdated(arrived: Floats, gone: Floats, lives: Floats, today: int) -> Floats:
    """What came longer ago than its life and is not gone yet, if the oldest is always used first."""
    old = np.array([arrived[row, : max(today - life, 0)].sum() for row, life in enumerate(lives)])
    return np.maximum(old - gone, 0)


def _score(
    demand: Demand,
    start: int,
    unmet: Floats,
    stocked: Bools,
    held: Floats,
    expired: Floats,
    arrived: Floats,
    guards: list[tuple[int, Floats]],
) -> Score:
    asked, missed = demand.asked[:, start:], unmet[:, start:]
    known = asked.sum(axis=1) > 0
    daily = asked.mean(axis=1)
    is_open = demand.is_open[:, start:]
    return Score(
        fill=float(1 - missed.sum() / asked.sum()),
        level_fill=float((1 - missed[known].sum(axis=1) / asked[known].sum(axis=1)).mean()),
        out_days=float((~stocked[:, start:] & is_open).sum() / is_open.sum()),
        stock_days=float((held[known, start:].mean(axis=1) / daily[known]).mean()),
        unit_stock_days=float(held[:, start:].mean(axis=1).sum() / daily.sum()),
        expired=float(expired.sum() / max(arrived[:, start - 1 :].sum(), 1)),
        pinball=_pinball(demand, guards, daily),
    )


def _pinball(demand: Demand, guards: list[tuple[int, Floats]], daily: Floats) -> float:
    """Mean loss, at the wanted quantile, of the demand over the wait from each review on."""
    quantiles = np.array([VITAL_QUANTILE if level.item.vital else QUANTILE for level in demand.levels])
    spans = np.array([level.lead_time_days + level.review_days for level in demand.levels])
    cumulated = demand.asked.cumsum(axis=1)
    losses = []
    for today, guarded in guards:
        ends = today + spans
        whole = (ends < demand.days) & (daily > 0)
        rows = np.flatnonzero(whole)
        if rows.size:
            missing = cumulated[rows, ends[rows]] - cumulated[rows, today] - guarded[rows]
            loss = np.maximum(quantiles[rows] * missing, (quantiles[rows] - 1) * missing)
            losses.append((loss / daily[rows]).mean())
    return float(np.mean(losses)) if losses else 0.0
