"""POST /sms/schedule: of a visit, or to a phone. It stands here because it may name an appointment."""

from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from accounts.access import visible_to
from accounts.api.scoping import chosen_clinic
from accounts.audit import Actor
from appointments.api import examples
from appointments.models import Appointment
from appointments.scheduled_texts import schedule_reminder
from common.errors import ValidationFailed
from common.rest.times import read_moment
from common.rest.views import ApiView
from messaging import own_texts
from messaging.api.sending import SendBody, message_answer, wording_of
from messaging.api.serializers import MessageSerializer


class ScheduleBody(SendBody):
    to = serializers.CharField(max_length=40, required=False)
    appointment_id = serializers.UUIDField(
        required=False, help_text="Instead of `to` and the text: the reminder of this visit."
    )
    send_at = serializers.CharField(
        max_length=40, help_text="Without an offset, on the clinic's clock. At most 365 days ahead."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "appointment_id" in attrs:
            beside = sorted(set(attrs) - {"appointment_id", "send_at", "clinic_id"})
            if beside:
                said = [_("The text of a visit is written for you: leave this out.")]
                raise serializers.ValidationError(dict.fromkeys(beside, said))
        elif "to" not in attrs:
            raise serializers.ValidationError({"to": [_("Give a phone, or an appointment_id.")]})
        return attrs


class Schedule(ApiView):
    """`{to, body}` or `{to, template, …}`, or a visit's reminder: `{appointment_id}`."""

    summaries = {"POST": "Send a text later"}
    refusals = {"POST": ("STATE_CONFLICT",)}
    kind = "messaging.message"
    serializer_class = ScheduleBody

    @extend_schema(request=ScheduleBody, responses={202: MessageSerializer}, examples=examples.SCHEDULE)
    def post(self, request: Any) -> Response:
        given = self.body(request)
        actor, now = Actor.of(request.user), timezone.now()
        if "appointment_id" in given:
            visit = self._visit(given["appointment_id"], given.get("clinic_id"))
            send_at = _moment(given["send_at"], visit.clinic.zone)
            message_id = schedule_reminder(visit, send_at=send_at, actor=actor, now=now)
        else:
            clinic = chosen_clinic(request.user, given.get("clinic_id"))
            message_id = own_texts.schedule(
                clinic=clinic,
                to=given["to"],
                wording=wording_of(given),
                send_at=_moment(given["send_at"], clinic.zone),
                actor=actor,
                now=now,
            )
        return message_answer(message_id, request, status=202)

    def _visit(self, appointment_id: UUID, clinic_id: UUID | None) -> Appointment:
        visits = visible_to(self.request.user, Appointment.objects.select_related("clinic", "patient"))
        if clinic_id is not None:
            visits = visits.filter(clinic=clinic_id)
        visit = visits.filter(pk=appointment_id).first()
        if visit is None:
            raise ValidationFailed.on("appointment_id", _("There is no such appointment in your clinics."))
        return visit


def _moment(text: str, zone: tzinfo) -> datetime:
    try:
        # A day alone says no time at which a text could leave.
        if len(text) <= len("2026-12-01"):
            raise ValueError(_("Write a time like 2026-12-01T09:30+02:00."))
        return read_moment(text, zone)
    except ValueError as error:
        raise ValidationFailed.on("send_at", str(error)) from None
