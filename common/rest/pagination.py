"""Lists in pages by number, or by cursor at a cost that does not grow with depth."""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import CharField, Model, Q, QuerySet, TextField
from django.utils.translation import gettext as _
from rest_framework.pagination import BasePagination
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from common.errors import NotFound, ValidationFailed
from common.rest.parameters import whole_number
from common.rest.sorting import Sort, sort_of

DEFAULT_LIMIT = 20
MOST = 100
PARAMETERS = ("page", "limit", "cursor", "sort")


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The row that a page starts after, or with `backwards` ends before.

    Of a free text `value` is None: it may be a person's name, and addresses are kept on the way.
    """

    sort: str
    value: Any
    key: str
    backwards: bool

    def encode(self) -> str:
        packed = json.dumps([self.sort, self.value, self.key, self.backwards], default=str)
        return urlsafe_b64encode(packed.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "_Cursor":
        try:
            packed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            sort, value, key, backwards = json.loads(packed)
            # Half a surrogate pair is JSON, but no text that a database knows.
            json.dumps(value, ensure_ascii=False).encode()
        except (binascii.Error, ValueError, TypeError, RecursionError):
            raise _bad_cursor() from None
        if not (isinstance(sort, str) and isinstance(key, str) and isinstance(backwards, bool)):
            raise _bad_cursor()
        return cls(sort, value, key, backwards)


def _bad_cursor() -> ValidationFailed:
    return ValidationFailed.on("cursor", _("Use the cursors of `next` and `previous` as they are."))


class PageOrCursor(BasePagination):
    """`page` and `limit` count all rows; `cursor` (empty for the first page) never does."""

    def paginate_queryset(self, queryset: QuerySet[Any], request: Any, view: Any = None) -> list[Any]:
        self.url = request.build_absolute_uri()
        self.sort = sort_of(request, view)
        self.limit = whole_number(request.query_params, "limit", DEFAULT_LIMIT, most=MOST)
        self.by_cursor = "cursor" in request.query_params
        if not self.by_cursor:
            return self._page(queryset, whole_number(request.query_params, "page", 1))
        if "page" in request.query_params:
            raise ValidationFailed.on("cursor", _("Give `page` or `cursor`, not both."))
        return self._rows_round(queryset, view, request.query_params["cursor"])

    def get_paginated_response(self, data: Any) -> Response:
        counted = {} if self.by_cursor else {"count": self.count}
        return Response({**counted, "next": self.next, "previous": self.previous, "results": data})

    def _page(self, queryset: QuerySet[Any], number: int) -> list[Any]:
        self.count = queryset.count()
        last = max(-(-self.count // self.limit), 1)
        if number > last:
            raise NotFound(_("There is no such page: the last one is %d.") % last)
        self.next = self._link("page", str(number + 1)) if number < last else None
        self.previous = self._link("page", str(number - 1)) if number > 1 else None
        ordered, start = queryset.order_by(*self.sort.order()), (number - 1) * self.limit
        if not start:
            return list(ordered[: self.limit])
        # What is passed over is read from an index alone, without the rows and what is joined to them.
        keys = list(ordered.values_list("pk", flat=True)[start : start + self.limit])
        return list(ordered.filter(pk__in=keys))

    def _rows_round(self, queryset: QuerySet[Any], view: Any, text: str) -> list[Any]:
        cursor = _Cursor.decode(text) if text else None
        backwards = cursor is not None and cursor.backwards
        self.is_of_words = _is_free_text(_field(queryset, self.sort.field))
        if cursor is not None:
            if cursor.sort != self.sort.name:
                raise ValidationFailed.on("cursor", _("This cursor belongs to another `sort`."))
            # Unfiltered: a row that has changed since still says where its page ended.
            value = self._words(view.get_queryset(), cursor) if self.is_of_words else cursor.value
            queryset = queryset.filter(_beyond(queryset, cursor, self.sort, value))
        found = list(queryset.order_by(*self.sort.order(backwards=backwards))[: self.limit + 1])
        more = len(found) > self.limit
        rows = found[: self.limit]
        if backwards:
            rows.reverse()
        has_next, has_previous = (True, more) if backwards else (more, cursor is not None)
        self.next = self._link_from(rows[-1], backwards=False) if rows and has_next else None
        self.previous = self._link_from(rows[0], backwards=True) if rows and has_previous else None
        return rows

    def _link_from(self, row: Model, *, backwards: bool) -> str:
        value = None if self.is_of_words else reduce(getattr, self.sort.field.split("__"), row)
        return self._link("cursor", _Cursor(self.sort.name, value, str(row.pk), backwards).encode())

    def _words(self, visible: QuerySet[Any], cursor: _Cursor) -> str:
        key = _read(visible.model._meta.pk, cursor.key)
        found = visible.filter(pk=key).order_by().values_list(self.sort.field, flat=True).first()
        if found is None or cursor.value is not None:
            raise _bad_cursor()
        return found

    def _link(self, name: str, value: str) -> str:
        url = remove_query_param(self.url, "cursor") if name == "page" else self.url
        return replace_query_param(url, name, value)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        sorts = [sign + name for name in sorted(view.sort_fields) for sign in ("", "-")]
        return [
            _parameter("page", "The page, from 1.", {"type": "integer", "minimum": 1}),
            _parameter("limit", "Rows a page.", {"type": "integer", "minimum": 1, "maximum": MOST}),
            _parameter("cursor", "Instead of `page`; empty for the first page.", {"type": "string"}),
            _parameter("sort", "The order; - in front turns it round.", {"type": "string", "enum": sorts}),
        ]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "count": {"type": "integer", "description": "With `page` only."},
                "next": link,
                "previous": link,
                "results": schema,
            },
        }


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def _beyond(queryset: QuerySet[Any], cursor: _Cursor, sort: Sort, value: Any) -> Q:
    """The rows after the cursor's in its direction. Rows of equal value go by their key."""
    value = _read(_field(queryset, sort.field), value)
    key = _read(queryset.model._meta.pk, cursor.key)
    if value is None or (isinstance(value, str) and "\0" in value):
        raise _bad_cursor()
    if isinstance(value, date) and not 1900 <= value.year <= 2200:
        # Turned to UTC, the ends of the calendar fall out of it.
        raise _bad_cursor()
    side = "lt" if sort.descending != cursor.backwards else "gt"
    # The first condition alone is what an index is searched by.
    return Q(**{f"{sort.field}__{side}e": value}) & (
        Q(**{f"{sort.field}__{side}": value}) | Q(**{f"pk__{side}": key})
    )


def _read(field: Any, given: Any) -> Any:
    try:
        return field.to_python(given)
    except (ValidationError, TypeError, ValueError, OverflowError):
        raise _bad_cursor() from None


def _is_free_text(field: Any) -> bool:
    return isinstance(field, CharField | TextField) and not field.choices


def _field(queryset: QuerySet[Any], path: str) -> Any:
    annotation = queryset.query.annotations.get(path)
    if annotation is not None:
        return annotation.output_field
    model: Any = queryset.model
    *relations, name = path.split("__")
    for relation in relations:
        model = model._meta.get_field(relation).related_model
    return model._meta.get_field(name)
