"""GET /reports/delivery."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.scoping import clinics_asked_for
from common.rest.reports import (
    CLINIC_ID,
    CSV,
    FORMAT,
    FROM,
    TO,
    Period,
    ReportMixin,
    broken_down,
    csv_answer,
)
from common.rest.views import ApiView
from messaging.delivery_report import Group, deliveries

COLUMNS = (
    *("clinic_id", "clinic_code", "clinic_name", "month", "provider", "status", "error_code"),
    *("messages", "parts", "parts_sent", "price", "currency"),
)
_BY = {
    "by_clinic": ("clinic_code", "clinic_name", "clinic_id"),
    "by_month": ("month",),
    "by_provider": ("provider",),
    "by_status": ("status",),
    "by_error_code": ("error_code",),
}


class CurrencySum(serializers.Serializer[Any]):
    amount = serializers.CharField(help_text="A decimal number.")
    currency = serializers.CharField()


class Sums(serializers.Serializer[Any]):
    messages = serializers.IntegerField()
    parts = serializers.IntegerField()
    parts_sent = serializers.IntegerField(help_text="Of the texts that a provider took.")
    prices = CurrencySum(many=True, help_text="Of the parts sent, a sum a currency.")


class TextsOfClinic(Sums):
    clinic_id = serializers.UUIDField()
    clinic_code = serializers.CharField()
    clinic_name = serializers.CharField()


class TextsOfMonth(Sums):
    month = serializers.CharField(help_text="2026-12, in which the texts were asked for.")


class TextsOfProvider(Sums):
    provider = serializers.CharField(allow_blank=True, help_text="Empty: none was tried.")


class TextsOfStatus(Sums):
    status = serializers.CharField()


class TextsOfError(Sums):
    error_code = serializers.CharField(allow_blank=True)


class DeliveryRow(serializers.Serializer[Any]):
    clinic_id = serializers.UUIDField()
    clinic_code = serializers.CharField()
    clinic_name = serializers.CharField()
    month = serializers.CharField()
    provider = serializers.CharField(allow_blank=True)
    status = serializers.CharField()
    error_code = serializers.CharField(allow_blank=True)
    messages = serializers.IntegerField()
    parts = serializers.IntegerField()
    parts_sent = serializers.IntegerField()
    price = serializers.CharField(allow_null=True, help_text="A decimal number; null where it is not set.")
    currency = serializers.CharField(allow_null=True)


class DeliverySerializer(serializers.Serializer[Any]):
    totals = Sums()
    by_clinic = TextsOfClinic(many=True)
    by_month = TextsOfMonth(many=True)
    by_provider = TextsOfProvider(many=True)
    by_status = TextsOfStatus(many=True)
    by_error_code = TextsOfError(many=True)
    results = DeliveryRow(many=True)

    def get_fields(self) -> dict[str, Any]:
        # Not declared: "from" is a word of Python's.
        bounds = {"from": serializers.DateTimeField(), "to": serializers.DateTimeField()}
        return {**bounds, **super().get_fields()}


class DeliveryReport(ReportMixin, ApiView):
    """What became of texts and what they cost, on each clinic's own calendar."""

    summaries = {"GET": "Report on delivery of texts"}
    kind = "messaging.message"
    query_parameters: ClassVar[frozenset[str]] = frozenset({"format", "from", "to", "clinic_id"})
    serializer_class = DeliverySerializer

    @extend_schema(
        parameters=[FORMAT, FROM, TO, CLINIC_ID],
        responses={(200, "application/json"): DeliverySerializer, **CSV},
    )
    def get(self, request: Any) -> Any:
        given = request.query_params
        as_csv = self.wants_csv()
        period = Period(given.get("from"), given.get("to"), timezone.now())
        begin, end = period.bounds(timezone.get_current_timezone())
        groups = deliveries(clinics_asked_for(request), period.bounds)
        rows = [_row(group) for group in groups]
        if as_csv:
            return csv_answer("delivery", COLUMNS, rows)
        return Response(
            {
                "from": begin.isoformat(),
                "to": end.isoformat(),
                "totals": _summed(groups),
                **broken_down(groups, _BY, _row, _summed),
                "results": rows,
            }
        )


def _row(group: Group) -> dict[str, Any]:
    return {
        "clinic_id": str(group.clinic.pk),
        "clinic_code": group.clinic.code,
        "clinic_name": group.clinic.name,
        "month": f"{group.month:%Y-%m}",
        "provider": group.provider,
        "status": group.status,
        "error_code": group.error_code,
        "messages": group.messages,
        "parts": group.parts,
        "parts_sent": group.parts_sent,
        "price": None if group.price is None else str(group.price),
        "currency": group.currency,
    }


def _summed(groups: Iterable[Group]) -> dict[str, Any]:
    prices: dict[str, Decimal] = defaultdict(Decimal)
    sums = dict.fromkeys(("messages", "parts", "parts_sent"), 0)
    for group in groups:
        for name in sums:
            sums[name] += getattr(group, name)
        if group.price is not None and group.currency:
            prices[group.currency] += group.price
    told = [{"amount": str(prices[currency]), "currency": currency} for currency in sorted(prices)]
    return {**sums, "prices": told}
