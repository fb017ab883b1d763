from datetime import datetime
from typing import Any

from rest_framework import serializers

from accounts.access import sees_phones
from appointments.models import Appointment, AppointmentStatus, ReminderState
from common.phones import mask
from common.rest.times import ClinicTimeField
from messaging.models import MessageStatus

ATTENDED = {AppointmentStatus.ATTENDED: True, AppointmentStatus.MISSED: False}
REACHED = {MessageStatus.SENT, MessageStatus.DELIVERED}


class AppointmentSerializer(serializers.ModelSerializer):
    """Needs `clinic`, `patient` and `present_reminders`, those for the appointment's present time."""

    clinic_id = serializers.UUIDField(read_only=True)
    patient_id = serializers.UUIDField(read_only=True)
    patient_name = serializers.CharField(source="patient.name", read_only=True)
    patient_phone = serializers.SerializerMethodField(help_text="E.164; masked for viewers.")
    appointment_datetime = ClinicTimeField(source="starts_at", read_only=True)
    attended = serializers.SerializerMethodField(help_text="null: not known yet.")
    reminders_sent = serializers.SerializerMethodField(
        help_text="Sent or delivered for the appointment's present time."
    )
    next_reminder_at = serializers.SerializerMethodField()
    created_at = ClinicTimeField(read_only=True)
    updated_at = ClinicTimeField(read_only=True)

    class Meta:
        model = Appointment
        fields = (
            *("id", "reference", "clinic_id", "patient_id", "patient_name", "patient_phone", "language"),
            *("appointment_datetime", "duration_minutes", "visit_type", "status", "attended"),
            *("reminders_sent", "next_reminder_at", "version", "created_at", "updated_at"),
        )
        read_only_fields = fields

    def get_patient_phone(self, appointment: Appointment) -> str:
        phone = appointment.patient.phone
        return phone if sees_phones(self.context["request"].user) else mask(phone)

    def get_attended(self, appointment: Appointment) -> bool | None:
        return ATTENDED.get(AppointmentStatus(appointment.status))

    def get_reminders_sent(self, appointment: Any) -> int:
        messages = [reminder.message for reminder in appointment.present_reminders]
        return sum(message is not None and message.status in REACHED for message in messages)

    def get_next_reminder_at(self, appointment: Any) -> datetime | None:
        planned = [r.due_at for r in appointment.present_reminders if r.state == ReminderState.PLANNED]
        return min(planned).astimezone(appointment.clinic.zone) if planned else None
