"""The ledger: what happened to a level, entry by entry."""

from collections.abc import Collection
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import get_object_or_404
from rest_framework.response import Response

from accounts.access import clinics_visible_to, visible_to
from accounts.api.scoping import InClinics
from accounts.audit import Actor
from common.errors import NotPermitted
from common.rest.views import ApiView, ListView
from stock import ledger, transfers
from stock.allocation import expired_as_facts
from stock.api.bodies import ArrivalBody, MovementBody, ReasonBody, in_units
from stock.api.filters import MovementFilters, TransferFilters
from stock.api.serializers import LevelSerializer, MovementSerializer, TransferSerializer
from stock.models import Movement, MovementLot, StockLevel, Transfer
from stock.passed_over import passed_over

_PLACES = ("sent__level__item", "sent__level__clinic", "to_level__clinic")
MOVEMENTS = Movement.objects.select_related(
    "level__clinic",
    "reversed_by",
    *(f"{role}__{place}" for role in ("transfer", "arrival_of", "loss_of") for place in _PLACES),
).prefetch_related(Prefetch("lots", queryset=MovementLot.objects.select_related("lot")))
LEVEL = OpenApiParameter("level_id", {"type": "string", "format": "uuid"}, OpenApiParameter.PATH)
AN_ISSUE = OpenApiExample("An issue", {"kind": "issue", "quantity": 20}, request_only=True)
A_RECEIPT = OpenApiExample(
    "A receipt",
    {"kind": "receipt", "packs": 5, "lot": "B1234", "expires_on": "2028-05-31"},
    request_only=True,
)


class ExpiredLot(serializers.Serializer[Any]):
    lot = serializers.CharField()
    expires_on = serializers.DateField()
    quantity = serializers.IntegerField(help_text="What lies on the shelf.")


class Entered(MovementSerializer):
    expired = ExpiredLot(
        many=True, help_text="What an issue or transfer skipped because it has expired: record it as wastage."
    )

    class Meta(MovementSerializer.Meta):
        fields: tuple[str, ...] = (*MovementSerializer.Meta.fields, "expired")
        read_only_fields = fields


class Written(Entered):
    level = LevelSerializer(help_text="As the entry left it.")

    class Meta(Entered.Meta):
        fields: tuple[str, ...] = (*Entered.Meta.fields, "level")
        read_only_fields = fields


def entered(movements: Collection[Movement]) -> dict[UUID, dict[str, Any]]:
    """What was just written, as it is shown, by its id. They must be of MOVEMENTS."""
    skipped = passed_over(movements)
    # All by one serializer: to make one takes longer than to show an entry.
    shown = MovementSerializer(movements, many=True).data
    return {
        movement.pk: {**seen, "expired": expired_as_facts(skipped.get(movement.pk, []))}
        for movement, seen in zip(movements, shown, strict=True)
    }


def written(movement: Movement) -> Response:
    """201, with the entry and the level as it is now."""
    found = MOVEMENTS.select_related("level__item").get(pk=movement.pk)
    return Response({**entered([found])[found.pk], "level": LevelSerializer(found.level).data}, status=201)


class OfLevel(ApiView):
    """What belongs to one level of the caller's clinics; 404 for others'."""

    @cached_property
    def level(self) -> StockLevel:
        mine = visible_to(self.request.user, StockLevel.objects.select_related("item", "clinic"))
        return get_object_or_404(mine, pk=self.kwargs["level_id"])

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset()
        return rows if getattr(self, "swagger_fake_view", False) else rows.filter(level=self.level)


@extend_schema(parameters=[LEVEL])
class LevelMovements(OfLevel, ListView):
    """A level's entries, the newest first."""

    summaries = {"GET": "List a level's ledger", "POST": "Record a movement"}
    refusals = {
        "POST": (
            "INSUFFICIENT_STOCK",
            "STATE_CONFLICT",
        )
    }
    kind = "stock.movement"
    queryset = MOVEMENTS
    serializer_class = MovementSerializer
    filterset_class = MovementFilters
    sort_fields: ClassVar[dict[str, str]] = {"sequence": "sequence", "occurred_on": "occurred_on"}
    default_sort = "-sequence"

    @extend_schema(request=MovementBody, responses={201: Written}, examples=[AN_ISSUE, A_RECEIPT])
    def post(self, request: Any, level_id: UUID) -> Response:
        """Writes an entry. Below zero: INSUFFICIENT_STOCK, and nothing is written."""
        level = self.level
        body = MovementBody(data=request.data)
        body.is_valid(raise_exception=True)
        return written(
            ledger.move(
                level_id=level_id,
                actor=Actor.of(request.user),
                now=timezone.now(),
                **in_units(body.validated_data, level),
            )
        )


class Reverse(InClinics):
    """POST takes an entry back by a new one; once for each."""

    summaries = {"POST": "Reverse an entry"}
    refusals = {
        "POST": (
            "INSUFFICIENT_STOCK",
            "STATE_CONFLICT",
        )
    }
    kind = "stock.movement"
    clinic_path = "level__clinic"
    queryset = Movement.objects.all()
    serializer_class = ReasonBody

    @extend_schema(request=ReasonBody, responses={201: Written})
    def post(self, request: Any, pk: UUID) -> Response:  # noqa: ARG002
        found = self.get_object()
        given = self.body(request)
        actor, now = Actor.of(request.user), timezone.now()
        return written(ledger.reverse(movement_id=found.pk, actor=actor, now=now, **given))


class Receive(ApiView):
    """POST takes in what another clinic sent, whole or short; the id is that of its `transfer_out`."""

    summaries = {"POST": "Take in a transfer"}
    refusals = {
        "POST": (
            "STATE_CONFLICT",
            "INSUFFICIENT_STOCK",
        )
    }
    kind = "stock.movement"
    serializer_class = ArrivalBody

    @extend_schema(request=ArrivalBody, responses={201: Written})
    def post(self, request: Any, pk: UUID) -> Response:
        transfer = self._transfer(pk)
        given = in_units(self.body(request), transfer.to_level)
        actor, now = Actor.of(request.user), timezone.now()
        return written(transfers.receive_transfer(movement_id=pk, actor=actor, now=now, **given))

    def _transfer(self, movement_id: UUID) -> Transfer:
        sent = Transfer.objects.select_related("to_level__item").filter(sent=movement_id)
        here = visible_to(self.request.user, sent, "to_level__clinic").first()
        if here is not None:
            return here
        if visible_to(self.request.user, sent, "sent__level__clinic").exists():
            raise NotPermitted(_("Only the clinic that it was sent to can take it in."))
        raise Http404


class TransferList(ListView):
    """What was sent from and to the caller's clinics."""

    summaries = {"GET": "List transfers on their way"}
    kind = "stock.transfer"
    queryset = Transfer.objects.select_related(*_PLACES)
    serializer_class = TransferSerializer
    filterset_class = TransferFilters
    sort_fields: ClassVar[dict[str, str]] = {"sent_on": "sent__occurred_on", "updated_at": "updated_at"}
    default_sort = "-sent_on"

    def get_queryset(self) -> QuerySet[Any]:
        rows, user = super().get_queryset(), self.request.user
        if user.is_admin:
            return rows
        mine = clinics_visible_to(user)
        return rows.filter(Q(sent__level__clinic__in=mine) | Q(to_level__clinic__in=mine))
