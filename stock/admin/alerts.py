"""Open alerts, the newest first; on each one's page, the buttons of who acts."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import may
from accounts.scoped_admin import ClinicFilter, ClinicScopedAdmin, actor_of, local
from common.admin import Step, Table
from stock.admin.wording import packed, units
from stock.alerts import acknowledge
from stock.models import StockAlert
from stock.words import suggestion_basis

A_WEEK = timedelta(days=7)


class OpenFilter(admin.SimpleListFilter):
    title = gettext_lazy("open or over")
    parameter_name = "over"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Over")), ("all", _("All"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all":
            return queryset
        return queryset.filter(closed_at__isnull=self.value() != "yes")

    def choices(self, changelist: Any) -> Any:
        # Without a choice it shows what is open.
        first, *others = super().choices(changelist)
        yield {**first, "display": _("Open")}
        yield from others


@admin.register(StockAlert)
class StockAlertAdmin(ClinicScopedAdmin):
    list_display = ("item", "state", "clinic_name", "on_hand", "since", "acted")
    list_filter = (OpenFilter, ClinicFilter, "status")
    list_select_related = ("clinic", "level__item")
    search_fields = ("level__item__name", "level__item__code__iexact")
    search_help_text = gettext_lazy("By the item's name or code.")
    ordering = ("-opened_at", "-id")
    actions = None
    fieldsets = (
        (None, {"fields": ("item", "clinic_name", "state", "at_first", "on_hand", "suggestion")}),
        (gettext_lazy("When"), {"fields": ("since", "worse_since", "reminded", "escalated", "over_since")}),
        (gettext_lazy("Who acts"), {"fields": ("acted",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("clinic", "level__item")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def label_for(self, request: HttpRequest, obj: Any) -> str:
        return f"{obj.level.item} · {obj.clinic.name}"

    def title_of(self, obj: Any) -> str:
        return f"{obj.level.item}: {self.state(obj)}"

    @admin.display(description=gettext_lazy("item"), ordering="level__item__name")
    def item(self, alert: StockAlert) -> str:
        return str(alert.level.item)

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def state(self, alert: StockAlert) -> str:
        return capfirst(alert.get_status_display()) if alert.closed_at is None else _("Over")

    @admin.display(description=gettext_lazy("at first"))
    def at_first(self, alert: StockAlert) -> str:
        return capfirst(alert.get_opening_status_display())

    @admin.display(description=gettext_lazy("clinic"), ordering="clinic__name")
    def clinic_name(self, alert: StockAlert) -> str:
        return alert.clinic.name

    @admin.display(description=gettext_lazy("on hand"))
    def on_hand(self, alert: StockAlert) -> str:
        return units(alert.level.on_hand, alert.level.item)

    @admin.display(description=gettext_lazy("suggested order"))
    def suggestion(self, alert: StockAlert) -> str:
        level = alert.level
        return f"{packed(level.suggested_order, level.item)}. {suggestion_basis(level)}"

    @admin.display(description=gettext_lazy("since"), ordering="opened_at")
    def since(self, alert: StockAlert) -> str:
        return local(alert.opened_at, alert.clinic.zone)

    @admin.display(description=gettext_lazy("worse since"))
    def worse_since(self, alert: StockAlert) -> str:
        return local(alert.worsened_at, alert.clinic.zone) or "–"

    @admin.display(description=gettext_lazy("reminded"))
    def reminded(self, alert: StockAlert) -> str:
        return local(alert.reminded_at, alert.clinic.zone) or "–"

    @admin.display(description=gettext_lazy("administrators told"))
    def escalated(self, alert: StockAlert) -> str:
        return local(alert.escalated_at, alert.clinic.zone) or "–"

    @admin.display(description=gettext_lazy("over since"))
    def over_since(self, alert: StockAlert) -> str:
        return local(alert.closed_at, alert.clinic.zone) or "–"

    @admin.display(description=gettext_lazy("who acts"))
    def acted(self, alert: StockAlert) -> str:
        if alert.acknowledged_at is None:
            return _("Nobody yet")
        what = _("ordered") if alert.ordered else _("seen")
        if alert.snoozed_until is not None:
            what = _("put off until %s") % local(alert.snoozed_until, alert.clinic.zone)
        return f"{alert.acknowledged_by}: {what}"

    def tables(self, request: HttpRequest, obj: Any) -> list[Table]:
        rows = [
            (local(notice.told_at, obj.clinic.zone), notice.user.get_username())
            for notice in obj.notices.select_related("user").order_by("told_at", "id")
        ]
        headings = [_("Last told"), _("Who")]
        return [Table(_("Who was told"), headings, rows, _("Nobody yet: digests go out once a day."))]

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        if obj.closed_at is not None or not may(request.user, "change", "stock.stockalert"):
            return []
        return [
            Step("ordered", _("Ordered"), tone="good"),
            Step("seen", _("Acknowledge")),
            Step("snooze", _("Snooze a week")),
        ]

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        now = timezone.now()
        acknowledge(
            alert_id=obj.pk,
            ordered=True if name == "ordered" else None,
            snooze_until=now + A_WEEK if name == "snooze" else None,
            actor=actor_of(request),
            now=now,
        )
        return {
            "ordered": _("Noted: it is ordered. Nobody is reminded before it should have come."),
            "seen": _(
                "Noted: you have seen it. Nobody is reminded for a delivery's time, unless it gets worse."
            ),
            "snooze": _("Put off for a week. It comes back sooner if it gets worse."),
        }[name]

    def after_step(self, request: HttpRequest, obj: Any) -> str:
        return reverse("admin:stock_stockalert_changelist")
