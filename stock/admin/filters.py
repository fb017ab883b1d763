from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import clinics_visible_to
from stock.models import StockLevel, StockStatus


class StatusFilter(admin.SimpleListFilter):
    title = gettext_lazy("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("due", _("Out, critical or low")),
            *((value, capfirst(str(label))) for value, label in StockStatus.choices),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[StockLevel]) -> QuerySet[StockLevel]:
        if self.value() == "due":
            return queryset.filter(urgency__isnull=False)
        if self.value() in StockStatus.values:
            return queryset.filter(status=self.value())
        return queryset if self.value() is None else queryset.none()


class VitalFilter(admin.SimpleListFilter):
    title = gettext_lazy("vital")
    parameter_name = "vital"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("Vital only")), ("no", _("Not vital"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[StockLevel]) -> QuerySet[StockLevel]:
        if self.value() in ("yes", "no"):
            return queryset.filter(item__vital=self.value() == "yes")
        return queryset if self.value() is None else queryset.none()


class ExpiryFilter(admin.SimpleListFilter):
    """By the lot that expires next, on each clinic's own day."""

    title = gettext_lazy("expiry")
    parameter_name = "expiring"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        within = [(str(days), _("Within %(days)d days") % {"days": days}) for days in (30, 90, 180)]
        return [("expired", _("Expired, still on the shelf")), *within]

    def queryset(self, request: HttpRequest, queryset: QuerySet[StockLevel]) -> QuerySet[StockLevel]:
        if self.value() is None:
            return queryset
        if self.value() not in dict(self.lookup_choices):
            return queryset.none()
        zones = clinics_visible_to(request.user).order_by().values_list("time_zone", flat=True).distinct()
        anywhere = Q(pk__isnull=True)
        for name in set(zones):
            today = timezone.now().astimezone(ZoneInfo(name)).date()
            if self.value() == "expired":
                within = Q(next_expiry__lt=today)
            else:
                within = Q(next_expiry__lte=today + timedelta(days=int(str(self.value()))))
            anywhere |= within & Q(clinic__time_zone=name)
        return queryset.filter(anywhere)
