"""What follows from a balance: usable, how long it lasts, what to order, how urgent it is.

Pure and cheap: every movement writes these anew. The rates come from the nightly figures.
"""

from collections.abc import Iterable
from datetime import date, timedelta

from stock.allocation import first_expired_first_out, is_usable
from stock.models import Lot, StockLevel, StockStatus
from stock.opening import open_day_after, open_days_within

# Written with every movement, beside `on_hand`, `sequence` and `version`.
FIGURES = (
    "usable",
    "on_order",
    "status",
    "daily_usage",
    "days_of_stock",
    "runs_out_on",
    "suggested_order",
    "will_expire",
    "next_expiry",
    "urgency",
)
# As far as the calendar is walked.
FARTHEST_DAYS = 3650
_RANKS = {StockStatus.OUT: 0, StockStatus.CRITICAL: 1, StockStatus.LOW: 2}


def refresh(level: StockLevel, lots: Iterable[Lot], *, today: date) -> None:
    """Sets all FIGURES of `level` but `on_order`, from its lots and its nightly figures; saves nothing."""
    held = [lot for lot in first_expired_first_out(lots) if lot.quantity > 0]
    usable = [lot for lot in held if is_usable(lot, today)]
    level.usable = sum(lot.quantity for lot in usable)
    level.next_expiry = next((lot.expires_on for lot in held if lot.expires_on), None)
    level.daily_usage = rate_of(level)
    horizon = today + timedelta(days=level.lead_time_days + 2 * level.review_days)
    level.will_expire = unused_at_expiry(level, usable, today, horizon)
    lasting = level.usable - unused_at_expiry(level, usable, today, date.max)
    if level.daily_usage:
        level.days_of_stock = round(lasting / level.daily_usage, 1)
        days = min(int(lasting / level.daily_usage + 1e-9), FARTHEST_DAYS)
        level.runs_out_on = open_day_after(today, days, level.open_weekdays)
    else:
        level.days_of_stock = level.runs_out_on = None
    level.suggested_order = suggested_order(level)
    level.status = status_of(level, lasting, today)
    level.urgency = urgency_of(level, today)


def rate_of(level: StockLevel) -> float | None:
    """Units a day that the clinic is open: the last reliable rate or else the manual one; or what visits
    are booked for, where that is more. None where nothing is known."""
    history = level.usage_rate if level.usage_rate is not None else level.manual_daily_usage
    booked = booked_rate(level)
    return round(max(history or 0, booked), 4) or None


def months_of_stock(level: StockLevel) -> float | None:
    """Usable units ÷ the average monthly consumption, as supply managers count."""
    return round(level.usable / level.average_monthly, 1) if level.average_monthly else None


def booked_rate(level: StockLevel) -> float:
    """What booked visits use a day that the clinic is open, over the lead time and one review period."""
    return level.booked_demand / max(open_days_covered(level), 1) if level.booked_demand else 0.0


def open_share(level: StockLevel) -> float:
    """Days that the clinic is open, of all days."""
    return level.open_weekdays.bit_count() / 7


def lead_time(level: StockLevel) -> float:
    """Days from order to delivery, as received orders show where there are enough."""
    return level.lead_time_days if level.lead_time_mean is None else level.lead_time_mean


def open_days_covered(level: StockLevel) -> float:
    """Days that the clinic is open in the lead time and one review period."""
    return open_share(level) * (lead_time(level) + level.review_days)


def threshold(level: StockLevel) -> int | None:
    """At or under it an order is due: the manager's own, or else the reorder point."""
    return level.reorder_level if level.reorder_level is not None else level.reorder_point


def order_point(level: StockLevel) -> int | None:
    """The threshold; or what is used until a delivery could come, where somebody set a lower one."""
    least = threshold(level)
    if least is None or level.reorder_level is None:
        return least
    return max(least, round((level.daily_usage or 0) * open_share(level) * lead_time(level)))


def unused_at_expiry(level: StockLevel, usable: Iterable[Lot], today: date, horizon: date) -> int:
    """Units of `usable` (sorted by expiry) that expire before `horizon` and before they are used."""
    if not level.daily_usage:
        return 0
    used = wasted = 0.0
    for lot in usable:
        if lot.expires_on is None or lot.expires_on >= horizon:
            break
        until = min(lot.expires_on, today + timedelta(days=FARTHEST_DAYS))
        by_then = level.daily_usage * open_days_within(today, until, level.open_weekdays)
        taken = min(float(lot.quantity), max(by_then - used, 0.0))
        used += taken
        wasted += lot.quantity - taken
    return int(wasted)


def suggested_order(level: StockLevel) -> int:
    """Units to order now, in whole packs; 0 while stock and what is on order are above `order_point`."""
    least, most = order_point(level), order_up_to(level)
    position = level.usable - level.will_expire + level.on_order
    if least is None or most is None or position > least or most <= position:
        return 0
    pack = level.item.pack_size
    packs = -(-(most - position) // pack)
    for limit in (level.max_level, _usable_within_shelf_life(level)):
        if limit is not None and position + packs * pack > limit:
            # One pack is the least that can be ordered.
            packs = max((limit - position) // pack, 1)
    return packs * pack


def order_up_to(level: StockLevel) -> int | None:
    """What stock and orders should come to after an order. None where there is no threshold."""
    least = order_point(level)
    if least is None:
        return None
    if not level.daily_usage:
        # Without usage the manager's levels are all there is; the usual span is twice the lower one.
        return level.max_level or max(2 * least, 1)
    return least + max(round(level.daily_usage * open_share(level) * level.review_days), 1)


def _usable_within_shelf_life(level: StockLevel) -> int | None:
    if level.item.shelf_life_days is None or not level.daily_usage:
        return None
    return int(level.daily_usage * open_share(level) * level.item.shelf_life_days)


def status_of(level: StockLevel, lasting: int, today: date) -> StockStatus:
    """Exactly one holds. `lasting`: usable units without those that will expire unused."""
    least = threshold(level)
    if level.usable == 0:
        known = level.daily_usage or level.reorder_level is not None or level.sequence
        return StockStatus.OUT if known else StockStatus.NO_DATA
    if level.daily_usage:
        until = today + timedelta(days=round(lead_time(level)) - 1)
        if lasting < level.daily_usage * open_days_within(today, until, level.open_weekdays):
            return StockStatus.CRITICAL
    elif level.reorder_level is not None and level.usable * 2 <= level.reorder_level:
        return StockStatus.CRITICAL
    if least is not None and level.usable <= least:
        return StockStatus.LOW
    if level.max_level is not None and level.usable > level.max_level:
        return StockStatus.OVER
    return StockStatus.NO_DATA if least is None else StockStatus.OK


def urgency_of(level: StockLevel, today: date) -> float | None:
    """The smaller, the more urgent: out, then critical, then low. None where nothing is urgent.

    What is out: vital items first, then those with nothing on order. The others: by the days that are
    missing until a delivery could come; of equal ones the vital first.
    """
    if level.status not in _RANKS:
        return None
    if level.status == StockStatus.OUT:
        return (0.0 if level.item.vital else 2.0) + (1.0 if level.on_order else 0.0)
    if level.runs_out_on is not None:
        spare = (level.runs_out_on - today).days - lead_time(level)
    else:
        spare = 100 * level.usable / (level.reorder_level or 1)
    spare += 0.0 if level.item.vital else 0.5
    return round(_RANKS[StockStatus(level.status)] * 10_000 + min(max(spare, -4000), 4000), 2)
