"""GET /reports/delivery."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from accounts.api.reports import GroupsReport, OfPeriod, OneClinic, clinic_columns, described
from accounts.models import Clinic
from messaging.delivery_report import Group, deliveries, prices

COLUMNS = (
    *("clinic_id", "clinic_code", "clinic_name", "month", "provider", "status", "error_code"),
    *("messages", "parts", "parts_sent", "price", "currency"),
)
_SUMMED = ("messages", "parts", "parts_sent")
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


class TextsOfClinic(Sums, OneClinic):
    pass


class TextsOfMonth(Sums):
    month = serializers.CharField(help_text="2026-12, in which the texts were asked for.")


class TextsOfProvider(Sums):
    provider = serializers.CharField(allow_blank=True, help_text="Empty: none was tried.")


class TextsOfStatus(Sums):
    status = serializers.CharField()


class TextsOfError(Sums):
    error_code = serializers.CharField(allow_blank=True)


class DeliveryRow(OneClinic):
    month = serializers.CharField()
    provider = serializers.CharField(allow_blank=True)
    status = serializers.CharField()
    error_code = serializers.CharField(allow_blank=True)
    messages = serializers.IntegerField()
    parts = serializers.IntegerField()
    parts_sent = serializers.IntegerField()
    price = serializers.CharField(allow_null=True, help_text="A decimal number; null where it is not set.")
    currency = serializers.CharField(allow_null=True)


class DeliverySerializer(OfPeriod):
    totals = Sums()
    by_clinic = TextsOfClinic(many=True)
    by_month = TextsOfMonth(many=True)
    by_provider = TextsOfProvider(many=True)
    by_status = TextsOfStatus(many=True)
    by_error_code = TextsOfError(many=True)
    results = DeliveryRow(many=True)


class DeliveryReport(GroupsReport):
    """What became of texts and what they cost, on each clinic's own calendar."""

    summaries = {"GET": "Report on delivery of texts"}
    kind = "messaging.message"
    serializer_class = DeliverySerializer
    filename = "delivery"
    columns = COLUMNS
    summed_by = _BY

    @extend_schema(**described(DeliverySerializer))
    def get(self, request: Any) -> Any:  # noqa: ARG002
        return self.report()

    def groups(self, clinics: QuerySet[Clinic], bounds: Callable[..., Any]) -> Sequence[Group]:
        return deliveries(clinics, bounds)

    def row(self, group: Group) -> dict[str, Any]:
        return {
            **clinic_columns(group.clinic),
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

    def summed(self, groups: Sequence[Group]) -> dict[str, Any]:
        sums = {name: sum(getattr(group, name) for group in groups) for name in _SUMMED}
        told = [{"amount": str(amount), "currency": currency} for amount, currency in prices(groups)]
        return {**sums, "prices": told}
