from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import clinics_visible_to
from accounts.scoped_admin import AuditedAdmin, ClinicScopedAdmin, actor_of
from common.admin import Step
from stock.admin.wording import units
from stock.models import VisitTypeItem
from stock.visit_types import add_use, change_use, drop_use


@admin.register(VisitTypeItem)
class VisitTypeItemAdmin(ClinicScopedAdmin):
    """What holds for all clinics is everybody's to read, and the administrators' to write."""

    list_display = ("visit_type", "item", "amount", "whose")
    list_select_related = ("item", "clinic")
    search_fields = ("visit_type", "item__name", "item__code")
    search_help_text = gettext_lazy("By visit type or item.")
    ordering = ("visit_type_key", "item__name", "id")
    autocomplete_fields = ("item",)
    fields = ("visit_type", "item", "quantity", "clinic")
    actions = None
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[VisitTypeItem]:
        theirs = Q(clinic__in=clinics_visible_to(request.user)) | Q(clinic__isnull=True)
        return AuditedAdmin.get_queryset(self, request).filter(theirs)

    @admin.display(description=gettext_lazy("a visit uses"), ordering="quantity")
    def amount(self, use: VisitTypeItem) -> str:
        return units(use.quantity, use.item)

    @admin.display(description=gettext_lazy("clinic"), ordering="clinic__name")
    def whose(self, use: VisitTypeItem) -> str:
        return use.clinic.name if use.clinic else _("all clinics")

    def _writes(self, request: HttpRequest, obj: Any) -> bool:
        everywhere = obj is not None and obj.clinic_id is None
        return super().has_change_permission(request, obj) and (
            not everywhere or bool(request.user.is_admin)  # type: ignore[union-attr]
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._writes(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("item", "clinic")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "clinic":
            field.required = not request.user.is_admin  # type: ignore[union-attr]
            field.empty_label = _("all clinics") if not field.required else field.empty_label
        return field

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        preset = super().get_changeform_initial_data(request)
        if request.user.is_admin and "clinic" not in request.GET:  # type: ignore[union-attr]
            # For all clinics, unless one is chosen.
            preset.pop("clinic", None)
        return preset

    def save_by_service(self, request: HttpRequest, obj: Any, form: Any) -> VisitTypeItem:
        actor, now = actor_of(request), timezone.now()
        if obj._state.adding:
            return add_use(**form.cleaned_data, actor=actor, now=now)
        return change_use(use_id=obj.pk, **form.cleaned_data, actor=actor, now=now)

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        if not self._writes(request, obj):
            return []
        question = _("Booked visits of this type won't count for this item any more.")
        return [Step("drop", _("Remove"), question, "danger")]

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        drop_use(use_id=obj.pk, actor=actor_of(request), now=timezone.now())
        return _("Removed.")

    def after_step(self, request: HttpRequest, obj: Any) -> str:
        if VisitTypeItem.objects.filter(pk=obj.pk).exists():
            return super().after_step(request, obj)
        return reverse("admin:stock_visittypeitem_changelist")
