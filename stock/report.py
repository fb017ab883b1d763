"""The report of what is there and what is needed: one row a level, for calls, files and terminals."""

from typing import Any

from stock.figures import months_of_stock, threshold
from stock.models import StockLevel
from stock.words import suggestion_basis

COLUMNS = (
    *("clinic_code", "clinic_name", "item_code", "item_name", "unit", "pack_size", "vital", "status"),
    *("on_hand", "usable", "on_order", "reorder_level", "max_level", "threshold"),
    *("daily_usage", "days_of_stock", "runs_out_on", "average_monthly", "months_of_stock"),
    *("suggested_order", "suggested_packs", "suggestion_basis", "next_expiry", "will_expire"),
    *("lead_time_days", "review_days", "usage_rate", "usage_days", "booked_demand"),
)


def row(level: StockLevel) -> dict[str, Any]:
    """The COLUMNS of a level, in JSON's own types but for dates. Needs `clinic` and `item`."""
    item = level.item
    return {
        "clinic_code": level.clinic.code,
        "clinic_name": level.clinic.name,
        "item_code": item.code,
        "item_name": item.name,
        "unit": item.unit,
        "pack_size": item.pack_size,
        "vital": item.vital,
        "status": str(level.status),
        "on_hand": level.on_hand,
        "usable": level.usable,
        "on_order": level.on_order,
        "reorder_level": level.reorder_level,
        "max_level": level.max_level,
        "threshold": threshold(level),
        "daily_usage": level.daily_usage,
        "days_of_stock": level.days_of_stock,
        "runs_out_on": level.runs_out_on,
        "average_monthly": level.average_monthly,
        "months_of_stock": months_of_stock(level),
        "suggested_order": level.suggested_order,
        "suggested_packs": level.suggested_order // item.pack_size,
        "suggestion_basis": suggestion_basis(level),
        "next_expiry": level.next_expiry,
        "will_expire": level.will_expire,
        "lead_time_days": level.lead_time_days,
        "review_days": level.review_days,
        "usage_rate": level.usage_rate,
        "usage_days": level.usage_days,
        "booked_demand": level.booked_demand,
    }
