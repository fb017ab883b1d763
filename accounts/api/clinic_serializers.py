from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.fields import Choice, Text, TimeOfDay, Version, WholeNumber, YesNo
from accounts.models import Clinic, ConsentPolicy, Language
from common.rest.serializers import Body

_HOURS = {"type": "array", "nullable": True, "items": {"type": "string"}, "minItems": 2, "maxItems": 2}


class QuietHours(Body):
    """No texts leave in [from, to) on the clinic's clock."""

    def get_fields(self) -> dict[str, Any]:
        # Not declared: "from" is a word of Python's.
        return {"from": TimeOfDay(), "to": TimeOfDay()}

    def to_internal_value(self, data: Any) -> Any:
        given = super().to_internal_value(data)
        # A PATCH asks for no field; half a pair is still none.
        missing = [name for name in self.fields if name not in given]
        if missing:
            raise serializers.ValidationError({name: [_("Give both times.")] for name in missing})
        return given

    def get_attribute(self, instance: Clinic) -> dict[str, Any] | None:
        if instance.quiet_from is None:
            return None
        return {"from": instance.quiet_from, "to": instance.quiet_to}


@extend_schema_field(
    {
        "type": "object",
        "properties": {str(day): _HOURS for day in range(7)},
        "required": [str(day) for day in range(7)],
        "additionalProperties": False,
        "example": {**{str(day): ["07:30", "16:30"] for day in range(5)}, "5": None, "6": None},
    }
)
class OpeningHours(serializers.JSONField):
    """A day's hours under its number: "0" is Monday, null is closed. The model says what is right."""


class ClinicSerializer(Body):
    """A clinic with its rules for visits and texts."""

    # What a value may be is the model's to say; here stands what JSON it comes in.

    id = serializers.UUIDField(read_only=True)
    code = Text(max_length=20, help_text="The short name that files use: capitals, digits, - and _.")
    name = Text(max_length=80, help_text="As patients read it.")
    phone = Text(max_length=20, help_text="Patients call this number.")
    time_zone = Text(max_length=64, required=False, help_text="Africa/Gaborone, for example.")
    default_language = Choice(choices=Language.choices, required=False)
    slot_minutes = WholeNumber(min_value=5, max_value=480, required=False)
    slot_capacity = WholeNumber(
        min_value=1, max_value=32_767, allow_null=True, required=False, help_text="null: no limit."
    )
    quiet_hours = QuietHours(allow_null=True, required=False, help_text="null: none.")
    opening_hours = OpeningHours(required=False, help_text='By day: "0" is Monday; null is closed.')
    reminder_hours_before = serializers.ListField(
        child=WholeNumber(min_value=1, max_value=1440), max_length=10, required=False
    )
    consent_policy = Choice(choices=ConsentPolicy.choices, required=False)
    daily_message_budget = WholeNumber(
        min_value=0, max_value=2_147_483_647, allow_null=True, required=False, help_text="null: no limit."
    )
    send_confirmations = YesNo(required=False)
    send_cancellations = YesNo(required=False)
    send_missed = YesNo(required=False)
    version = Version()
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)
