"""Alerts: those that are open, that somebody acts on them, and one sent by hand."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from accounts.access import visible_to
from accounts.api.scoping import ClinicFilters, InClinics
from accounts.audit import Actor
from common.errors import ValidationFailed
from common.rest.filtering import one_of
from common.rest.serializers import Body
from common.rest.times import ClinicTimeField, read_moment
from common.rest.views import ApiView, ListView
from stock.alerts import acknowledge
from stock.manual_alerts import LONGEST_MESSAGE, alert_managers
from stock.models import AlertKind, AlertStatus, StockAlert, StockAlertQuerySet, StockLevel
from stock.reaching import Reader

KIND = "stock.stockalert"
ALERTS = StockAlert.objects.select_related("clinic", "level__item")


class AlertItemSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()
    unit = serializers.CharField()
    vital = serializers.BooleanField()


class AlertSerializer(serializers.ModelSerializer):
    """Needs `clinic` and `level__item`."""

    stock_id = serializers.UUIDField(source="level_id", read_only=True)
    clinic_id = serializers.UUIDField(read_only=True)
    item = serializers.SerializerMethodField()
    on_hand = serializers.IntegerField(source="level.on_hand", read_only=True)
    usable = serializers.IntegerField(source="level.usable", read_only=True)
    days_of_stock = serializers.FloatField(source="level.days_of_stock", read_only=True, allow_null=True)
    suggested_order = serializers.IntegerField(source="level.suggested_order", read_only=True)
    opened_at = ClinicTimeField(read_only=True)
    worsened_at = ClinicTimeField(read_only=True, allow_null=True)
    acknowledged_at = ClinicTimeField(read_only=True, allow_null=True)
    snoozed_until = ClinicTimeField(read_only=True, allow_null=True)
    reminded_at = ClinicTimeField(read_only=True, allow_null=True)
    escalated_at = ClinicTimeField(read_only=True, allow_null=True)
    closed_at = ClinicTimeField(read_only=True, allow_null=True)

    class Meta:
        model = StockAlert
        fields = (
            *("id", "stock_id", "clinic_id", "item", "kind", "status", "opening_status"),
            *("on_hand", "usable", "days_of_stock", "suggested_order", "opened_at", "worsened_at"),
            *("acknowledged_at", "acknowledged_by", "ordered", "snoozed_until", "reminded_at"),
            *("escalated_at", "closed_at"),
        )
        read_only_fields = fields

    @extend_schema_field(AlertItemSerializer)
    def get_item(self, alert: StockAlert) -> dict[str, Any]:
        return AlertItemSerializer(alert.level.item).data


class AlertFilters(ClinicFilters):
    status = one_of("status", AlertStatus.choices)
    kind = one_of("kind", AlertKind.choices)
    item = django_filters.CharFilter(method="of_item", help_text="An item's id or code.")

    def of_item(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        try:
            return queryset.filter(level__item_id=UUID(value))
        except ValueError:
            return queryset.filter(Q(level__item__code=value.strip().upper()))


class AlertList(InClinics, ListView):
    """The open alerts of one's clinics."""

    summaries = {"GET": "List open stock alerts"}
    kind = KIND
    queryset = StockAlertQuerySet(StockAlert).open().select_related("clinic", "level__item")
    serializer_class = AlertSerializer
    filterset_class = AlertFilters
    sort_fields: ClassVar[dict[str, str]] = {"opened_at": "opened_at"}
    default_sort = "-opened_at"


class AcknowledgeBody(Body):
    ordered = serializers.BooleanField(
        required=False,
        help_text="It is on order: nobody is reminded before it should have come. False takes that back.",
    )
    snooze_until = serializers.CharField(
        required=False, allow_null=True, help_text="A time or a date: then it is told of again."
    )


class Acknowledge(InClinics):
    """POST says that somebody acts; without `ordered` or `snooze_until`, that it was seen. The same again
    changes nothing; of an alert that is over it is a STATE_CONFLICT."""

    summaries = {"POST": "Say that somebody acts on a stock alert"}
    refusals = {"POST": ("STATE_CONFLICT",)}
    kind = KIND
    actions: ClassVar[dict[str, str]] = {"POST": "change"}
    queryset = ALERTS
    serializer_class = AcknowledgeBody

    @extend_schema(request=AcknowledgeBody, responses={200: AlertSerializer})
    def post(self, request: Any, pk: Any) -> Response:  # noqa: ARG002
        alert: StockAlert = self.get_object()
        given = self.body(request)
        until = None
        if given.get("snooze_until") is not None:
            try:
                until = read_moment(given["snooze_until"], alert.clinic.zone)
            except ValueError as error:
                raise ValidationFailed.on("snooze_until", str(error)) from None
        acknowledge(
            alert_id=alert.pk,
            ordered=given.get("ordered"),
            snooze_until=until,
            actor=Actor.of(request.user),
            now=timezone.now(),
        )
        return Response(AlertSerializer(ALERTS.get(pk=alert.pk)).data)


class ManualBody(Body):
    stock_id = serializers.UUIDField()
    message = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_MESSAGE)


class ToldSerializer(serializers.Serializer[Any]):
    user_id = serializers.UUIDField()
    username = serializers.CharField()
    by = serializers.ListField(child=serializers.ChoiceField(["sms", "email"]))


class NotToldSerializer(serializers.Serializer[Any]):
    user_id = serializers.UUIDField()
    username = serializers.CharField()
    reason = serializers.CharField()


class ManualAnswer(serializers.Serializer[Any]):
    stock_id = serializers.UUIDField()
    told = ToldSerializer(many=True)
    not_told = NotToldSerializer(many=True)
    note = serializers.CharField(allow_blank=True, help_text="Why nobody is told, if so.")


class ManualAlert(ApiView):
    """POST tells the stock managers of the level's clinic at once, each as they like to be told."""

    summaries = {"POST": "Tell the stock managers of a level at once"}
    kind = KIND
    serializer_class = ManualBody

    @extend_schema(request=ManualBody, responses={202: ManualAnswer})
    def post(self, request: Any) -> Response:
        given = self.body(request)
        level = visible_to(request.user, StockLevel.objects.all()).filter(pk=given["stock_id"]).first()
        if level is None:
            raise ValidationFailed.on("stock_id", _("There is no such stock level in your clinics."))
        result = alert_managers(
            level_id=level.pk,
            message=given.get("message", ""),
            actor=Actor.of(request.user),
            now=timezone.now(),
        )
        answer = {
            "stock_id": level.pk,
            "told": [{**_who(reader), "by": reader.ways} for reader in result.told],
            "not_told": [{**_who(reader), "reason": reader.problem} for reader in result.not_told],
            "note": result.note,
        }
        return Response(answer, status=202)


def _who(reader: Reader) -> dict[str, Any]:
    return {"user_id": reader.user.pk, "username": reader.user.username}
