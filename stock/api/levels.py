"""What clinics have: levels, their counts and thresholds."""

from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import FloatField, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Number, Text, Version, WholeNumber
from accounts.api.scoping import InClinics, chosen_clinic
from accounts.audit import Actor
from appointments.api.bodies import Moment
from common.errors import ValidationFailed
from common.rest.serializers import Body
from common.rest.times import on_clock_of
from common.rest.views import DetailView, ListView
from stock import counting, levels
from stock.api.filters import LevelFilters
from stock.api.movements import MOVEMENTS
from stock.api.serializers import LevelDetailSerializer, LevelSerializer, MovementSerializer
from stock.models import Item, StockLevel
from stock.rules import MOST_UNITS

LEVELS = StockLevel.objects.select_related("clinic", "item")
# What is not known comes last.
_NEVER = date(2199, 12, 31)
SORTABLE = {
    "runs_out_sort": Coalesce("runs_out_on", Value(_NEVER)),
    "next_expiry_sort": Coalesce("next_expiry", Value(_NEVER)),
    "days_sort": Coalesce("days_of_stock", Value(1e12), output_field=FloatField()),
}


class Thresholds(Body):
    reorder_level = WholeNumber(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=MOST_UNITS,
        help_text="Units; null: worked out from usage.",
    )
    max_level = WholeNumber(
        required=False, allow_null=True, min_value=1, max_value=MOST_UNITS, help_text="Units; null: no limit."
    )
    lead_time_days = WholeNumber(
        required=False, min_value=1, max_value=365, help_text="From order to delivery."
    )
    review_days = WholeNumber(required=False, min_value=1, max_value=365, help_text="Between two orders.")
    manual_daily_usage = Number(
        required=False,
        allow_null=True,
        help_text="Units a day that the clinic is open, until the ledger holds enough; null: none.",
    )


class NewLevel(Thresholds):
    clinic_id = serializers.UUIDField(required=False, help_text="May be left out where you have one clinic.")
    item_id = serializers.UUIDField()


class _SentBack(Body):
    """What is read-only is ignored, so that the object that was read can be sent back."""

    def get_fields(self) -> dict[str, Any]:
        known = super().get_fields()
        shown = LevelDetailSerializer.Meta.fields
        # A reorder level sent with a count is no count: it is refused, not passed over.
        return known | {
            name: serializers.JSONField(read_only=True)
            for name in shown
            if name not in known and name not in levels.CHANGEABLE
        }


class ChangedLevel(_SentBack, Thresholds):
    version = Version()


class CountBody(_SentBack):
    quantity = WholeNumber(min_value=0, max_value=MOST_UNITS, help_text="Units found, expired ones included.")
    reason = Text(required=False, allow_blank=True, max_length=200)
    version = Version()
    counted_at = Moment(
        required=False,
        help_text="When it was counted, instead of `version`: what moved after stays. Without an offset, "
        "on the clinic's clock.",
    )


class Counted(LevelDetailSerializer):
    movement = MovementSerializer(help_text="The count's entry in the ledger.")

    class Meta(LevelDetailSerializer.Meta):
        fields: tuple[str, ...] = (*LevelDetailSerializer.Meta.fields, "movement")
        read_only_fields = fields


class Levels(InClinics):
    kind = "stock.stocklevel"
    queryset = LEVELS
    serializer_class: ClassVar[Any] = LevelSerializer

    def detail(self, level_id: UUID) -> dict[str, Any]:
        context = {**self.get_serializer_context(), "now": timezone.now()}
        return dict(LevelDetailSerializer(LEVELS.get(pk=level_id), context=context).data)


class LevelList(Levels, ListView):
    summaries = {"GET": "List stock levels", "POST": "Start a stock level at zero"}
    refusals = {"POST": ("STATE_CONFLICT",)}
    filterset_class = LevelFilters
    sort_fields: ClassVar[dict[str, str]] = {
        "item": "item__name",
        "code": "item__code",
        "clinic": "clinic__name",
        "status": "status",
        "on_hand": "on_hand",
        "usable": "usable",
        "suggested_order": "suggested_order",
        "days_of_stock": "days_sort",
        "runs_out_on": "runs_out_sort",
        "next_expiry": "next_expiry_sort",
        "updated_at": "updated_at",
    }
    default_sort = "item"

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().annotate(**SORTABLE)

    @extend_schema(request=NewLevel, responses={201: LevelDetailSerializer})
    def post(self, request: Any) -> Response:
        """Starts a level at zero. What is there is then counted, or received."""
        body = NewLevel(data=request.data)
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        clinic = chosen_clinic(request.user, given.pop("clinic_id", None))
        item = Item.objects.filter(pk=given.pop("item_id")).first()
        if item is None:
            raise ValidationFailed.on("item_id", _("There is no such item."))
        made = levels.start_level(
            clinic=clinic, item=item, actor=Actor.of(request.user), now=timezone.now(), **given
        )
        shown = self.detail(made.pk)
        return Response(shown, status=201, headers={"Location": f"/api/v1/stock/{made.pk}"})


class LowList(Levels, ListView):
    """What is out, critical or low; the most urgent first."""

    summaries = {"GET": "List what runs out, most urgent first"}
    filterset_class = LevelFilters
    queryset = LEVELS.filter(urgency__isnull=False)
    sort_fields: ClassVar[dict[str, str]] = {"urgency": "urgency", "item": "item__name"}
    default_sort = "urgency"


class LevelDetail(Levels, DetailView):
    summaries = {"GET": "Show a stock level", "PUT": "Record a count", "PATCH": "Change thresholds"}
    refusals = {
        "PUT": (
            "VERSION_CONFLICT",
            "STATE_CONFLICT",
            "INSUFFICIENT_STOCK",
        ),
        "PATCH": (
            "VERSION_CONFLICT",
            "STATE_CONFLICT",
        ),
    }

    @extend_schema(responses={200: LevelDetailSerializer})
    def get(self, request: Any, pk: UUID) -> Response:  # noqa: ARG002
        return Response(self.detail(self.get_object().pk))

    @extend_schema(request=CountBody, responses={200: Counted})
    def put(self, request: Any, pk: UUID) -> Response:  # noqa: ARG002
        """A count: the difference becomes an entry of the ledger, `movement`."""
        level = self.get_object()
        body = CountBody(data=request.data)
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        if "counted_at" in given:
            given["counted_at"] = on_clock_of(level.clinic.zone, given["counted_at"], "counted_at")
        entry = counting.count(level_id=level.pk, actor=Actor.of(request.user), now=timezone.now(), **given)
        shown = MovementSerializer(MOVEMENTS.get(pk=entry.pk)).data
        return Response({**self.detail(level.pk), "movement": shown})

    @extend_schema(request=ChangedLevel, responses={200: LevelDetailSerializer})
    def patch(self, request: Any, pk: UUID) -> Response:  # noqa: ARG002
        """Changes thresholds; status and suggestion follow at once."""
        level = self.get_object()
        body = ChangedLevel(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        levels.change_level(
            level_id=level.pk, actor=Actor.of(request.user), now=timezone.now(), **body.validated_data
        )
        return Response(self.detail(level.pk))
