"""POST /stock/bulk: up to 1,000 entries of the ledger at once, each with its own result, in order."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from accounts.access import visible_to
from accounts.api.fields import YesNo
from accounts.audit import Actor
from common.errors import DomainError, ValidationFailed
from common.rest.bulk import ItemError, all_or_none, answered
from common.rest.serializers import Body
from common.rest.views import ApiView
from stock.api.bodies import MovementBody, in_units
from stock.api.movements import MOVEMENTS, Entered, entered
from stock.entries import Entry
from stock.ledger import MOST_AT_ONCE, move_all_or_none, move_many
from stock.models import Movement, StockLevel


class EntryItem(MovementBody):
    stock_id = serializers.UUIDField()


class EntriesBody(Body):
    items = serializers.ListField(
        child=serializers.JSONField(allow_null=True),
        allow_empty=False,
        max_length=MOST_AT_ONCE,
        help_text="As POST /stock/{id}/movements takes them, with `stock_id`.",
    )
    atomic = YesNo(required=False, default=False, help_text="All or none.")


class EntryResult(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="The item's place in the request, from 0.")
    status = serializers.IntegerField(help_text="As the call for one would answer: 201, 400, 409.")
    object = Entered(required=False)
    error = ItemError(required=False)


class EntriesAnswer(serializers.Serializer[Any]):
    atomic = serializers.BooleanField()
    succeeded = serializers.IntegerField()
    failed = serializers.IntegerField()
    results = EntryResult(many=True)


class Bulk(ApiView):
    """Up to 1,000 entries at once. A later item sees what an earlier one did."""

    summaries = {"POST": "Record many movements"}
    refusals = {
        "POST": (
            "INSUFFICIENT_STOCK",
            "STATE_CONFLICT",
        )
    }
    kind = "stock.movement"
    serializer_class = EntriesBody

    @extend_schema(request=EntriesBody, responses={200: EntriesAnswer})
    def post(self, request: Any) -> Response:
        body = self.body(request)
        results: list[Any] = self._read(body["items"])
        entries = {place: item for place, item in enumerate(results) if isinstance(item, Entry)}
        if not body["atomic"] or len(entries) == len(results):
            write = move_all_or_none if body["atomic"] else move_many
            done = write(entries=list(entries.values()), actor=Actor.of(request.user), now=timezone.now())
            for place, result in zip(entries, done, strict=True):
                results[place] = result.error or result.movement
        if body["atomic"]:
            results = all_or_none(results)
        found = MOVEMENTS.in_bulk([result.pk for result in results if isinstance(result, Movement)])
        seen = entered(found.values())
        told = answered(results, lambda entry: seen[entry.pk], status=201)
        return Response({"atomic": body["atomic"], **told})

    def _read(self, items: Sequence[Any]) -> list[Any]:
        """Each item as an Entry, or why it can't be read; one query for all."""
        checked = [_checked(item) for item in items]
        ids = {item["stock_id"] for item in checked if isinstance(item, dict)}
        mine = visible_to(self.request.user, StockLevel.objects.select_related("item"))
        known = {level.pk: level for level in mine.filter(pk__in=ids)}
        return [_entry(item, known) if isinstance(item, dict) else item for item in checked]


def _checked(item: Any) -> Any:
    read = EntryItem(data=item)
    try:
        read.is_valid(raise_exception=True)
    except ValidationError as error:
        return error
    return dict(read.validated_data)


def _entry(given: dict[str, Any], known: dict[Any, StockLevel]) -> Entry | DomainError:
    level = known.get(given.pop("stock_id"))
    if level is None:
        return ValidationFailed.on("stock_id", _("There is no such stock level in your clinics."))
    try:
        return Entry(level_id=level.pk, **in_units(given, level))
    except DomainError as refusal:
        return refusal
