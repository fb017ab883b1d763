from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.access import clinics_visible_to, may
from accounts.list_exports import Column, ListResource, plain
from accounts.scoped_admin import ClinicFilter, ClinicScopedAdmin, actor_of
from common.admin import Step
from stock.admin import entry_page, exports, level_page, quick_issue, report_page
from stock.admin.filters import ExpiryFilter, StatusFilter, VitalFilter
from stock.admin.wording import (
    day,
    days_in_words,
    packed_briefly,
    runs_out_in_words,
    status_in_brief,
    units,
    whole,
)
from stock.ledger import reverse as take_back
from stock.levels import change_level, start_level
from stock.models import Movement, Order, StockLevel
from stock.orders import cancel_order

THRESHOLDS = ("reorder_level", "max_level", "lead_time_days", "review_days", "manual_daily_usage")


class LevelForm(forms.ModelForm):
    class Meta:
        widgets = {"manual_daily_usage": forms.NumberInput(attrs={"step": "any"})}


@admin.register(StockLevel)
class StockLevelAdmin(ClinicScopedAdmin):
    """What each clinic has of each item. A level's page is where its entries are made."""

    form = LevelForm
    change_form_template = "admin/stock/level.html"
    add_form_template = "admin/service_change_form.html"
    change_list_template = "admin/stock/level_list.html"
    export_columns = exports.LEVEL_COLUMNS
    list_display = (
        "item_name",
        "clinic_name",
        "state",
        "usable_in_words",
        "runs_out",
        "order",
        "expiry",
        "days",
        "on_hand_in_words",
    )
    list_filter = (StatusFilter, ClinicFilter, VitalFilter, ExpiryFilter)
    list_select_related = ("clinic", "item")
    search_fields = ("item__name", "item__code")
    search_help_text = gettext_lazy("By the item's name or code.")
    ordering = (F("urgency").asc(nulls_last=True), "item__name", "clinic__name", "id")
    autocomplete_fields = ("item",)
    form_field_of = {"item_id": "item"}
    actions = None
    list_per_page = 50
    empty_value_display = "–"

    class Media:
        js = ("stock/entry.js",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("clinic", "item")

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        shown = super().get_list_display(request)
        several = len(clinics_visible_to(request.user)[:2]) > 1
        return shown if several else [name for name in shown if name != "clinic_name"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if obj is None:
            return [(None, {"fields": ["clinic", "item", *THRESHOLDS]})]
        return [(_("When to order"), {"fields": [*THRESHOLDS]})]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "clinic":
            kwargs["queryset"] = clinics_visible_to(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description=gettext_lazy("item"), ordering="item__name")
    def item_name(self, level: StockLevel) -> str:
        return f"{level.item.name} ({_('vital')})" if level.item.vital else level.item.name

    @admin.display(description=gettext_lazy("clinic"), ordering="clinic__name")
    def clinic_name(self, level: StockLevel) -> str:
        return level.clinic.name

    @admin.display(description=gettext_lazy("status"), ordering="urgency")
    def state(self, level: StockLevel) -> SafeString:
        return status_in_brief(level)

    @admin.display(description=gettext_lazy("on hand"), ordering="on_hand")
    def on_hand_in_words(self, level: StockLevel) -> str:
        return whole(level.on_hand)

    @admin.display(description=gettext_lazy("usable"), ordering="usable")
    def usable_in_words(self, level: StockLevel) -> str:
        return units(level.usable, level.item)

    @admin.display(description=gettext_lazy("days of stock"), ordering="days_of_stock")
    def days(self, level: StockLevel) -> str:
        return days_in_words(level)

    @admin.display(description=gettext_lazy("runs out on"), ordering="runs_out_on")
    def runs_out(self, level: StockLevel) -> str:
        return runs_out_in_words(level, level_page.today_at(level))

    @admin.display(description=gettext_lazy("suggested order"), ordering="suggested_order")
    def order(self, level: StockLevel) -> str:
        return packed_briefly(level.suggested_order, level.item)

    @admin.display(description=gettext_lazy("next expiry"), ordering="next_expiry")
    def expiry(self, level: StockLevel) -> str:
        return day(level.next_expiry)

    def label_for(self, request: HttpRequest, obj: Any) -> str:
        return f"{obj.item.name} · {units(obj.usable, obj.item)} · {obj.clinic.name}"

    def save_by_service(self, request: HttpRequest, obj: Any, form: Any) -> StockLevel:
        actor, now = actor_of(request), timezone.now()
        if obj._state.adding:
            return start_level(**form.cleaned_data, actor=actor, now=now)
        return change_level(
            level_id=obj.pk, version=self.seen_version(request), actor=actor, now=now, **form.cleaned_data
        )

    # What the page of a level offers beside its form.

    def writes_entries(self, request: HttpRequest) -> bool:
        return may(request.user, "add", "stock.movement")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = context.get("original")
        if obj is not None:
            context["title"] = f"{obj.item.name}, {obj.clinic.name}"
            context["subtitle"] = None
            writes = self.writes_entries(request)
            context |= level_page.shown(obj, writes=writes)
            if writes:
                context |= entry_page.forms_of(request, obj, context["incoming"], context["open_orders"])
        response: Any = super().render_change_form(request, context, *args, **kwargs)
        if obj is not None and hasattr(request, "refused_entry"):
            # The thresholds on the page are as they are now, whatever the entry's form had seen.
            response.context_data["version"] = obj.version
        return response

    def get_urls(self) -> list[URLPattern]:
        entry = path(
            "<path:object_id>/entry/",
            self.admin_site.admin_view(require_POST(self.entry_view)),
            name="stock_stocklevel_entry",
        )
        pages = [
            ("issue/", quick_issue.issue_view, "issue"),
            ("report/", report_page.report_view, "report"),
            ("report.csv", report_page.report_csv, "report_csv"),
            ("entries.csv", exports.ledger_file, "ledger"),
        ]
        own = [
            path(
                address,
                self.admin_site.admin_view(partial(view, self)),
                name=f"stock_stocklevel_{name}",
            )
            for address, view, name in pages
        ]
        return [*own, entry, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        more = {"writes_entries": self.writes_entries(request)}
        return super().changelist_view(request, more | (extra_context or {}))

    def export_names(self, request: HttpRequest) -> list[str]:
        return list(exports.LEVEL_COLUMNS)

    def get_export_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        return {"columns": {name: Column(name, str) for name in exports.LEVEL_COLUMNS}}

    def export_row(self, resource: ListResource, row: Any) -> list[Any]:
        return [plain(value) for value in exports.level_row(row)]

    def entry_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Writes one entry. A refusal comes back as the same page, with what was typed."""
        obj = self.get_object(request, unquote(object_id))
        return entry_page.entered(self, request, obj)

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        """Those of single rows, whose buttons stand in the rows."""
        name, _colon, key = request.POST.get("step", "").partition(":")
        if not self.writes_entries(request) or not _is_key(key):
            return []
        if name == "reverse" and Movement.objects.filter(pk=key, level=obj).exists():
            question = _("A new entry takes this one back. The old one stays, marked as taken back.")
            return [Step(f"reverse:{key}", _("Take this entry back"), question, "danger")]
        if name == "cancel-order" and Order.objects.filter(pk=key, level=obj).exists():
            question = _("What is still to come on this order won't. What has come stays.")
            return [Step(f"cancel-order:{key}", _("Cancel this order"), question, "danger")]
        return []

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        kind, _colon, key = name.partition(":")
        actor, now = actor_of(request), timezone.now()
        if kind == "reverse":
            take_back(movement_id=UUID(key), actor=actor, now=now)
            return _("The entry is taken back.")
        cancel_order(order_id=UUID(key), actor=actor, now=now)
        return _("The order is cancelled.")

    def after_step(self, request: HttpRequest, obj: Any) -> str:
        return reverse("admin:stock_stocklevel_change", args=[obj.pk])


def _is_key(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
