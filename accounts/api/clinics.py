"""Clinics: everybody reads their own, administrators write."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils import timezone
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response

from accounts import services
from accounts.api.clinic_serializers import ClinicSerializer
from accounts.api.scoping import InClinics
from accounts.audit import Actor
from accounts.models import Clinic
from common.rest.filtering import Filters
from common.rest.views import DetailView, ListView

# The quiet hours are one thing to callers.
_NAMES = {"quiet_from": "quiet_hours", "quiet_to": "quiet_hours"}

A_CLINIC = OpenApiExample(
    "A clinic",
    {
        "code": "GAB01",
        "name": "Gaborone West Clinic",
        "phone": "+267 390 1234",
        "default_language": "tn",
        "slot_capacity": 4,
        "quiet_hours": {"from": "20:00", "to": "07:00"},
        "reminder_hours_before": [168, 24],
    },
    request_only=True,
)


class ClinicFilters(Filters):
    code = django_filters.CharFilter(lookup_expr="iexact", max_length=20)
    search = django_filters.CharFilter(method="by_words", label="In code and name.", max_length=100)

    def by_words(self, clinics: QuerySet[Clinic], _name: str, value: str) -> QuerySet[Clinic]:
        return clinics.filter(Q(code__icontains=value) | Q(name__icontains=value))


class ClinicList(InClinics, ListView):
    summaries = {"GET": "List clinics", "POST": "Add a clinic"}
    kind = "accounts.clinic"
    clinic_path = "pk"
    queryset = Clinic.objects.all()
    serializer_class = ClinicSerializer
    filterset_class = ClinicFilters
    sort_fields = {"name": "name", "code": "code", "created_at": "created_at"}
    default_sort = "name"

    @extend_schema(responses={201: ClinicSerializer}, examples=[A_CLINIC])
    def post(self, request: Any) -> Response:
        values = _values(self.body(request))
        values.pop("version", None)
        try:
            clinic = services.add_clinic(actor=Actor.of(request.user), now=timezone.now(), **values)
        except ValidationError as error:
            raise _at_their_names(error) from None
        return Response(self.get_serializer(clinic).data, status=201)


class ClinicDetail(InClinics, DetailView):
    summaries = {"GET": "Show a clinic", "PUT": "Change a clinic", "PATCH": "Change some fields of a clinic"}
    kind = "accounts.clinic"
    clinic_path = "pk"
    queryset = Clinic.objects.all()
    serializer_class = ClinicSerializer

    @extend_schema(examples=[A_CLINIC])
    def put(self, request: Any, pk: Any) -> Response:  # noqa: ARG002
        return self._change(request, partial=False)

    @extend_schema(examples=[OpenApiExample("No quiet hours", {"quiet_hours": None, "version": 3})])
    def patch(self, request: Any, pk: Any) -> Response:  # noqa: ARG002
        return self._change(request, partial=True)

    def _change(self, request: Any, *, partial: bool) -> Response:
        clinic = self.get_object()
        values = _values(self.body(request, partial=partial))
        version = values.pop("version", None)
        actor, now = Actor.of(request.user), timezone.now()
        try:
            changed = services.change_clinic(clinic.pk, version=version, actor=actor, now=now, **values)
        except ValidationError as error:
            raise _at_their_names(error) from None
        return Response(self.get_serializer(changed).data)


def _values(given: dict[str, Any]) -> dict[str, Any]:
    """The service's names of what was given."""
    values = dict(given)
    if "quiet_hours" in values:
        quiet = values.pop("quiet_hours") or {"from": None, "to": None}
        values |= {"quiet_from": quiet["from"], "quiet_to": quiet["to"]}
    return values


def _at_their_names(error: ValidationError) -> ValidationError:
    return ValidationError({_NAMES.get(name, name): said for name, said in error.message_dict.items()})
