"""How amounts, days and states of stock read on a page."""

from datetime import date

from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.dates import date_in_words
from stock.figures import threshold
from stock.models import Item, StockLevel
from stock.words import number

MONTH_DAYS = 30.4


def whole(count: int) -> str:
    """ "12,000" """
    return number_format(count, use_l10n=True, force_grouping=True)


def units(count: int, item: Item) -> str:
    """ "12,000 tablet": the unit as the item names it, which is not inflected."""
    return f"{whole(count)} {item.unit}"


def packed(count: int, item: Item) -> str:
    """ "3,000 tablet (3 packs of 1,000)" """
    if item.pack_size == 1 or not count or count % item.pack_size:
        return units(count, item)
    packs = count // item.pack_size
    words = ngettext("%(packs)s pack of %(size)s", "%(packs)s packs of %(size)s", packs)
    return f"{units(count, item)} ({words % {'packs': whole(packs), 'size': whole(item.pack_size)}})"


def packed_briefly(count: int, item: Item) -> str:
    """ "3,000 (3 × 1,000)", or "–" for nothing."""
    if not count:
        return "–"
    if item.pack_size == 1 or count % item.pack_size:
        return whole(count)
    return f"{whole(count)} ({whole(count // item.pack_size)} × {whole(item.pack_size)})"


def day(value: date | None) -> str:
    """ "1 Dec 2026" """
    return "–" if value is None else date_in_words(value)


def status_in_words(level: StockLevel) -> SafeString:
    return format_html(
        '<span class="stock-status {}">{}</span>', level.status, capfirst(level.get_status_display())
    )


def status_in_brief(level: StockLevel) -> SafeString:
    """ "Critical": the words before the colon."""
    label = str(level.get_status_display()).partition(":")[0]
    return format_html('<span class="stock-status {}">{}</span>', level.status, capfirst(label))


def days_in_words(level: StockLevel) -> str:
    """Clinic days that the usable stock lasts."""
    return "–" if level.days_of_stock is None else number(level.days_of_stock)


def runs_out_in_words(level: StockLevel, today: date) -> str:
    if level.usable == 0:
        return _("Out now") if level.sequence or threshold(level) is not None else "–"
    if level.runs_out_on is None:
        return "–"
    return _("Today") if level.runs_out_on <= today else day(level.runs_out_on)


def months_of_stock(level: StockLevel) -> float | None:
    """Usable stock in months of average consumption."""
    return level.usable / level.average_monthly if level.average_monthly else None
