"""The form of an entry: one for all that a nurse writes down of a level."""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Clinic
from common.admin_forms import DressedForm
from stock.admin.wording import day, units
from stock.models import Movement, MovementKind, Order, StockLevel, Transfer
from stock.rules import MAX_LOT, MAX_REASON

# Not kinds of the ledger, but of the form: each leads to a service of its own.
ARRIVAL, ORDER = "arrival", "order"

KINDS = (
    (MovementKind.ISSUE, gettext_lazy("Issue")),
    (MovementKind.RECEIPT, gettext_lazy("Receive")),
    (MovementKind.COUNT, gettext_lazy("Count")),
    (MovementKind.WASTAGE, gettext_lazy("Waste")),
    (MovementKind.TRANSFER_OUT, gettext_lazy("Send to clinic")),
    (ARRIVAL, gettext_lazy("Take in transfer")),
    (MovementKind.RETURN, gettext_lazy("Returned")),
    (MovementKind.UNMET, gettext_lazy("Asked for, not there")),
    (MovementKind.ADJUSTMENT, gettext_lazy("Correct")),
    (ORDER, gettext_lazy("Order")),
)
BY_PACK = (MovementKind.RECEIPT, MovementKind.COUNT, MovementKind.TRANSFER_OUT, ARRIVAL, ORDER)
FIELDS_OF: dict[str, tuple[str, ...]] = {
    "packs": BY_PACK,
    "order": (MovementKind.RECEIPT,),
    "transfer": (ARRIVAL,),
    "to_clinic": (MovementKind.TRANSFER_OUT,),
    "lot": (
        MovementKind.RECEIPT,
        MovementKind.WASTAGE,
        MovementKind.TRANSFER_OUT,
        MovementKind.RETURN,
        MovementKind.ADJUSTMENT,
    ),
    "expires_on": (MovementKind.RECEIPT, MovementKind.RETURN),
    "expected_on": (ORDER,),
    "counted": (MovementKind.COUNT,),
    "occurred_on": (
        MovementKind.ISSUE,
        MovementKind.RECEIPT,
        MovementKind.WASTAGE,
        MovementKind.RETURN,
        MovementKind.UNMET,
        MovementKind.ADJUSTMENT,
    ),
    "reason": tuple(str(kind) for kind, _label in KINDS if kind != ORDER),
}
BEFORE, AFTER = "before", "after"
OPEN_AT_MOST = timedelta(days=1)


def once_key(once: str, user_id: object, level_id: object) -> str:
    """The ledger's dedupe key of one rendered form: the same form sent twice is one entry."""
    said = f"{user_id}|{level_id}|{once}"
    return "page:" + hashlib.sha256(said.encode()).hexdigest()[:40]


def _date() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def _amount(**attrs: Any) -> forms.NumberInput:
    return forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off", **attrs})


class OrderChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        to_come = units(obj.outstanding, obj.level.item)
        return _("%(to_come)s to come, ordered %(day)s") % {"to_come": to_come, "day": day(obj.ordered_on)}


class TransferChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        sent = units(obj.quantity, obj.to_level.item)
        return _("%(sent)s from %(clinic)s") % {"sent": sent, "clinic": obj.sent.level.clinic.name}


class OnceForm(DressedForm):
    once = forms.RegexField(regex=r"\A[0-9a-f]{32}\Z", widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"once": uuid4().hex, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)

    def clean_once(self) -> str:
        return str(self.cleaned_data["once"])


class EntryForm(OnceForm):
    """`quantity` in units; with packs, `amount` is packs × pack size + units."""

    kind = forms.ChoiceField(choices=KINDS)
    packs = forms.IntegerField(
        label=gettext_lazy("Packs"),
        required=False,
        min_value=0,
        max_value=1_000_000_000,
        widget=_amount(min=0),
    )
    quantity = forms.IntegerField(
        required=False, min_value=-1_000_000_000, max_value=1_000_000_000, widget=_amount()
    )
    order = OrderChoice(
        label=gettext_lazy("Comes on an order"),
        queryset=Order.objects.none(),
        required=False,
        empty_label=gettext_lazy("No, it was not ordered here"),
    )
    transfer = TransferChoice(
        label=gettext_lazy("Transfer"), queryset=Transfer.objects.none(), required=False, empty_label=None
    )
    to_clinic = forms.ModelChoiceField(
        label=gettext_lazy("To"), queryset=Clinic.objects.none(), required=False
    )
    lot = forms.CharField(label=gettext_lazy("Lot"), required=False, max_length=MAX_LOT)
    expires_on = forms.DateField(label=gettext_lazy("Expires"), required=False, widget=_date())
    expected_on = forms.DateField(label=gettext_lazy("Expected"), required=False, widget=_date())
    occurred_on = forms.DateField(
        label=gettext_lazy("Day"),
        required=False,
        widget=_date(),
        help_text=gettext_lazy("Empty: today."),
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), required=False, max_length=MAX_REASON)
    counted = forms.ChoiceField(
        choices=[(BEFORE, BEFORE), (AFTER, AFTER)], required=False, widget=forms.HiddenInput
    )
    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    opened = forms.DateTimeField(widget=forms.HiddenInput)
    # The level's version when a conflict was shown: who counted after it has seen that one.
    seen = forms.IntegerField(min_value=1, required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        level: StockLevel,
        data: Any = None,
        *,
        kind: str = MovementKind.ISSUE,
        orders: QuerySet[Order],
        transfers: QuerySet[Transfer],
    ) -> None:
        first = {"kind": kind, "version": level.version, "opened": timezone.now().isoformat()}
        if level.suggested_order and kind == ORDER:
            first["packs"] = level.suggested_order // level.item.pack_size
        super().__init__(data, initial=first, auto_id="entry_%s")
        self.level = level
        self.fields["quantity"].label = _("Quantity (%(unit)s)") % {"unit": level.item.unit}
        fields: dict[str, Any] = self.fields
        fields["order"].queryset = orders
        fields["transfer"].queryset = transfers
        fields["to_clinic"].queryset = Clinic.objects.exclude(pk=level.clinic_id).order_by("name")

    @property
    def asked_kind(self) -> str:
        asked = self.data.get("kind") if self.is_bound else self.initial["kind"]
        return asked if asked in dict(KINDS) else str(MovementKind.ISSUE)

    def shown_fields(self) -> list[tuple[Any, str]]:
        """Each field in the order of the page, with the kinds that it belongs to."""
        names = ["packs", "quantity", "order", "transfer", "to_clinic", "lot"]
        names += ["expires_on", "expected_on", "occurred_on", "reason"]
        if self.level.item.pack_size == 1:
            names.remove("packs")
        everything = " ".join(str(kind) for kind, _label in KINDS)
        return [(self[name], " ".join(map(str, FIELDS_OF.get(name, ()))) or everything) for name in names]

    def clean_opened(self) -> datetime:
        opened: datetime = self.cleaned_data["opened"]
        now = timezone.now()
        if opened < now - OPEN_AT_MOST:
            raise forms.ValidationError(_("This page is too old. Open it again."))
        return min(opened, now)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        kind = given.get("kind", "")
        for name, kinds in FIELDS_OF.items():
            # What was typed for another kind, and is hidden now, is not meant.
            if kind and kind not in kinds:
                given[name] = "" if isinstance(self.fields[name], forms.CharField) else None
                self.errors.pop(name, None)
        self._add_up(given, kind)
        if kind == ARRIVAL and not given.get("transfer") and "transfer" not in self.errors:
            self.add_error("transfer", _("Choose what has come."))
        if (
            kind == MovementKind.TRANSFER_OUT
            and not given.get("to_clinic")
            and "to_clinic" not in self.errors
        ):
            self.add_error("to_clinic", _("Choose the clinic."))
        return given

    def _add_up(self, given: dict[str, Any], kind: str) -> None:
        packs, loose = given.get("packs"), given.get("quantity")
        if packs is None and loose is None:
            given["amount"] = None
            # Of what was sent or ordered, nothing said is all of it.
            if kind != ARRIVAL and not given.get("order") and not {"packs", "quantity"} & set(self.errors):
                self.add_error("quantity", _("How many?"))
            return
        given["amount"] = (packs or 0) * self.level.item.pack_size + (loose or 0)


class IssueForm(OnceForm):
    """An issue in one line: the item of a clinic, and how many."""

    level = forms.ModelChoiceField(label=gettext_lazy("Item"), queryset=StockLevel.objects.none())
    quantity = forms.IntegerField(
        label=gettext_lazy("Units"), min_value=1, max_value=1_000_000_000, widget=_amount(min=1)
    )

    def __init__(self, request: HttpRequest, model_admin: Any, data: Any = None) -> None:
        super().__init__(data)
        level: Any = self.fields["level"]
        level.widget = AutocompleteSelect(
            Movement._meta.get_field("level"), model_admin.admin_site, choices=level.choices
        )
        level.queryset = model_admin.get_queryset(request)
        level.label_from_instance = lambda obj: model_admin.label_for(request, obj)
