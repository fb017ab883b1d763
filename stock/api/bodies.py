"""What calls about movements and orders take."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from accounts.api.fields import Choice, Text, WholeNumber
from common.rest.serializers import Body
from stock.entries import KINDS
from stock.models import MovementKind, StockLevel
from stock.rules import MAX_LOT, MAX_REASON, checked_quantity


class Day(serializers.DateField):
    """A date like 2026-12-01."""

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str):
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)


class Amount(Body):
    """Units, or packs of the item."""

    quantity = WholeNumber(required=False, help_text="Units. An adjustment's sign says which way.")
    packs = WholeNumber(required=False, help_text="Instead of `quantity`: packs of the item's pack size.")

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if "quantity" in given and "packs" in given:
            said = [_("Give units or packs, not both.")]
            raise serializers.ValidationError({"quantity": said, "packs": said})
        return given


class Needed(Amount):
    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if not {"quantity", "packs"} & {*given}:
            raise serializers.ValidationError({"quantity": [_("This is needed.")]})
        return super().validate(given)


class MovementBody(Needed):
    kind = Choice(choices=[(kind.value, kind.label) for kind in KINDS])
    lot = Text(
        required=False,
        allow_blank=True,
        allow_null=True,
        max_length=MAX_LOT,
        help_text="Left out, what expires first is issued.",
    )
    expires_on = Day(required=False, allow_null=True, help_text="The lot's last day.")
    reason = Text(required=False, allow_blank=True, allow_null=True, max_length=MAX_REASON)
    occurred_on = Day(
        required=False, allow_null=True, help_text="The day on which it happened, if not today."
    )
    to_clinic_id = serializers.UUIDField(
        required=False, allow_null=True, help_text="For `transfer_out`, and only there."
    )


class ReceiptBody(Amount):
    """A delivery on an order. Without an amount, all that is still to come."""

    lot = Text(required=False, allow_blank=True, allow_null=True, max_length=MAX_LOT)
    expires_on = Day(required=False, allow_null=True)
    reason = Text(required=False, allow_blank=True, allow_null=True, max_length=MAX_REASON)
    occurred_on = Day(required=False, allow_null=True, help_text="The day on which it came, if not today.")


class ArrivalBody(Amount):
    """Without an amount, the whole transfer."""

    reason = Text(required=False, allow_blank=True, allow_null=True, max_length=MAX_REASON)


class ReasonBody(Body):
    reason = Text(required=False, allow_blank=True, allow_null=True, max_length=MAX_REASON)


class OrderBody(Needed):
    expected_on = Day(required=False, allow_null=True)
    ordered_on = Day(required=False, allow_null=True, help_text="If not today.")


def in_units(given: dict[str, Any], level: StockLevel) -> dict[str, Any]:
    """The fields that say something, with packs as units. ValidationFailed on "packs"."""
    values = {name: value for name, value in given.items() if value is not None}
    packs = values.pop("packs", None)
    if packs is not None:
        least = -(10**9) if values.get("kind") == MovementKind.ADJUSTMENT else 0
        values["quantity"] = checked_quantity(packs, least=least, field="packs") * level.item.pack_size
    return values
