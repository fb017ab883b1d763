"""The arithmetic behind a suggested order, in plain words. Made when it is read, in the reader's language."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stock.figures import (
    booked_rate,
    lead_time,
    open_days_covered,
    open_share,
    order_point,
    order_up_to,
)
from stock.models import StockLevel
from stock.reorder import QUANTILE, VITAL_QUANTILE


def suggestion_basis(level: StockLevel) -> str:
    """One plain sentence or a few, with every number that the suggested order comes from."""
    least, most = order_point(level), order_up_to(level)
    if least is None or most is None:
        return _(
            "There is not enough data for a suggestion: set a reorder level, or estimate the usage a day."
        )
    parts = [_usage(level), _point(level, least), _stock(level), _order(level, least, most)]
    return " ".join(part for part in parts if part)


def number(value: float) -> str:
    """As people write it: 12, 3.5, 0.04."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}".removesuffix(".0") if value >= 1 else f"{value:.2g}"


def _usage(level: StockLevel) -> str:
    if not level.daily_usage:
        return ""
    if booked_rate(level) >= level.daily_usage - 1e-3:
        return _(
            "Visits booked for the next %(days)d days will use %(units)d, %(rate)s a clinic day; that is "
            "more than past usage."
        ) % {
            "days": round(lead_time(level)) + level.review_days,
            "units": level.booked_demand,
            "rate": number(level.daily_usage),
        }
    if level.usage_rate is None:
        return _("Usage is estimated at %(rate)s a clinic day.") % {"rate": number(level.daily_usage)}
    return _("Usage is %(rate)s a clinic day: %(units)d in %(days)d days counted up to %(until)s.") % {
        "rate": number(level.daily_usage),
        "units": level.usage_units,
        "days": level.usage_days,
        "until": level.usage_on,
    }


def _point(level: StockLevel, least: int) -> str:
    if level.reorder_level is not None:
        words = _("The reorder level is set to %(least)d.") % {"least": level.reorder_level}
        if least > level.reorder_level:
            words += " " + _("Until a delivery comes %(units)d are used, which counts instead.") % {
                "units": least
            }
        return words
    return _(
        "A delivery takes %(lead)s days and you order every %(review)d: %(days)s clinic days, "
        "%(need)s needed on average, %(least)d with a reserve that is enough %(percent)d times in 100."
    ) % {
        "lead": number(lead_time(level)),
        "review": level.review_days,
        "days": number(open_days_covered(level)),
        "need": number((level.daily_usage or 0) * open_days_covered(level)),
        "least": least,
        "percent": round(100 * (VITAL_QUANTILE if level.item.vital else QUANTILE)),
    }


def _stock(level: StockLevel) -> str:
    words = _("Usable: %(usable)d; on order: %(on_order)d.") % {
        "usable": level.usable,
        "on_order": level.on_order,
    }
    if level.will_expire:
        words += " " + _("Of the usable, %(units)d will expire before they are used.") % {
            "units": level.will_expire
        }
    return words


def _order(level: StockLevel, least: int, most: int) -> str:
    position = level.usable - level.will_expire + level.on_order
    if not level.suggested_order:
        return _("That is more than %(least)d: nothing to order.") % {"least": least}
    packs, pack = level.suggested_order // level.item.pack_size, level.item.pack_size
    needed = _("Order up to %(most)d (%(least)d and %(between)d until the next order)") % {
        "most": most,
        "least": least,
        "between": most - least,
    }
    if not level.daily_usage:
        needed = _("Order up to %(most)d") % {"most": most}
    words = f"{needed}: {most} − {position} = {most - position}, "
    words += ngettext(
        "rounded to %(packs)d pack of %(pack)d: %(order)d.",
        "rounded to %(packs)d packs of %(pack)d: %(order)d.",
        packs,
    ) % {"packs": packs, "pack": pack, "order": level.suggested_order}
    if level.suggested_order < most - position:
        shelf = level.item.shelf_life_days
        limit = (level.daily_usage or 0) * open_share(level) * (shelf or 0)
        if shelf and limit < most:
            words += " " + _("More would expire within its shelf life of %(days)d days.") % {"days": shelf}
        else:
            words += " " + _("More would be above the most to keep, %(most)d.") % {
                "most": level.max_level or most
            }
    return words
