"""What calls about stock show."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.rest.times import ClinicTimeField
from stock.allocation import is_usable
from stock.figures import months_of_stock, threshold
from stock.models import Item, Lot, Movement, MovementLot, Order, OrderState, StockLevel, Transfer
from stock.words import suggestion_basis


class ItemSerializer(serializers.ModelSerializer):
    class Meta:
        model = Item
        fields = ("id", "code", "name", "unit", "pack_size", "vital", "shelf_life_days", "version")
        read_only_fields = fields


class ItemOfLevel(serializers.ModelSerializer):
    class Meta:
        model = Item
        fields = ("id", "code", "name", "unit", "pack_size")
        read_only_fields = fields


class LevelFields(serializers.ModelSerializer):
    """Needs `clinic` and `item`."""

    clinic_id = serializers.UUIDField(read_only=True)
    item = ItemOfLevel(read_only=True)
    on_hand = serializers.IntegerField(read_only=True, help_text="Units, expired ones included.")
    usable = serializers.IntegerField(read_only=True, help_text="Units that have not expired.")
    on_order = serializers.IntegerField(read_only=True, help_text="Units to come, transfers included.")
    daily_usage = serializers.FloatField(
        read_only=True, allow_null=True, help_text="Units a day that the clinic is open."
    )
    days_of_stock = serializers.FloatField(
        read_only=True, allow_null=True, help_text="Days that the clinic is open."
    )
    suggestion_basis = serializers.SerializerMethodField(
        help_text="The arithmetic of the suggested order, in words."
    )
    updated_at = ClinicTimeField(read_only=True)

    class Meta:
        model = StockLevel
        fields: tuple[str, ...] = (
            *("id", "clinic_id", "item", "on_hand", "usable", "on_order", "reorder_level", "max_level"),
            *("status", "daily_usage", "days_of_stock", "runs_out_on", "suggested_order"),
            *("suggestion_basis", "next_expiry", "version", "updated_at"),
        )
        read_only_fields = fields

    def get_suggestion_basis(self, level: StockLevel) -> str:
        return suggestion_basis(level)


class LevelSerializer(LevelFields):
    """A page has up to a hundred of them: the same values, without the framework's work at each field."""

    def to_representation(self, instance: StockLevel) -> dict[str, Any]:
        item = instance.item
        return {
            "id": str(instance.pk),
            "clinic_id": str(instance.clinic_id),
            "item": {
                "id": str(item.pk),
                "code": item.code,
                "name": item.name,
                "unit": item.unit,
                "pack_size": item.pack_size,
            },
            **{name: getattr(instance, name) for name in _AS_STORED},
            "runs_out_on": instance.runs_out_on and instance.runs_out_on.isoformat(),
            "suggestion_basis": suggestion_basis(instance),
            "next_expiry": instance.next_expiry and instance.next_expiry.isoformat(),
            "updated_at": instance.updated_at.astimezone(instance.clinic.zone).isoformat(),
        }


_AS_STORED = (
    *("on_hand", "usable", "on_order", "reorder_level", "max_level", "status", "daily_usage"),
    *("days_of_stock", "suggested_order", "version"),
)


class LotSerializer(serializers.ModelSerializer):
    """Needs `today` in the context: the clinic's day."""

    lot = serializers.CharField(source="code")
    usable = serializers.SerializerMethodField()

    class Meta:
        model = Lot
        fields = ("id", "lot", "expires_on", "quantity", "usable")
        read_only_fields = fields

    def get_usable(self, lot: Lot) -> bool:
        return is_usable(lot, self.context["today"])


class LevelDetailSerializer(LevelFields):
    """Needs `now` in the context."""

    threshold = serializers.SerializerMethodField(
        help_text="At or under it an order is due: the reorder level, or what usage asks for."
    )
    average_monthly = serializers.FloatField(read_only=True, allow_null=True)
    months_of_stock = serializers.SerializerMethodField()
    lots = serializers.SerializerMethodField(help_text="Those in stock, in the order they are issued in.")

    class Meta(LevelFields.Meta):
        fields: tuple[str, ...] = (
            *LevelFields.Meta.fields,
            *("threshold", "lead_time_days", "review_days", "manual_daily_usage"),
            *("average_monthly", "months_of_stock", "lots"),
        )
        read_only_fields = fields

    def get_threshold(self, level: StockLevel) -> int | None:
        return threshold(level)

    def get_months_of_stock(self, level: StockLevel) -> float | None:
        return months_of_stock(level)

    @extend_schema_field(LotSerializer(many=True))
    def get_lots(self, level: StockLevel) -> Any:
        now: datetime = self.context["now"]
        today = now.astimezone(level.clinic.zone).date()
        return LotSerializer(level.lots.filter(quantity__gt=0), many=True, context={"today": today}).data


class WhoSerializer(serializers.ModelSerializer):
    kind = serializers.CharField(source="actor_kind")
    id = serializers.UUIDField(source="actor_id", allow_null=True)
    name = serializers.CharField(source="actor_name")

    class Meta:
        model = Movement
        fields = ("kind", "id", "name")
        read_only_fields = fields


class MovementLotSerializer(serializers.ModelSerializer):
    lot = serializers.CharField(source="lot.code")
    expires_on = serializers.DateField(source="lot.expires_on", allow_null=True)
    quantity = serializers.IntegerField(help_text="What the entry added to this lot; taken is negative.")

    class Meta:
        model = MovementLot
        fields = ("lot", "expires_on", "quantity")
        read_only_fields = fields


class TransferSerializer(serializers.ModelSerializer):
    """Needs `sent.level` and `to_level`, each with its clinic, and `sent.level.item`."""

    movement_id = serializers.UUIDField(source="sent_id", help_text="The entry `transfer_out`: receive this.")
    item = ItemOfLevel(source="sent.level.item")
    from_clinic_id = serializers.UUIDField(source="sent.level.clinic_id")
    from_clinic_name = serializers.CharField(source="sent.level.clinic.name")
    to_clinic_id = serializers.UUIDField(source="to_level.clinic_id")
    to_clinic_name = serializers.CharField(source="to_level.clinic.name")
    sent_on = serializers.DateField(source="sent.occurred_on")

    class Meta:
        model = Transfer
        fields = (
            *("id", "movement_id", "item", "from_clinic_id", "from_clinic_name"),
            *("to_clinic_id", "to_clinic_name", "quantity", "received", "state", "sent_on"),
        )
        read_only_fields = fields


class MovementSerializer(serializers.ModelSerializer):
    """An entry of the ledger. Needs all that `stock.api.movements.MOVEMENTS` reads with it."""

    stock_id = serializers.UUIDField(source="level_id")
    clinic_id = serializers.UUIDField(source="level.clinic_id")
    quantity = serializers.IntegerField(help_text="As it was told; of a count, what was found.")
    change = serializers.IntegerField(help_text="What it did to the balance.")
    occurred_on = serializers.DateField(help_text="The day on which it happened.")
    recorded_at = serializers.SerializerMethodField()
    by = WhoSerializer(source="*")
    lots = MovementLotSerializer(many=True)
    reverses = serializers.UUIDField(source="reverses_id", allow_null=True)
    reversed_by = serializers.SerializerMethodField()
    order_id = serializers.UUIDField(allow_null=True)
    transfer = serializers.SerializerMethodField()

    class Meta:
        model = Movement
        fields: tuple[str, ...] = (
            *("id", "stock_id", "clinic_id", "sequence", "kind", "quantity", "change", "balance_after"),
            *("occurred_on", "recorded_at", "by", "reason", "lots", "reverses", "reversed_by"),
            *("order_id", "transfer"),
        )
        read_only_fields = fields

    def get_recorded_at(self, movement: Movement) -> datetime:
        return movement.recorded_at.astimezone(movement.level.clinic.zone)

    def get_reversed_by(self, movement: Movement) -> str | None:
        by = getattr(movement, "reversed_by", None)
        return str(by.pk) if by else None

    @extend_schema_field(TransferSerializer(allow_null=True))
    def get_transfer(self, movement: Movement) -> Any:
        for name in ("transfer", "arrival_of", "loss_of"):
            transfer = getattr(movement, name, None)
            if transfer is not None:
                return TransferSerializer(transfer).data
        return None


class OrderSerializer(serializers.ModelSerializer):
    """Needs `level.clinic` and `level.item`."""

    stock_id = serializers.UUIDField(source="level_id")
    clinic_id = serializers.UUIDField(source="level.clinic_id")
    item = ItemOfLevel(source="level.item")
    outstanding = serializers.IntegerField(help_text="Units still to come.")
    state = serializers.ChoiceField(choices=OrderState.choices)
    created_at = serializers.SerializerMethodField()

    class Meta:
        model = Order
        fields: tuple[str, ...] = (
            *("id", "stock_id", "clinic_id", "item", "quantity", "received", "outstanding", "state"),
            *("ordered_on", "expected_on", "received_on", "version", "created_at"),
        )
        read_only_fields = fields

    def get_created_at(self, order: Order) -> datetime:
        return order.created_at.astimezone(order.level.clinic.zone)
