"""What a level's page shows: figures with their arithmetic, lots, entries, orders, transfers."""

from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.scoped_admin import local
from common.admin import Table
from stock.admin.wording import (
    MONTH_DAYS,
    day,
    days_in_words,
    months_of_stock,
    packed,
    runs_out_in_words,
    status_in_words,
    units,
    whole,
)
from stock.figures import threshold
from stock.models import (
    Lot,
    Movement,
    MovementKind,
    Order,
    OrderState,
    StockLevel,
    Transfer,
    TransferState,
)
from stock.words import number, suggestion_basis

ENTRIES_SHOWN = 20
LOTS_SHOWN = 50


def today_at(level: StockLevel) -> date:
    return timezone.now().astimezone(level.clinic.zone).date()


def shown(level: StockLevel, *, writes: bool) -> dict[str, Any]:
    """The page's context: one query each for lots, entries, orders and transfers."""
    orders = list(Order.objects.filter(level=level, state=OrderState.OPEN))
    incoming = transfers_to(level)
    tables = [_lots(level), _entries(level, writes=writes)]
    if orders:
        tables.insert(0, _orders(level, orders, writes=writes))
    if incoming:
        tables.insert(0, _incoming(level, incoming))
    if outgoing := list(_outgoing(level)):
        tables.insert(0, _on_the_way(level, outgoing))
    return {
        "state": status_in_words(level),
        "figures": figures(level),
        "more_figures": more_figures(level),
        "basis": suggestion_basis(level),
        "parts": tables,
        "open_orders": orders,
        "incoming": incoming,
        "packs_matter": level.item.pack_size > 1,
    }


def figures(level: StockLevel) -> list[tuple[str, str]]:
    """What is asked first."""
    today, item = today_at(level), level.item
    return [
        (_("on hand"), units(level.on_hand, item)),
        (_("usable"), units(level.usable, item)),
        (_("runs out"), runs_out_in_words(level, today)),
        (_("suggested order"), packed(level.suggested_order, item) if level.suggested_order else _("none")),
    ]


def more_figures(level: StockLevel) -> list[tuple[str, str]]:
    """Those behind the suggestion, and beside it."""
    item = level.item
    found = [
        (_("on order or on its way"), units(level.on_order, item)),
        (_("next expiry"), day(level.next_expiry)),
        (_("clinic days it lasts"), days_in_words(level)),
    ]
    if (least := threshold(level)) is not None:
        found.append((_("order at or under"), units(least, item)))
    if level.daily_usage:
        found.append((_("used a clinic day"), number(level.daily_usage)))
    if level.average_monthly is not None:
        found.append((_("average monthly consumption"), number(level.average_monthly)))
    if (months := months_of_stock(level)) is not None:
        found.append((_("months of stock"), f"{months:.1f}"))
    return found


def transfers_to(level: StockLevel) -> list[Transfer]:
    """On their way to this level."""
    found = Transfer.objects.filter(to_level=level, state=TransferState.IN_TRANSIT)
    return list(found.select_related("sent__level__clinic").order_by("id"))


def _outgoing(level: StockLevel) -> Any:
    found = Transfer.objects.filter(sent__level=level, state=TransferState.IN_TRANSIT)
    return found.select_related("sent", "to_level__clinic").order_by("id")[:ENTRIES_SHOWN]


def _button(step: str, key: object, label: str) -> str:
    return format_html(
        '<button class="row-step" form="row-steps" name="step" value="{}:{}">{}</button>', step, key, label
    )


def _lots(level: StockLevel) -> Table:
    today = today_at(level)
    lots = Lot.objects.filter(level=level, quantity__gt=0)[:LOTS_SHOWN]
    rows = [(str(lot), _expiry(lot, today), units(lot.quantity, level.item)) for lot in lots]
    headings = [_("Lot"), _("Expires"), _("Left")]
    return Table(_("Lots, those that expire first on top"), headings, rows, _("Nothing on the shelf."))


def _expiry(lot: Lot, today: date) -> Any:
    if lot.expires_on is None:
        return "–"
    if lot.expires_on < today:
        words = _("%(day)s: expired") % {"day": day(lot.expires_on)}
        return format_html('<span class="stock-status out">{}</span>', words)
    left = (lot.expires_on - today).days
    if left <= 3 * MONTH_DAYS:
        return _("%(day)s, in %(days)d days") % {"day": day(lot.expires_on), "days": left}
    return day(lot.expires_on)


def _entries(level: StockLevel, *, writes: bool) -> Table:
    undone = Movement.objects.filter(reverses=OuterRef("pk"))
    with_arrival = Transfer.objects.filter(loss=OuterRef("pk"), arrival__isnull=False)
    last = (
        Movement.objects.filter(level=level)
        .annotate(undone_by=Subquery(undone.values("actor_name")[:1]), with_arrival=Exists(with_arrival))
        .select_related("reverses")
        .order_by("-sequence")[:ENTRIES_SHOWN]
    )
    rows = [_entry(level, movement, writes=writes) for movement in last]
    headings = [_("Recorded"), _("Day"), _("What"), _("Change"), _("Balance"), _("Who"), _("Reason"), ""]
    return Table(_("Last entries"), headings, rows, _("Nothing has happened yet."))


def _entry(level: StockLevel, movement: Any, *, writes: bool) -> tuple[Any, ...]:
    what = capfirst(movement.get_kind_display())
    if movement.kind == MovementKind.REVERSAL:
        what = f"{what}: {movement.reverses.get_kind_display()}"
    elif movement.change != movement.quantity and movement.change != -movement.quantity:
        what = f"{what}: {whole(movement.quantity)}"
    last: Any = ""
    if movement.undone_by is not None:
        last = _("Taken back by %(who)s") % {"who": movement.undone_by}
    # A loss beside an arrival is taken back with it.
    elif writes and movement.kind != MovementKind.REVERSAL and not movement.with_arrival:
        last = _button("reverse", movement.pk, _("Take back"))
    return (
        local(movement.recorded_at, level.clinic.zone),
        day(movement.occurred_on),
        what,
        signed(movement.change),
        whole(movement.balance_after),
        movement.actor_name,
        movement.reason or "–",
        last,
    )


def signed(change: int) -> str:
    """ "+12", "−3", "0" """
    return f"+{whole(change)}" if change > 0 else whole(change).replace("-", "−")


def _orders(level: StockLevel, orders: list[Order], *, writes: bool) -> Table:
    today = today_at(level)
    rows = [
        (
            day(order.ordered_on),
            units(order.quantity, level.item),
            units(order.outstanding, level.item),
            _late(order.expected_on, today),
            _button("cancel-order", order.pk, _("Cancel")) if writes else "",
        )
        for order in orders
    ]
    return Table(_("Open orders"), [_("Ordered"), _("How much"), _("To come"), _("Expected"), ""], rows)


def _late(expected: date | None, today: date) -> Any:
    if expected is None or expected >= today:
        return day(expected)
    words = _("%(day)s: late") % {"day": day(expected)}
    return format_html('<span class="stock-status low">{}</span>', words)


def _incoming(level: StockLevel, transfers: list[Transfer]) -> Table:
    rows = [
        (
            transfer.sent.level.clinic.name,
            local(transfer.sent.recorded_at, level.clinic.zone),
            transfer.sent.actor_name,
            units(transfer.quantity, level.item),
        )
        for transfer in transfers
    ]
    return Table(_("On its way here"), [_("From"), _("Sent"), _("Who"), _("How much")], rows)


def _on_the_way(level: StockLevel, transfers: list[Transfer]) -> Table:
    rows = [
        (
            transfer.to_level.clinic.name,
            local(transfer.sent.recorded_at, level.clinic.zone),
            transfer.sent.actor_name,
            units(transfer.quantity, level.item),
        )
        for transfer in transfers
    ]
    return Table(_("Sent from here, not taken in yet"), [_("To"), _("Sent"), _("Who"), _("How much")], rows)
