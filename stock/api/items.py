"""Items: everybody reads them, administrators write: they are the same for all clinics."""

from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Text, Version, WholeNumber, YesNo
from accounts.audit import Actor
from common.errors import ValidationFailed
from common.rest.filtering import Filters
from common.rest.filtering import YesNo as TrueOrFalse
from common.rest.serializers import Body
from common.rest.views import ApiView, DetailView, ListView
from stock import catalogue
from stock.api.serializers import ItemSerializer
from stock.models import Item
from stock.rules import MOST_UNITS


class ItemBody(Body):
    id = serializers.UUIDField(read_only=True)
    code = Text(max_length=30, help_text="Capitals, digits, . - and _; it stays as it is.")
    name = Text(max_length=120)
    unit = Text(max_length=40, help_text="What is counted: tablet, vial, piece.")
    pack_size = WholeNumber(required=False, min_value=1, max_value=MOST_UNITS, help_text="Units; else 1.")
    vital = YesNo(required=False, help_text="A patient may come to harm without it.")
    shelf_life_days = WholeNumber(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MOST_UNITS,
        help_text="On arrival; null: it does not expire.",
    )
    version = Version()


class ItemFilters(Filters):
    code = django_filters.CharFilter(lookup_expr="iexact", max_length=30)
    vital = TrueOrFalse(field_name="vital")
    search = django_filters.CharFilter(method="by_words", label="In code and name.", max_length=120)

    def by_words(self, items: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return items.filter(Q(code__icontains=value) | Q(name__icontains=value))


class Items(ApiView):
    kind = "stock.item"
    queryset = Item.objects.all()
    serializer_class = ItemSerializer


class ItemList(Items, ListView):
    summaries = {"GET": "List items", "POST": "Add an item"}
    filterset_class = ItemFilters
    sort_fields: ClassVar[dict[str, str]] = {"name": "name", "code": "code", "created_at": "created_at"}
    default_sort = "name"

    @extend_schema(request=ItemBody, responses={201: ItemSerializer})
    def post(self, request: Any) -> Response:
        body = ItemBody(data=request.data)
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        given.pop("version", None)
        made = catalogue.make_item(actor=Actor.of(request.user), now=timezone.now(), **given)
        shown = self.get_serializer(made).data
        return Response(shown, status=201, headers={"Location": f"/api/v1/items/{made.pk}"})


class ItemDetail(Items, DetailView):
    summaries = {"GET": "Show an item", "PUT": "Replace an item", "PATCH": "Change an item"}
    refusals = {"PUT": ("VERSION_CONFLICT",), "PATCH": ("VERSION_CONFLICT",)}

    @extend_schema(request=ItemBody, responses={200: ItemSerializer})
    def put(self, request: Any, pk: Any) -> Response:  # noqa: ARG002
        return self._change(request, partial=False)

    @extend_schema(request=ItemBody, responses={200: ItemSerializer})
    def patch(self, request: Any, pk: Any) -> Response:  # noqa: ARG002
        return self._change(request, partial=True)

    def _change(self, request: Any, *, partial: bool) -> Response:
        item = self.get_object()
        body = ItemBody(data=request.data, partial=partial)
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        if given.pop("code", item.code) != item.code:
            raise ValidationFailed.on("code", _("An item's code stays. Make a new item."))
        changed = catalogue.change_item(
            item_id=item.pk, actor=Actor.of(request.user), now=timezone.now(), **given
        )
        return Response(self.get_serializer(changed).data)
