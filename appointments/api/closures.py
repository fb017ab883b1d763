from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import get_object_or_404
from rest_framework.response import Response

from accounts.access import clinics_visible_to
from accounts.api.scoping import InClinics
from accounts.audit import Actor
from accounts.models import Clinic
from appointments.api import examples
from appointments.api.serializers import AppointmentSerializer
from appointments.api.views import WITH_REMINDERS
from appointments.closures import bounds, close_day, open_day, visits_on
from appointments.models import Appointment, Closure
from common.rest.errors import as_item
from common.rest.filtering import Filters
from common.rest.serializers import Body
from common.rest.times import ClinicTimeField
from common.rest.views import ListView


class ClosureSerializer(serializers.ModelSerializer):
    """Needs `clinic`, and `affected` in the context: the live visits of each closure's key."""

    clinic_id = serializers.UUIDField(read_only=True)
    created_at = ClinicTimeField(read_only=True)
    affected = serializers.SerializerMethodField(help_text="The live appointments that fall on the day.")

    class Meta:
        model = Closure
        fields: tuple[str, ...] = ("id", "clinic_id", "date", "reason", "created_at", "affected")
        read_only_fields = fields

    @extend_schema_field(AppointmentSerializer(many=True))
    def get_affected(self, closure: Closure) -> Any:
        visits = self.context["affected"].get(closure.pk, [])
        return AppointmentSerializer(visits, many=True, context=self.context).data


class NotMoved(serializers.Serializer[Any]):
    appointment_id = serializers.UUIDField()
    code = serializers.CharField()
    message = serializers.CharField()


class Closed(ClosureSerializer):
    moved = serializers.ListField(child=serializers.UUIDField(), help_text="Those of `affected` that moved.")
    not_moved = NotMoved(many=True, help_text="Those that stand on the closed day still, and why.")

    class Meta(ClosureSerializer.Meta):
        fields: tuple[str, ...] = (*ClosureSerializer.Meta.fields, "moved", "not_moved")
        read_only_fields = fields


class NewClosure(Body):
    date = serializers.DateField(help_text="On the clinic's calendar, today or later.")
    reason = serializers.CharField(required=False, allow_blank=True, max_length=200)
    move_to = serializers.DateField(
        required=False,
        allow_null=True,
        help_text="Moves the day's visits there, to the same or the next free times, and tells the patients.",
    )
    id = serializers.UUIDField(read_only=True)
    clinic_id = serializers.UUIDField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


class NoFilters(Filters):
    pass


class ClosuresOfClinic(InClinics):
    kind = "appointments.closure"
    queryset = Closure.objects.select_related("clinic")
    serializer_class = ClosureSerializer

    @cached_property
    def clinic(self) -> Clinic:
        return get_object_or_404(clinics_visible_to(self.request.user), pk=self.kwargs["clinic_id"])

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        return super().get_queryset().filter(clinic=self.clinic)


CLINIC = OpenApiParameter("clinic_id", {"type": "string", "format": "uuid"}, OpenApiParameter.PATH)


@extend_schema(parameters=[CLINIC])
class ClosureList(ClosuresOfClinic, ListView):
    """The days on which a clinic is closed, each with the live appointments that fall on it."""

    summaries = {"GET": "List closed days", "POST": "Close a day"}
    refusals = {"POST": ("STATE_CONFLICT",)}
    filterset_class = NoFilters
    sort_fields = {"date": "date", "created_at": "created_at"}
    default_sort = "date"

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        shown = super().get_serializer(*args, **kwargs)
        if args and isinstance(args[0], list):
            shown.context["affected"] = _by_closure(args[0])
        return shown

    @extend_schema(request=NewClosure, responses={200: Closed, 201: Closed}, examples=examples.CLOSURE)
    def post(self, request: Any, clinic_id: UUID) -> Response:  # noqa: ARG002
        """Closes a day. 200 where it was closed already and `move_to` moves the visits that are left."""
        clinic = self.clinic
        body = NewClosure(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        done = close_day(
            clinic=clinic,
            day=given["date"],
            reason=given.get("reason", ""),
            move_to=given.get("move_to"),
            actor=Actor.of(request.user),
            now=timezone.now(),
        )
        visits = WITH_REMINDERS.in_bulk(done.affected)
        context = {
            **self.get_serializer_context(),
            "affected": {done.closure.pk: [visits[pk] for pk in done.affected]},
        }
        not_moved = [
            {"appointment_id": pk, **{k: v for k, v in said[1].items() if k != "details"}}
            for pk, refusal in done.not_moved
            if (said := as_item(refusal)) is not None
        ]
        shown = ClosureSerializer(done.closure, context=context).data
        status = 201 if done.is_new else 200
        return Response({**shown, "moved": done.moved, "not_moved": not_moved}, status=status)


@extend_schema(parameters=[CLINIC])
class ClosureDetail(ClosuresOfClinic):
    summaries = {"DELETE": "Open a closed day"}

    @extend_schema(responses={204: None})
    def delete(self, request: Any, clinic_id: UUID, pk: UUID) -> Response:  # noqa: ARG002
        """Opens the day again. What was moved stays where it is."""
        found = self.get_object()
        self.refuse_fields()
        open_day(found.pk, actor=Actor.of(request.user), now=timezone.now())
        return Response(status=204)


def _by_closure(closures: Sequence[Closure]) -> dict[UUID, list[Appointment]]:
    """The live visits of each, in two queries for all."""
    found: dict[UUID, list[Appointment]] = defaultdict(list)
    spans = [(closure.pk, closure.clinic_id, *bounds(closure)) for closure in closures]
    on_them = visits_on(closures).order_by().values("pk")
    for visit in WITH_REMINDERS.filter(pk__in=on_them).order_by("starts_at", "pk"):
        for pk, clinic_id, begin, end in spans:
            if visit.clinic_id == clinic_id and begin <= visit.starts_at < end:
                found[pk].append(visit)
    return found
