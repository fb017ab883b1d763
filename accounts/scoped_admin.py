"""Admin pages cut to what a person may see: their clinics, phones in full or masked, the object's history."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import clinics_visible_to, sees_phones, visible_to
from accounts.audit import Actor
from accounts.day_spans import as_date, as_span, span_of
from accounts.list_exports import ExportedList
from accounts.models import AuditEntry
from common.admin import ServiceAdmin, Table
from common.dates import moment_in_words
from common.phones import PhoneError, mask, parse_mobile

HISTORY_SHOWN = 200
PHONES = {"phone", "to"}


def actor_of(request: HttpRequest) -> Actor:
    return Actor.of(request.user)  # type: ignore[arg-type]


# "Tue 1 Dec 2026, 09:30" on the clinic's clock.
local = moment_in_words


class AuditedAdmin(ExportedList, ServiceAdmin):
    """Its history is the audit log's."""

    def audit_id(self, obj: Any) -> Any:
        """The id under which the object's changes are recorded."""
        return obj.pk

    def audit_ids(self, obj: Any) -> list[Any]:
        """The same where there are several."""
        return [self.audit_id(obj)]

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        obj = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        entries = AuditEntry.objects.filter(object_id__in=self.audit_ids(obj))[:HISTORY_SHOWN]
        full = sees_phones(request.user)
        rows = [
            (
                local(entry.at, timezone.get_current_timezone()),
                entry.actor_name,
                entry.action,
                changes_in_words(entry.changes, self.model, with_phones=full),
            )
            for entry in entries
        ]
        table = Table(
            _("Changes"), [_("When"), _("Who"), _("What"), _("Changes")], rows, _("Nothing is recorded.")
        )
        context = {
            **self.admin_site.each_context(request),
            "title": _("History"),
            "subtitle": str(obj),
            "opts": self.opts,
            "object": obj,
            "table": table,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/object_audit.html", context)


def changes_in_words(
    changes: Mapping[str, list[Any]], model: type[Model] | None, *, with_phones: bool
) -> str:
    """ "status: booked → cancelled; …" """

    def word(field: str, value: Any) -> str:
        if value in (None, "", []):
            return "–"
        if field in PHONES and not with_phones:
            return mask(str(value))
        if isinstance(value, bool):
            return _("Yes") if value else _("No")
        return str(_choices(model, field).get(value) or _moment_in_words(str(value)))

    return "; ".join(
        f"{_label(model, field)}: {word(field, before)} → {word(field, after)}"
        for field, (before, after) in changes.items()
        if before not in (None, "") or after not in (None, "")
    )


def _moment_in_words(text: str) -> str:
    """A time as the log keeps it, on the site's clock; all else as it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return local(moment, timezone.get_current_timezone()) if moment.tzinfo else text


def _choices(model: type[Model] | None, field: str) -> dict[Any, Any]:
    """The words of a field's values, where it has a fixed set of them."""
    try:
        found: Any = model._meta.get_field(field) if model else None
    except FieldDoesNotExist:
        return {}
    return dict(getattr(found, "flatchoices", ()))


def _label(model: type[Model] | None, field: str) -> str:
    try:
        return str(model._meta.get_field(field).verbose_name) if model else field  # type: ignore[union-attr]
    except FieldDoesNotExist:
        return field


class PresetClinic(AuditedAdmin):
    """Whoever has one clinic need not choose it. What the address says goes first."""

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        clinics = list(clinics_visible_to(request.user)[:2])
        preset = {"clinic": clinics[0].pk} if len(clinics) == 1 else {}
        return {**preset, **super().get_changeform_initial_data(request)}


class ClinicScopedAdmin(PresetClinic):
    """Lists, opens and offers only what belongs to the person's clinics; everything else is not there.

    `clinic_path` leads from the model to its clinic. `masked` maps a field with a phone to the method that
    shows it masked, for those who may not see it.
    """

    clinic_path: ClassVar[str] = "clinic"
    masked: ClassVar[Mapping[str, str]] = {}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible_to(request.user, super().get_queryset(request), self.clinic_path)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        theirs = self.admin_site.get_model_admin(db_field.remote_field.model)
        kwargs["queryset"] = theirs.get_queryset(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self._shown(request, super().get_list_display(request))

    def export_names(self, request: HttpRequest) -> list[str]:
        return self._shown(request, super().export_names(request))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fieldsets = super().get_fieldsets(request, obj)
        return [
            (title, {**options, "fields": self._shown(request, options["fields"])})
            for title, options in fieldsets
        ]

    def _shown(self, request: HttpRequest, fields: Any) -> list[Any]:
        full = sees_phones(request.user)
        return [field if full else self.masked.get(field, field) for field in fields]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        fields = super().get_search_fields(request)
        full = sees_phones(request.user)
        return [field for field in fields if full or field.rpartition("__")[2] not in PHONES]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """A whole phone number, however it is written, finds exactly that phone."""
        phones = [f for f in self.get_search_fields(request) if f.rpartition("__")[2] in PHONES]
        try:
            return queryset.filter(**{phones[0]: parse_mobile(search_term)}), False
        except (IndexError, PhoneError):
            return super().get_search_results(request, queryset, search_term)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        # The address could ask for phone__startswith; only the filters on the page may be asked.
        filters = self.get_list_filter(request)
        names = {
            getattr(item, "parameter_name", item[0] if isinstance(item, tuple) else item) for item in filters
        }
        return lookup.removesuffix("__exact").removesuffix("__isnull") in names and super().lookup_allowed(
            lookup, value, request
        )


class ClinicFilter(admin.SimpleListFilter):
    """Own clinics only; hidden for those who have one."""

    title = gettext_lazy("clinic")
    parameter_name = "clinic"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        clinics = [(str(clinic.pk), clinic.name) for clinic in clinics_visible_to(request.user)]
        return clinics if len(clinics) > 1 else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        if self.value() not in dict(self.lookup_choices):
            return queryset.none()
        return queryset.filter(**{self.path: self.value()})

    @property
    def path(self) -> str:
        return self.model_admin.clinic_path

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self.model_admin = model_admin
        super().__init__(request, params, model, model_admin)


class DayFilter(admin.SimpleListFilter):
    """By day on each clinic's own clock: a choice of words, or a date. `field` is the time it looks at."""

    title = gettext_lazy("day")
    parameter_name = "day"
    template = "admin/day_filter.html"
    # Shown over the list, not among the other filters.
    above_list = True
    field: ClassVar[str]
    # What the list shows when nothing is chosen and nothing searched for; None is everything.
    unasked: ClassVar[str | None] = None

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self.model_admin = model_admin
        self.kept = [
            (name, value)
            for name, value in request.GET.items()
            if name not in (self.parameter_name, "p", "e")
        ]
        self.searching = bool(request.GET.get("q"))
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        words = [
            ("today", _("Today")),
            ("tomorrow", _("Tomorrow")),
            ("yesterday", _("Yesterday")),
            ("week", _("This week")),
            ("from-today", _("From today on")),
            ("past", _("Before today")),
        ]
        return [*words, ("all", _("All days"))]

    def choices(self, changelist: Any) -> Any:
        _everything, *choices = super().choices(changelist)
        if (span := as_span(self.asked)) is not None:
            query = changelist.get_query_string({self.parameter_name: self.asked})
            shown = " – ".join(date_format(day, "j M Y") for day in span)
            return [{"selected": True, "query_string": query, "display": shown}, *choices]
        if self.asked not in dict(self.lookup_choices):
            return choices
        for choice, (value, _title) in zip(choices, self.lookup_choices, strict=True):
            choice["selected"] = value == self.asked
        return choices

    @property
    def asked(self) -> str:
        return self.value() or ("all" if self.searching else self.unasked or "all")

    @property
    def date(self) -> str:
        """The date that was typed, if it was one."""
        return self.asked if as_date(self.asked) else ""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.asked == "all":
            return queryset
        path = self.model_admin.clinic_path
        zones = set(
            clinics_visible_to(request.user).order_by().values_list("time_zone", flat=True).distinct()
        )
        anywhere = Q(pk__isnull=True)
        for name in zones:
            here = self._within(ZoneInfo(name))
            anywhere |= here if len(zones) == 1 else here & Q(**{f"{path}__time_zone": name})
        return queryset.filter(anywhere)

    def _within(self, zone: ZoneInfo) -> Q:
        today = timezone.now().astimezone(zone).date()
        first, last = span_of(self.asked, today)
        within = Q()
        if first is not None:
            within &= Q(**{f"{self.field}__gte": datetime.combine(first, time(), zone)})
        if last is not None:
            end = datetime.combine(last + timedelta(days=1), time(), zone)
            within &= Q(**{f"{self.field}__lt": end})
        return within
