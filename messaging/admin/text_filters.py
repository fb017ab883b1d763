"""Filters of the list of texts, by which the report on delivery leads into it."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.scoped_admin import DayFilter
from messaging.delivery_report import ARRIVED, IN_VAIN, OUTCOMES, SENT, STOPPED, WAITING
from messaging.reason_words import in_words

NO_PROVIDER = "-"


def outcome_words() -> dict[str, str]:
    return {
        ARRIVED: _("Delivered"),
        SENT: _("Sent, no word yet"),
        IN_VAIN: _("Did not arrive"),
        STOPPED: _("Not sent"),
        WAITING: _("Waiting"),
    }


class OutcomeFilter(admin.SimpleListFilter):
    title = gettext_lazy("what became of it")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(outcome_words().items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(status__in=OUTCOMES.get(self.value() or "", ()))


class AskedDayFilter(DayFilter):
    """When the text was asked for: the day that the reports count by."""

    title = gettext_lazy("asked for on")
    parameter_name = "asked"
    field = "created_at"
    above_list = False


class ProviderFilter(admin.SimpleListFilter):
    title = gettext_lazy("provider")
    parameter_name = "provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        given = request.GET.get(self.parameter_name, "")
        names = dict.fromkeys([*settings.SMS_PROVIDERS, *([given] if given not in ("", NO_PROVIDER) else [])])
        return [*((name, name) for name in names), (NO_PROVIDER, _("none was tried"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(provider="" if self.value() == NO_PROVIDER else self.value())


class ReasonFilter(admin.SimpleListFilter):
    """Offered only where it is asked for, by a report: there are many codes."""

    title = gettext_lazy("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        given = request.GET.get(self.parameter_name, "").replace("\0", "")[:40]
        return [(given, in_words(given))] if given else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(error_code=self.value()) if self.value() else queryset
