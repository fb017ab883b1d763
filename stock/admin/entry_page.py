"""Entries made on a level's page: what was typed goes to the service of its kind."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.audit import Actor
from accounts.scoped_admin import actor_of, local
from common.errors import DomainError, VersionConflict
from stock.admin.entry_forms import AFTER, ARRIVAL, BEFORE, KINDS, ORDER, EntryForm, once_key
from stock.admin.wording import units
from stock.allocation import expired_in_words
from stock.counting import count
from stock.ledger import move
from stock.models import Movement, MovementKind, Order, OrderState, StockLevel, Transfer, TransferState
from stock.orders import place_order, receive_order
from stock.passed_over import passed_over
from stock.transfers import receive_transfer

CONFLICT_SHOWN = 20
# The services' names of fields, where the form has others.
FIELD_OF = {"to_clinic_id": "to_clinic", "counted_at": "quantity"}


def form_for(level: StockLevel, data: Any = None, *, kind: str = MovementKind.ISSUE) -> EntryForm:
    orders = Order.objects.filter(level=level, state=OrderState.OPEN).select_related("level__item")
    transfers = Transfer.objects.filter(to_level=level, state=TransferState.IN_TRANSIT)
    return EntryForm(
        level,
        data,
        kind=kind,
        orders=orders,
        transfers=transfers.select_related("to_level__item", "sent__level__clinic"),
    )


def forms_of(
    request: HttpRequest, level: StockLevel, incoming: Sequence[Transfer], orders: Sequence[Order]
) -> dict[str, Any]:
    """The context of the form: as it was refused, or a new one."""
    refused = getattr(request, "refused_entry", None)
    asked = request.GET.get("kind", "")
    form = refused or form_for(level, kind=asked if asked in dict(KINDS) else MovementKind.ISSUE)
    kinds = [(kind, label) for kind, label in KINDS if kind != ARRIVAL or incoming]
    hidden = {"order"} if not orders else set()
    if not incoming:
        hidden.add("transfer")
    fields = [(field, kinds) for field, kinds in form.shown_fields() if field.name not in hidden]
    return {
        "entry_form": form,
        "entry_fields": fields,
        "entry_kinds": kinds,
        "conflict": getattr(request, "count_conflict", None),
    }


def entered(model_admin: Any, request: HttpRequest, level: StockLevel) -> HttpResponse:
    """Writes what the form says, and goes back to the page; a refused form comes back as it was."""
    if not model_admin.writes_entries(request):
        raise PermissionDenied
    form = form_for(level, request.POST)
    if form.is_valid():
        actor, now = actor_of(request), timezone.now()
        try:
            written = write(form, level, actor=actor, now=now)
        except DomainError as refusal:
            if isinstance(refusal, VersionConflict) and form.cleaned_data["kind"] == MovementKind.COUNT:
                request.count_conflict = _since(level, form)  # type: ignore[attr-defined]
            else:
                add_refusal(form, refusal)
        else:
            tell(request, written, level, now)
            return HttpResponseRedirect(reverse("admin:stock_stocklevel_change", args=[level.pk]))
    return _again(model_admin, request, level, form)


def _again(model_admin: Any, request: HttpRequest, level: StockLevel, form: EntryForm) -> HttpResponse:
    now_at = StockLevel.objects.values_list("version", flat=True).get(pk=level.pk)
    typed: Any = form.data
    form.data = {**typed.dict(), "seen": now_at}
    if form.asked_kind == ORDER:
        # Whoever sends it again has seen what there is now. A count goes on from when the page was opened.
        form.data["version"] = now_at
    request.refused_entry = form  # type: ignore[attr-defined]
    # The page as it is when it is opened: the thresholds' form is not what was sent.
    request.method = "GET"
    try:
        return model_admin.change_view(request, str(level.pk))
    finally:
        request.method = "POST"


def write(form: EntryForm, level: StockLevel, *, actor: Actor, now: datetime) -> Movement | Order:
    """The one call that the form's kind stands for."""
    given = form.cleaned_data
    kind, amount, reason = given["kind"], given["amount"], given["reason"] or ""
    key = once_key(given["once"], actor.id, level.pk)
    who: dict[str, Any] = {"actor": actor, "now": now}
    if kind == MovementKind.COUNT:
        return _count(form, level, key, who)
    if kind == ARRIVAL:
        return receive_transfer(movement_id=given["transfer"].sent_id, quantity=amount, reason=reason, **who)
    if kind == ORDER:
        return place_order(
            level_id=level.pk,
            quantity=amount,
            expected_on=given["expected_on"],
            version=given["version"],
            **who,
        )
    entry: dict[str, Any] = {
        "quantity": amount,
        "lot": given["lot"] or "",
        "expires_on": given["expires_on"],
        "reason": reason,
        "occurred_on": given["occurred_on"],
        "dedupe_key": key,
        **who,
    }
    if kind == MovementKind.RECEIPT and given["order"]:
        return receive_order(order_id=given["order"].pk, **entry)
    to_clinic = given["to_clinic"]
    return move(level_id=level.pk, kind=kind, to_clinic_id=to_clinic and to_clinic.pk, **entry)


def _count(form: EntryForm, level: StockLevel, key: str, who: dict[str, Any]) -> Movement:
    given = form.cleaned_data
    counted: dict[str, Any] = {
        "level_id": level.pk,
        "quantity": given["amount"],
        "reason": given["reason"] or "",
        "dedupe_key": key,
        **who,
    }
    if given["counted"] == BEFORE:
        return count(counted_at=given["opened"], **counted)
    if given["counted"] == AFTER and given["seen"]:
        return count(version=given["seen"], **counted)
    try:
        return count(version=given["version"], **counted)
    except VersionConflict:
        if _moved_since(level, given["opened"]).exists():
            raise
    # An order or a threshold has changed, nothing on the shelf.
    return count(counted_at=given["opened"], **counted)


def _moved_since(level: StockLevel, opened: datetime) -> Any:
    return Movement.objects.filter(level=level, recorded_at__gt=opened)


def _since(level: StockLevel, form: EntryForm) -> list[str]:
    """What was written while somebody counted, in words."""
    moved = _moved_since(level, form.cleaned_data["opened"]).order_by("-sequence")[:CONFLICT_SHOWN]
    return [
        f"{local(entry.recorded_at, level.clinic.zone)}: "
        f"{capfirst(entry.get_kind_display())}, {units(entry.quantity, level.item)} ({entry.actor_name})"
        for entry in moved
    ]


def add_refusal(form: Any, refusal: DomainError) -> None:
    """A service's refusal as errors of the form's fields."""
    placed = False
    for name, said in refusal.details.items():
        field = FIELD_OF.get(name, name)
        form.add_error(field if field in form.fields else None, said)
        placed = placed or refusal.message in said
    if not placed:
        form.add_error(None, refusal.message)


def tell(request: HttpRequest, written: Movement | Order, level: StockLevel, now: datetime) -> None:
    """What was written, as a message. A form sent twice has written once, and says so."""
    if isinstance(written, Order):
        messages.success(request, _("On order: %(many)s.") % {"many": units(written.quantity, level.item)})
        return
    said = _("%(item)s: %(what)s, %(many)s. On hand now: %(left)s.") % {
        "item": level.item.name,
        "what": written.get_kind_display(),
        "many": units(written.quantity, level.item),
        "left": units(written.balance_after, level.item),
    }
    if written.recorded_at == now:
        messages.success(request, said)
    else:
        words = _("This form was sent before and is written once, as it was first. %(said)s")
        messages.warning(request, words % {"said": said})
    for words in expired_in_words(passed_over([written]).get(written.pk, [])):
        messages.warning(request, words)
