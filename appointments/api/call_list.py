from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.scoping import ClinicFilters, InClinics
from accounts.audit import Actor
from appointments.api import examples
from appointments.api.serializers import AppointmentSerializer
from appointments.api.views import WITH_REMINDERS
from appointments.call_list import WORDS, Why, last_calls, note_call, reasons, to_phone
from appointments.models import Appointment, CallOutcome, PhoneCall
from common.rest.serializers import Body
from common.rest.views import ApiView, ListView


class ReasonSerializer(serializers.Serializer[Why]):
    code = serializers.ChoiceField(choices=sorted(WORDS))
    message = serializers.CharField(source="words")


class CallSerializer(serializers.ModelSerializer):
    at = serializers.SerializerMethodField()

    class Meta:
        model = PhoneCall
        fields = ("id", "outcome", "at", "by")
        read_only_fields = fields

    def get_at(self, call: PhoneCall) -> datetime:
        return call.at.astimezone(self.context["zone"])


class CallListEntrySerializer(AppointmentSerializer):
    """An appointment with why a call is needed. Needs `why` and `last_call`."""

    reason = ReasonSerializer(source="why", read_only=True)
    next_try_at = serializers.SerializerMethodField(help_text="When the text is tried once more, if it is.")
    last_call = serializers.SerializerMethodField()

    class Meta:
        model = Appointment
        fields = (*AppointmentSerializer.Meta.fields, "reason", "next_try_at", "last_call")
        read_only_fields = fields

    def get_next_try_at(self, appointment: Any) -> datetime | None:
        again = appointment.why.next_try_at
        return again.astimezone(appointment.clinic.zone) if again else None

    @extend_schema(responses=CallSerializer)
    def get_last_call(self, appointment: Any) -> dict[str, Any] | None:
        if appointment.last_call is None:
            return None
        return CallSerializer(appointment.last_call, context={"zone": appointment.clinic.zone}).data


class CallList(InClinics, ListView):
    """Patients to phone: upcoming, and no reminder can reach or has reached them, with why."""

    summaries = {"GET": "List patients to phone"}
    kind = "appointments.appointment"
    queryset = WITH_REMINDERS
    serializer_class = CallListEntrySerializer
    filterset_class = ClinicFilters
    sort_fields = {"appointment_datetime": "starts_at", "patient_name": "patient__name"}
    default_sort = "appointment_datetime"

    def get_queryset(self) -> QuerySet[Appointment]:
        return to_phone(super().get_queryset(), timezone.now())

    def paginate_queryset(self, queryset: Any) -> Any:
        page: list[Any] = super().paginate_queryset(queryset) or []
        why, calls = reasons(page), last_calls(page)
        for appointment in page:
            appointment.why, appointment.last_call = why[appointment.pk], calls.get(appointment.pk)
        return page


class CallBody(Body):
    outcome = serializers.ChoiceField(choices=CallOutcome.choices)


class AppointmentCalls(InClinics, ApiView):
    """What came of phoning the patient; `reached` takes the visit off the call list."""

    summaries = {"POST": "Note what came of phoning a patient"}
    refusals = {"POST": ("STATE_CONFLICT",)}
    kind = "appointments.appointment"
    actions = {"POST": "change"}
    queryset = Appointment.objects.select_related("clinic")
    serializer_class = CallBody

    @extend_schema(request=CallBody, responses={201: CallSerializer}, examples=examples.CALL)
    def post(self, request: Any, *args: Any, **kwargs: Any) -> Response:  # noqa: ARG002
        appointment = self.get_object()
        given = self.body(request)
        call = note_call(
            appointment.pk, outcome=given["outcome"], actor=Actor.of(request.user), now=timezone.now()
        )
        return Response(CallSerializer(call, context={"zone": appointment.clinic.zone}).data, status=201)
