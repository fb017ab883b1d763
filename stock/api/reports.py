"""GET /reports/stock."""

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from common.rest.reports import CSV, FORMAT, ReportMixin, csv_answer
from stock.api.levels import LevelList
from stock.models import StockLevel, StockStatus
from stock.report import COLUMNS, row

_BATCH = 1000


class StockRow(serializers.Serializer[StockLevel]):
    """A level with all its figures."""

    stock_id = serializers.UUIDField()
    clinic_id = serializers.UUIDField()
    item_id = serializers.UUIDField()
    clinic_code = serializers.CharField()
    clinic_name = serializers.CharField()
    item_code = serializers.CharField()
    item_name = serializers.CharField()
    unit = serializers.CharField()
    pack_size = serializers.IntegerField()
    vital = serializers.BooleanField()
    status = serializers.ChoiceField(choices=StockStatus.choices)
    on_hand = serializers.IntegerField()
    usable = serializers.IntegerField()
    on_order = serializers.IntegerField()
    reorder_level = serializers.IntegerField(allow_null=True)
    max_level = serializers.IntegerField(allow_null=True)
    threshold = serializers.IntegerField(allow_null=True)
    daily_usage = serializers.FloatField(allow_null=True)
    days_of_stock = serializers.FloatField(allow_null=True)
    runs_out_on = serializers.DateField(allow_null=True)
    average_monthly = serializers.FloatField(
        allow_null=True, help_text="Average monthly consumption (AMC), days without stock left out."
    )
    months_of_stock = serializers.FloatField(allow_null=True)
    suggested_order = serializers.IntegerField()
    suggested_packs = serializers.IntegerField()
    suggestion_basis = serializers.CharField()
    next_expiry = serializers.DateField(allow_null=True)
    will_expire = serializers.IntegerField(help_text="Usable units that will expire before they are used.")
    lead_time_days = serializers.IntegerField()
    review_days = serializers.IntegerField()
    usage_rate = serializers.FloatField(allow_null=True, help_text="Units a clinic day, from the ledger.")
    usage_days = serializers.IntegerField(help_text="The days that rate was counted on.")
    booked_demand = serializers.IntegerField(help_text="Units that booked visits will use.")

    def to_representation(self, level: StockLevel) -> dict[str, Any]:
        ids = {"stock_id": level.pk, "clinic_id": level.clinic_id, "item_id": level.item_id}
        return {**{name: str(pk) for name, pk in ids.items()}, **row(level)}


class StockReport(ReportMixin, LevelList):
    """One row a level, with all its figures; the filters of /stock. As CSV all rows, else in pages."""

    summaries = {"GET": "Report on stock"}
    serializer_class = StockRow
    http_method_names = ["get", "head"]

    @extend_schema(parameters=[FORMAT], responses={(200, "application/json"): StockRow(many=True), **CSV})
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if not self.wants_csv():
            return self.list(request, *args, **kwargs)
        levels: Iterable[StockLevel] = (
            self.filter_queryset(self.get_queryset())
            .order_by("clinic__code", "item__name", "pk")
            .iterator(chunk_size=_BATCH)
        )
        return csv_answer("stock", COLUMNS, map(row, levels))
