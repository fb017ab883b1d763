"""Pictures of a few numbers, as SVG: no script, and they print. Their colours: common/report.css."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

COLUMN, HEIGHT, TOP, FOOT = 60, 170, 26, 26
# More have no room for a word each.
LABELLED = 13


@dataclass(frozen=True, slots=True)
class Column:
    """`share` is from 0 to 1, None where there is nothing to show; `words` say it in full."""

    label: str
    share: float | None
    figure: str
    words: str
    href: str = ""


def bar(*shares: tuple[str, float]) -> SafeString:
    """One line of a table: parts of it by their names ("bad", "good", "main"), each a share from 0 to 1."""
    parts, at = [], 0.0
    for name, share in shares:
        width = round(max(min(share, 1 - at), 0) * 100, 2)
        parts.append((name, round(at * 100, 2), width))
        at += width / 100
    drawn = format_html_join("", '<rect class="{}" x="{}" width="{}" height="10"/>', parts)
    return format_html(
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="100" height="10"/>{}</svg>',
        drawn,
    )


def columns(points: Sequence[Column], *, title: str, name: str = "bad") -> SafeString:
    """A picture of months, each a link into what it counts; the highest reaches the top."""
    most = max((point.share or 0 for point in points), default=0) or 1
    width = COLUMN * max(len(points), 4)
    drawn = format_html_join(
        "", "{}", ((_column(point, place, most, name, len(points)),) for place, point in enumerate(points))
    )
    return format_html(
        '<svg class="columns" viewBox="0 0 {w} {h}" role="img"><title>{title}</title>'
        '<line class="ground" x1="0" x2="{w}" y1="{y}" y2="{y}"/>{drawn}</svg>',
        w=width,
        h=HEIGHT,
        title=title,
        y=HEIGHT - FOOT,
        drawn=drawn,
    )


def _column(point: Column, place: int, most: float, name: str, count: int) -> SafeString:
    room = HEIGHT - TOP - FOOT
    height = round((point.share or 0) / most * room, 1)
    x, y = place * COLUMN, HEIGHT - FOOT - height
    shows_words = count <= LABELLED or place % (count // LABELLED + 1) == 0
    drawn = format_html(
        "<title>{words}</title>"
        '<rect class="hit" x="{x}" width="{step}" height="{h}"/>'
        '<rect class="{name}" x="{left}" y="{y}" width="{wide}" height="{height}"/>'
        '<text x="{middle}" y="{above}">{figure}</text>'
        '<text class="label" x="{middle}" y="{foot}">{label}</text>',
        words=point.words,
        x=x,
        step=COLUMN,
        h=HEIGHT,
        name=name,
        left=x + 8,
        y=y,
        wide=COLUMN - 16,
        height=height,
        middle=x + COLUMN / 2,
        above=y - 6,
        figure=point.figure if shows_words else "",
        foot=HEIGHT - 6,
        label=point.label if shows_words else "",
    )
    return format_html('<a href="{}">{}</a>', point.href, drawn) if point.href else drawn
