"""The reorder point: the demand that the wait for the next delivery exceeds only one time in twenty."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stock.figures import lead_time, open_days_covered, open_share, rate_of
from stock.models import StockLevel

QUANTILE = 0.95
VITAL_QUANTILE = 0.98
# Until enough orders have been received to see how much deliveries vary: a standard deviation of half the
# lead time, which is what central stores with a bad month now and then show.
ASSUMED_LEAD_TIME_SPREAD = 0.5


def set_reorder_point(levels: Sequence[StockLevel]) -> None:
    """Sets `reorder_point` of each level from its rates; None where nothing is known. Saves nothing."""
    known = []
    for level in levels:
        level.reorder_point = None
        if rate_of(level):
            known.append(level)
    if not known:
        return
    means, variances, quantiles = zip(*map(_demand_until_delivery, known), strict=True)
    for level, point in zip(known, quantile(means, variances, quantiles), strict=True):
        level.reorder_point = int(point)


def _demand_until_delivery(level: StockLevel) -> tuple[float, float, float]:
    """Mean and variance of the units needed over the lead time and a review period; the quantile wanted."""
    rate = rate_of(level) or 0.0
    days = open_days_covered(level)
    in_calendar_days = rate * open_share(level)
    variance = daily_variance(level, rate) * days + in_calendar_days**2 * lead_time_sd(level) ** 2
    return rate * days, variance, VITAL_QUANTILE if level.item.vital else QUANTILE


def daily_variance(level: StockLevel, rate: float) -> float:
    """Of a day's demand at `rate`: as measured, in proportion where booked visits ask for more."""
    if level.usage_variance is not None and level.usage_rate:
        return level.usage_variance * max(rate / level.usage_rate, 1.0)
    # Of an estimated rate nothing is known but that demand comes in handfuls.
    return rate + rate**2


def lead_time_sd(level: StockLevel) -> float:
    """Standard deviation of the days from order to delivery."""
    if level.lead_time_sd is not None:
        return level.lead_time_sd
    return ASSUMED_LEAD_TIME_SPREAD * lead_time(level)


def quantile(means: ArrayLike, variances: ArrayLike, quantiles: ArrayLike) -> NDArray[np.float64]:
    """Of a negative binomial with these means (units) and variances; of a Poisson where they don't exceed."""
    # It takes a second to import, and most processes never need it.
    from scipy import stats

    mean = np.asarray(means, dtype=float)
    variance = np.asarray(variances, dtype=float)
    wanted = np.asarray(quantiles, dtype=float)
    spread = np.maximum(variance - mean, 0.0)
    wide = spread > 1e-6 * mean
    safe = np.where(wide, spread, 1.0)
    negative_binomial = stats.nbinom.ppf(wanted, mean**2 / safe, mean / (mean + safe))
    return np.where(wide, negative_binomial, stats.poisson.ppf(wanted, mean))
