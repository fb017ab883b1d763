from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.access import sees_phones
from common.phones import mask
from common.rest.times import ClinicTimeField
from messaging.models import Message, MessageEvent

# How texts about appointments name their subject.
APPOINTMENT = "appointments.appointment"


class EventSerializer(serializers.ModelSerializer):
    at = serializers.SerializerMethodField()

    class Meta:
        model = MessageEvent
        fields = ("status", "at", "provider", "code", "detail")
        read_only_fields = fields

    @extend_schema_field({"type": "string", "format": "date-time"})
    def get_at(self, event: MessageEvent) -> str:
        return event.at.astimezone(event.message.zone).isoformat()


class ErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    permanent = serializers.BooleanField()


class MessageSerializer(serializers.ModelSerializer):
    """Needs `clinic` and, in order, `events`."""

    clinic_id = serializers.UUIDField(read_only=True)
    to = serializers.SerializerMethodField(help_text="E.164; masked for viewers.")
    send_at = ClinicTimeField(read_only=True)
    error = serializers.SerializerMethodField()
    appointment_id = serializers.SerializerMethodField()
    created_at = ClinicTimeField(read_only=True)
    sent_at = ClinicTimeField(read_only=True, allow_null=True)
    delivered_at = ClinicTimeField(read_only=True, allow_null=True)
    events = EventSerializer(many=True, read_only=True)

    class Meta:
        model = Message
        fields = (
            *("id", "clinic_id", "to", "body", "language", "status", "send_at", "provider"),
            *("provider_message_id", "segments", "encoding", "attempts", "error", "appointment_id"),
            *("created_at", "sent_at", "delivered_at", "events"),
        )
        read_only_fields = fields

    def get_to(self, message: Message) -> str:
        return message.to if sees_phones(self.context["request"].user) else mask(message.to)

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, message: Message) -> dict[str, Any] | None:
        if not message.error_code and not message.error_message:
            return None
        return {
            "code": message.error_code,
            "message": message.error_message,
            "permanent": message.error_permanent,
        }

    def get_appointment_id(self, message: Message) -> UUID | None:
        return message.subject_id if message.subject_type == APPOINTMENT else None
