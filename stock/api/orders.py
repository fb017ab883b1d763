"""What is on order, and what comes of it."""

from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.response import Response

from accounts.api.scoping import InClinics
from accounts.audit import Actor
from common.rest.views import DetailView, ListView
from stock import orders
from stock.api.bodies import OrderBody, ReceiptBody, in_units
from stock.api.filters import OrderFilters, OrdersOfAllFilters
from stock.api.movements import LEVEL, MOVEMENTS, OfLevel
from stock.api.serializers import MovementSerializer, OrderSerializer
from stock.models import Order

ORDERS = Order.objects.select_related("level__clinic", "level__item")
SORTS: dict[str, str] = {"ordered_on": "ordered_on", "created_at": "created_at"}


class Received(OrderSerializer):
    movement = MovementSerializer(help_text="The receipt in the ledger.")

    class Meta(OrderSerializer.Meta):
        fields: tuple[str, ...] = (*OrderSerializer.Meta.fields, "movement")
        read_only_fields = fields


@extend_schema(parameters=[LEVEL])
class LevelOrders(OfLevel, ListView):
    """A level's orders, the newest first."""

    summaries = {"GET": "List a level's orders", "POST": "Note an order"}
    refusals = {
        "POST": (
            "STATE_CONFLICT",
            "VERSION_CONFLICT",
        )
    }
    kind = "stock.order"
    queryset = ORDERS
    serializer_class = OrderSerializer
    filterset_class = OrderFilters
    sort_fields: ClassVar[dict[str, str]] = SORTS
    default_sort = "-ordered_on"

    @extend_schema(request=OrderBody, responses={201: OrderSerializer})
    def post(self, request: Any, level_id: UUID) -> Response:
        level = self.level
        body = OrderBody(data=request.data)
        body.is_valid(raise_exception=True)
        given = in_units(body.validated_data, level)
        placed = orders.place_order(
            level_id=level_id, actor=Actor.of(request.user), now=timezone.now(), **given
        )
        shown = self.get_serializer(ORDERS.get(pk=placed.pk)).data
        return Response(shown, status=201, headers={"Location": f"/api/v1/stock/orders/{placed.pk}"})


class Orders(InClinics):
    kind = "stock.order"
    clinic_path = "level__clinic"
    queryset = ORDERS
    serializer_class: ClassVar[Any] = OrderSerializer
    actions: ClassVar[dict[str, str]] = {"POST": "change"}

    def shown(self, order_id: UUID) -> dict[str, Any]:
        return dict(OrderSerializer(ORDERS.get(pk=order_id)).data)


@extend_schema_view(get=extend_schema(operation_id="stock_orders_of_all_list"))
class OrderList(Orders, ListView):
    """The orders of all the caller's clinics."""

    summaries = {"GET": "List orders"}
    filterset_class = OrdersOfAllFilters
    sort_fields: ClassVar[dict[str, str]] = SORTS
    default_sort = "-ordered_on"


class OrderDetail(Orders, DetailView):
    summaries = {"GET": "Show an order"}


class ReceiveOrder(Orders):
    """POST takes in a delivery on an order, in one part or several."""

    summaries = {"POST": "Take in an order"}
    refusals = {
        "POST": (
            "STATE_CONFLICT",
            "INSUFFICIENT_STOCK",
        )
    }

    @extend_schema(request=ReceiptBody, responses={200: Received})
    def post(self, request: Any, pk: UUID) -> Response:
        order = self.get_object()
        body = ReceiptBody(data=request.data)
        body.is_valid(raise_exception=True)
        given = in_units(body.validated_data, order.level)
        entry = orders.receive_order(order_id=pk, actor=Actor.of(request.user), now=timezone.now(), **given)
        shown = MovementSerializer(MOVEMENTS.get(pk=entry.pk)).data
        return Response({**self.shown(pk), "movement": shown})


class CancelOrder(Orders):
    """POST says that what is still to come won't; a second time changes nothing."""

    summaries = {"POST": "Cancel an order"}
    without_body = frozenset({"POST"})
    refusals = {"POST": ("STATE_CONFLICT",)}

    @extend_schema(request=None, responses={200: OrderSerializer})
    def post(self, request: Any, pk: UUID) -> Response:
        self.get_object()
        self.refuse_fields()
        orders.cancel_order(order_id=pk, actor=Actor.of(request.user), now=timezone.now())
        return Response(self.shown(pk))
