from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import visible_to
from accounts.scoped_admin import AuditedAdmin, actor_of
from common.admin import Table
from stock.admin.wording import status_in_words, units
from stock.catalogue import change_item, make_item
from stock.models import Item, StockLevel

LEVELS_SHOWN = 100


@admin.register(Item)
class ItemAdmin(AuditedAdmin):
    """The same for all clinics: administrators write, others read."""

    list_display = ("name", "code", "unit", "pack_size", "is_vital", "shelf_life")
    list_filter = ("vital",)
    search_fields = ("name", "code")
    search_help_text = gettext_lazy("By name or code.")
    ordering = ("name", "id")
    actions = None
    list_per_page = 50
    fields = ("code", "name", "unit", "pack_size", "vital", "shelf_life_days")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("code",)

    @admin.display(description=gettext_lazy("vital"), ordering="vital")
    def is_vital(self, item: Item) -> str:
        return _("Yes") if item.vital else "–"

    @admin.display(description=gettext_lazy("shelf life (days)"), ordering="shelf_life_days")
    def shelf_life(self, item: Item) -> str:
        return str(item.shelf_life_days or "–")

    def save_by_service(self, request: HttpRequest, obj: Any, form: Any) -> Item:
        actor, now = actor_of(request), timezone.now()
        if obj._state.adding:
            return make_item(**form.cleaned_data, actor=actor, now=now)
        return change_item(
            item_id=obj.pk, version=self.seen_version(request), actor=actor, now=now, **form.cleaned_data
        )

    def tables(self, request: HttpRequest, obj: Any) -> list[Table]:
        levels = (
            visible_to(request.user, StockLevel.objects.filter(item=obj))
            .select_related("clinic", "item")
            .order_by("clinic__name")[:LEVELS_SHOWN]
        )
        rows = [
            (
                format_html(
                    '<a href="{}">{}</a>',
                    reverse("admin:stock_stocklevel_change", args=[level.pk]),
                    level.clinic.name,
                ),
                units(level.on_hand, obj),
                status_in_words(level),
            )
            for level in levels
        ]
        headings = [_("Clinic"), _("On hand"), _("Status")]
        return [Table(_("In stock"), headings, rows, _("No clinic of yours keeps this item."))]
