"""Filters of the list of visits, by which the report on attendance leads into it."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.db.models.functions import ExtractIsoWeekDay
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import clinics_visible_to
from appointments.attendance_report import DELIVERED, FAILED, NONE, SENT, reached
from appointments.models import LIVE


def reminder_words() -> dict[str, str]:
    """What became of a visit's reminders, in the order in which they are shown."""
    return {
        DELIVERED: _("The reminder was delivered"),
        SENT: _("Sent, and no word whether it arrived"),
        FAILED: _("The reminder did not arrive"),
        NONE: _("No reminder was sent"),
    }


class WeekdayFilter(admin.SimpleListFilter):
    """On each clinic's own calendar; 1 is Monday."""

    title = gettext_lazy("weekday")
    parameter_name = "weekday"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(day + 1), capfirst(str(name))) for day, name in WEEKDAYS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        if self.value() not in dict(self.lookup_choices):
            return queryset.none()
        names = clinics_visible_to(request.user).order_by().values_list("time_zone", flat=True).distinct()
        wanted = Q(pk__isnull=True)
        for place, name in enumerate(sorted(names)):
            day = ExtractIsoWeekDay("starts_at", tzinfo=ZoneInfo(name))
            queryset = queryset.alias(**{f"weekday_{place}": day})
            wanted |= Q(**{f"weekday_{place}": int(self.value() or 0), "clinic__time_zone": name})
        return queryset.filter(wanted)


class MarkedFilter(admin.SimpleListFilter):
    """Past visits of which nobody has said whether the patient came."""

    title = gettext_lazy("attendance")
    parameter_name = "marked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("Past and not marked"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "no":
            return queryset
        return queryset.filter(status__in=LIVE, starts_at__lt=timezone.now())


class ReachedFilter(admin.SimpleListFilter):
    title = gettext_lazy("reminder")
    parameter_name = "reached"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(reminder_words().items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.alias(reached=reached(told_apart=True)).filter(reached=self.value())
