"""A small picture of a level: what there was, and how what there is runs out. SVG, made here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from stock.admin.wording import day, units
from stock.figures import threshold
from stock.models import StockLevel

PAST_DAYS = 180
AHEAD_DAYS = 60
WIDTH, HEIGHT, TOP = 360, 72, 4


@dataclass(frozen=True, slots=True)
class _Scale:
    first: date
    most: int

    def x(self, at: date) -> float:
        return round((at - self.first).days / (PAST_DAYS + AHEAD_DAYS) * WIDTH, 1)

    def y(self, count: float) -> float:
        return round(HEIGHT - 1 - count / self.most * (HEIGHT - 1 - TOP), 1)


def chart(level: StockLevel, balances: Sequence[tuple[date, int]], *, today: date) -> SafeString:
    """`balances`: (day, units) as balances_by_day gives them, for PAST_DAYS."""
    least = threshold(level)
    most = max([count for _day, count in balances] + [least or 0, 1])
    scale = _Scale(today - timedelta(days=PAST_DAYS), most)
    words = _("Stock of the last %(days)d days, at most %(most)s; now %(now)s.") % {
        "days": PAST_DAYS,
        "most": units(most, level.item),
        "now": units(level.on_hand, level.item),
    }
    if level.usable and level.runs_out_on:
        words += " " + _("At today's usage it runs out on %(day)s.") % {"day": day(level.runs_out_on)}
    return format_html(
        '<svg class="stock-chart" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img">'
        "<title>{words}</title>{threshold}"
        '<line class="today" x1="{now}" x2="{now}" y1="0" y2="{h}" stroke="gray" stroke-width="1"/>'
        '<path class="past" d="{past}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
        "{ahead}</svg>",
        w=WIDTH,
        h=HEIGHT,
        words=words,
        threshold=_threshold(scale, least),
        now=scale.x(today),
        past=_steps(scale, balances),
        ahead=_ahead(scale, level, today),
    )


def _steps(scale: _Scale, balances: Sequence[tuple[date, int]]) -> str:
    """A balance holds until the next change."""
    (first, count), *rest = balances
    path = [f"M{scale.x(first)} {scale.y(count)}"]
    for at, count in rest:
        path.append(f"H{scale.x(at)}V{scale.y(count)}")
    return "".join(path)


def _threshold(scale: _Scale, least: int | None) -> SafeString | str:
    if not least:
        return ""
    return format_html(
        '<line class="threshold" x1="0" x2="{w}" y1="{y}" y2="{y}" stroke="gray" stroke-width="1" '
        'stroke-dasharray="2 3"/>',
        w=WIDTH,
        y=scale.y(least),
    )


def _ahead(scale: _Scale, level: StockLevel, today: date) -> SafeString | str:
    """From what is usable now straight to nothing on the day that it runs out, as far as the picture goes."""
    if not level.usable or level.runs_out_on is None:
        return ""
    days = max((level.runs_out_on - today).days, 1)
    shown = min(days, AHEAD_DAYS)
    return format_html(
        '<path class="ahead" d="M{} {}L{} {}" fill="none" stroke="currentColor" stroke-width="1.5" '
        'stroke-dasharray="4 3"/>',
        scale.x(today),
        scale.y(level.usable),
        scale.x(today + timedelta(days=shown)),
        scale.y(level.usable * (1 - shown / days)),
    )
