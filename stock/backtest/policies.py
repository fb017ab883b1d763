"""Two ways to decide how much to order. Each sees only what had been written down by then."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import numpy as np

from stock.backtest.demand import Bools, Demand, Floats
from stock.figures import rate_of, suggested_order
from stock.models import StockLevel
from stock.refreshing import learned_lead_times, set_usage
from stock.reorder import set_reorder_point
from stock.usage import LONG_WINDOW_DAYS, WINDOW_DAYS, History, usage_of


@dataclass(slots=True)
class Shelf:
    """What a policy sees on a day: levels × days up to it, and what is there and on order."""

    today: int
    issued: Floats
    unmet: Floats
    stocked: Bools
    is_open: Bools
    on_hand: Floats
    on_order: Floats
    lead_times: list[list[int]]


class Policy(Protocol):
    def order(self, shelf: Shelf) -> tuple[Floats, Floats]:
        """Units to order, and the demand until the next delivery that it guards against."""
        ...


@dataclass(slots=True)
class Ours:
    """The product's own functions: stock.usage, stock.reorder, stock.figures."""

    demand: Demand
    levels: list[StockLevel] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.levels = [_copy(level) for level in self.demand.levels]

    def order(self, shelf: Shelf) -> tuple[Floats, Floats]:
        start = max(shelf.today + 1 - LONG_WINDOW_DAYS, 0)
        window = slice(start, shelf.today + 1)
        today = self.demand.first + timedelta(days=shelf.today)
        learned = learned_lead_times(
            {level.pk: level.clinic_id for level in self.demand.levels},
            {level.pk: days for level, days in zip(self.demand.levels, shelf.lead_times, strict=True)},
        )
        usages = usage_of(_history(shelf, window))
        for level, known, usage in zip(self.levels, self.demand.levels, usages, strict=True):
            set_usage(level, usage, usage_on=today)
            level.lead_time_mean, level.lead_time_sd = learned[known.pk]
            level.daily_usage = rate_of(level)
        set_reorder_point(self.levels)
        for level, on_hand, on_order in zip(self.levels, shelf.on_hand, shelf.on_order, strict=True):
            level.usable, level.on_order = int(on_hand), int(on_order)
        orders = np.array([float(suggested_order(level)) for level in self.levels])
        return orders, np.array([float(level.reorder_point or 0) for level in self.levels])


def _history(shelf: Shelf, window: slice) -> History:
    missing = LONG_WINDOW_DAYS - (window.stop - window.start)
    demand = _padded(shelf.issued[:, window] + shelf.unmet[:, window], missing)
    stocked = _padded(shelf.stocked[:, window], missing).astype(bool)
    is_open = _padded(shelf.is_open[:, window], missing).astype(bool)
    tracked = _padded(np.ones_like(shelf.stocked[:, window]), missing).astype(bool)
    return History(demand, (demand > 0).astype(float), stocked, tracked, is_open)


def _padded(values: Floats | Bools, missing: int) -> Floats:
    return np.pad(values.astype(float), ((0, 0), (missing, 0)))


def _copy(level: StockLevel) -> StockLevel:
    return StockLevel(
        item=level.item,
        clinic=level.clinic,
        lead_time_days=level.lead_time_days,
        review_days=level.review_days,
        open_weekdays=level.open_weekdays,
    )


@dataclass(slots=True)
class Average:
    """The average monthly consumption of the last six months, calendar days all counted alike, and a safety
    stock: `factor` standard deviations of the demand over the wait, and `days` of consumption."""

    demand: Demand
    factor: float = 0.0
    days: float = 0.0

    def order(self, shelf: Shelf) -> tuple[Floats, Floats]:
        start = max(shelf.today + 1 - WINDOW_DAYS, 0)
        issued = shelf.issued[:, start : shelf.today + 1]
        daily = issued.mean(axis=1)
        waits = _expected_days(shelf.lead_times, self.demand.levels)
        safety = self.factor * issued.std(axis=1) * np.sqrt(waits) + self.days * daily
        guarded = daily * waits + safety
        wanted = np.maximum(guarded - shelf.on_hand - shelf.on_order, 0)
        return np.ceil(wanted / self.demand.packs) * self.demand.packs, guarded


def _expected_days(lead_times: list[list[int]], levels: list[StockLevel]) -> Floats:
    """Lead time and review period of each level, learned as the rule learns it."""
    learned = learned_lead_times(
        {level.pk: level.clinic_id for level in levels},
        {level.pk: days for level, days in zip(levels, lead_times, strict=True)},
    )
    return np.array(
        [(learned[level.pk][0] or float(level.lead_time_days)) + level.review_days for level in levels]
    )
