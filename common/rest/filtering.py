"""Filters are query parameters named after fields."""

from datetime import timedelta, tzinfo
from functools import cached_property
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema_field

from common.errors import ValidationFailed
from common.rest.times import read_day, read_moment, start_of


class Filters(django_filters.FilterSet):
    """A filter whose name is a word of Python's is declared with _ at its end: `from_`."""

    @classmethod
    def get_filters(cls) -> dict[str, Any]:
        return {name.rstrip("_"): filter_ for name, filter_ in super().get_filters().items()}

    @cached_property
    def zone(self) -> tzinfo:
        """The clock on which a time without an offset is read."""
        return timezone.get_current_timezone()


def one_of(field: str, choices: list[tuple[str, Any]]) -> django_filters.ChoiceFilter:
    """Rows whose `field` is one of the choices' values."""
    values = ", ".join(value for value, _label in choices)
    said = format_lazy(_("Choose one of: {values}."), values=values)
    return django_filters.ChoiceFilter(
        field_name=field, choices=choices, error_messages={"invalid_choice": said}
    )


_DAY = {"type": "string", "format": "date"}
_DAY_OR_MOMENT = {"anyOf": [_DAY, {"type": "string", "format": "date-time"}]}


def described(schema: dict[str, Any], said: str) -> Any:
    """Tells the API's description what a filter takes."""
    return extend_schema_field({**schema, **({"description": said} if said else {})})


@described({"type": "boolean"}, "")
class YesNo(django_filters.TypedChoiceFilter):
    """true or false, and nothing that might be either."""

    def __init__(self, *args: Any, **options: Any) -> None:
        both = [("true", "true"), ("false", "false"), ("True", "True"), ("False", "False")]
        said = _("Give true or false.")
        super().__init__(
            *args,
            choices=both,
            coerce=lambda word: word.lower() == "true",
            error_messages={"invalid_choice": said},
            **options,
        )


class _TextFilter(django_filters.Filter):
    field_class = forms.CharField

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return qs
        try:
            return self.narrow(qs, value)
        except ValueError as error:
            name = next(name for name, filter_ in self.parent.filters.items() if filter_ is self)
            raise ValidationFailed.on(name, str(error)) from None

    def narrow(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        raise NotImplementedError


@described(_DAY_OR_MOMENT, "This date or time, or later.")
class From(_TextFilter):
    """At this time or later; a date alone is its start."""

    def narrow(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(**{f"{self.field_name}__gte": read_moment(value, self.parent.zone)})


@described(_DAY_OR_MOMENT, "Before this time; a date alone includes that day.")
class To(_TextFilter):
    """Before this time; a date alone includes that day."""

    def narrow(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        end = read_moment(value, self.parent.zone, whole_day=True)
        return qs.filter(**{f"{self.field_name}__lt": end})


@described(_DAY, "On this day of the clinic's.")
class OnDay(_TextFilter):
    """On this day of the clinic's."""

    def narrow(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        day, zone = read_day(value), self.parent.zone
        return qs.filter(
            **{
                f"{self.field_name}__gte": start_of(day, zone),
                f"{self.field_name}__lt": start_of(day + timedelta(days=1), zone),
            }
        )


class DayFrom(_TextFilter):
    """Of a date: on this day or later."""

    schema_format = "date"

    def narrow(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(**{f"{self.field_name}__gte": read_day(value)})


class DayTo(_TextFilter):
    """Of a date: this day or earlier."""

    schema_format = "date"

    def narrow(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(**{f"{self.field_name}__lte": read_day(value)})
