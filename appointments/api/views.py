from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, Prefetch, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from accounts.api.scoping import InClinics
from accounts.audit import Actor
from appointments import booking, services
from appointments.api import examples
from appointments.api.bodies import OF_PATIENT, ChangedVisit, NewVisit, Reach, visit_of, who_of
from appointments.api.filters import AppointmentFilters
from appointments.api.serializers import AppointmentSerializer
from appointments.free_slots import offering
from appointments.models import Appointment, Reminder
from common.errors import ValidationFailed
from common.rest.parameters import whole_number
from common.rest.views import DetailView, ListView

# Of a text only its status is shown, out of forty columns.
PRESENT_REMINDERS = (
    Reminder.objects.filter(visit_at=F("appointment__starts_at"))
    .select_related("message")
    .only("appointment", "state", "due_at", "message__status")
)
WITH_REMINDERS = (
    Appointment.objects.select_related("clinic", "patient")
    .defer("imported_cells", "patient__imported_cells")
    .prefetch_related(Prefetch("reminders", queryset=PRESENT_REMINDERS, to_attr="present_reminders"))
)
MOST_DAYS = 60


class Appointments(InClinics):
    kind = "appointments.appointment"
    queryset = WITH_REMINDERS
    serializer_class = AppointmentSerializer

    def shown(self, appointment_id: UUID) -> Any:
        return self.get_serializer(WITH_REMINDERS.get(pk=appointment_id)).data


class AppointmentList(Appointments, ListView):
    summaries = {"GET": "List appointments", "POST": "Book an appointment"}
    # A viewer may not search by phone.
    refusals = {"GET": ("PERMISSION_DENIED",), "POST": ("APPOINTMENT_CONFLICT",)}
    filterset_class = AppointmentFilters
    sort_fields = {
        "appointment_datetime": "starts_at",
        "created_at": "created_at",
        "updated_at": "updated_at",
        "patient_name": "patient__name",
        "status": "status",
    }
    default_sort = "appointment_datetime"

    @extend_schema(request=NewVisit, responses={201: AppointmentSerializer}, examples=examples.BOOKING)
    def post(self, request: Any) -> Response:
        """The patient is `patient_id`, or who has this phone and name, or somebody new."""
        body = NewVisit(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        who = who_of(given, Reach(request.user))
        visit = visit_of(given, who.clinic)
        with offering(
            clinic=who.clinic,
            who=who,
            minutes=visit.get("duration_minutes", who.clinic.slot_minutes),
            after=visit["starts_at"],
        ):
            made = booking.book_for(who, actor=Actor.of(request.user), now=timezone.now(), **visit)
        shown = self.shown(made.pk)
        return Response(shown, status=201, headers={"Location": f"/api/v1/appointments/{made.pk}"})


DAYS = OpenApiParameter(
    "days",
    {"type": "integer", "minimum": 1, "maximum": MOST_DAYS, "default": 7},
    description="How far ahead.",
)


@extend_schema(parameters=[DAYS])
class UpcomingList(AppointmentList):
    """The live appointments of the next days, soonest first."""

    summaries = {"GET": "List the next days' appointments"}
    query_parameters = frozenset({"days"})
    http_method_names = ["get", "head"]

    def get_queryset(self) -> QuerySet[Any]:
        now = timezone.now()
        days = whole_number(self.request.query_params, "days", 7, most=MOST_DAYS)
        live: Any = super().get_queryset().live()  # type: ignore[attr-defined]
        return live.filter(starts_at__gte=now, starts_at__lt=now + timedelta(days=days))


class AppointmentDetail(Appointments, DetailView):
    summaries = {
        "GET": "Show an appointment",
        "PUT": "Change an appointment",
        "PATCH": "Move, mark or change an appointment",
        "DELETE": "Cancel an appointment",
    }
    refusals = {
        **dict.fromkeys(("PUT", "PATCH"), ("APPOINTMENT_CONFLICT", "STATE_CONFLICT")),
        "DELETE": ("STATE_CONFLICT",),
    }
    # Nothing is deleted: a visit is cancelled.
    actions = {"DELETE": "change"}

    @extend_schema(request=ChangedVisit, responses={200: AppointmentSerializer})
    def put(self, request: Any, pk: UUID) -> Response:  # noqa: ARG002
        """Takes the fields of POST, with `status`, `attended` and `version`."""
        return self._edit(request, partial=False)

    @extend_schema(request=ChangedVisit, responses={200: AppointmentSerializer}, examples=examples.CHANGE)
    def patch(self, request: Any, pk: UUID) -> Response:  # noqa: ARG002
        """Changes what is sent. A new time plans the reminders anew; `attended` marks the visit."""
        return self._edit(request, partial=True)

    @extend_schema(responses={200: AppointmentSerializer})
    def delete(self, request: Any, pk: UUID) -> Response:  # noqa: ARG002
        """Nothing is deleted; a second time changes nothing."""
        found = self.get_object()
        self.refuse_fields()
        services.cancel(found.pk, actor=Actor.of(request.user), now=timezone.now())
        return Response(self.shown(found.pk))

    def _edit(self, request: Any, *, partial: bool) -> Response:
        found = self.get_object()
        body = ChangedVisit(data=request.data, partial=partial)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        _refuse_another(found, given)
        wanted = visit_of(given, found.clinic)
        with offering(
            clinic=found.clinic,
            who=found.patient,
            minutes=wanted.get("duration_minutes", found.duration_minutes),
            after=wanted.get("starts_at", found.starts_at),
            appointment_id=found.pk,
        ):
            booking.edit(
                found.pk,
                version=given.get("version"),
                actor=Actor.of(request.user),
                now=timezone.now(),
                **wanted,
                **_of_patient(given),
                **{field: given[field] for field in ("status", "attended") if field in given},
            )
        return Response(self.shown(found.pk))


def _refuse_another(found: Appointment, given: dict[str, Any]) -> None:
    for field in ("patient_id", "clinic_id"):
        if given.get(field, getattr(found, field)) != getattr(found, field):
            said = _("A visit stays with its patient and clinic. Cancel it and book a new one.")
            raise ValidationFailed.on(field, said)


def _of_patient(given: dict[str, Any]) -> dict[str, Any]:
    fields = {"patient_phone": "phone", **OF_PATIENT}
    return {name: given[field] for field, name in fields.items() if field in given}
