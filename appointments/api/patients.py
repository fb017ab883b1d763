from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from accounts.access import sees_phones
from accounts.api.scoping import ClinicFilters, InClinics
from accounts.audit import Actor
from appointments.api import examples
from appointments.api.bodies import Phone, Reach
from appointments.api.filters import digits_of
from appointments.models import ConsentSource, Patient
from appointments.names import name_key
from appointments.patients import add_patient, change_patient
from common.errors import NotPermitted, ValidationFailed
from common.phones import PhoneError, mask, parse_mobile
from common.rest.filtering import YesNo
from common.rest.serializers import Body
from common.rest.times import ClinicTimeField
from common.rest.views import DetailView, ListView
from messaging.models import OptOut
from messaging.services import lift_opt_out, opt_out

_IN_FORCE = OptOut.objects.filter(phone=OuterRef("phone"), lifted_at__isnull=True)
WITH_OPT_OUT = (
    Patient.objects.known()
    .select_related("clinic")
    .annotate(
        opt_out_source=Subquery(_IN_FORCE.values("source")[:1]),
        opted_out_at=Subquery(_IN_FORCE.values("opted_out_at")[:1]),
    )
)
# What the site finds out by itself can be read, not claimed.
SAID = [ConsentSource.API, ConsentSource.NURSE]


class PatientSerializer(serializers.ModelSerializer):
    """Needs `clinic`, `opt_out_source` and `opted_out_at`."""

    clinic_id = serializers.UUIDField(read_only=True)
    phone = serializers.SerializerMethodField(help_text="E.164; masked for viewers.")
    consent = serializers.BooleanField(
        read_only=True, allow_null=True, help_text="null: not asked, the clinic's policy decides."
    )
    consent_source = serializers.ChoiceField(ConsentSource.choices, allow_blank=True, read_only=True)
    consent_at = ClinicTimeField(read_only=True, allow_null=True)
    opted_out = serializers.SerializerMethodField(help_text="The phone's, whoever shares it.")
    opt_out_source = serializers.CharField(read_only=True, allow_null=True)
    opted_out_at = ClinicTimeField(read_only=True, allow_null=True)
    created_at = ClinicTimeField(read_only=True)
    updated_at = ClinicTimeField(read_only=True)

    class Meta:
        model = Patient
        fields = (
            *("id", "clinic_id", "patient_number", "name", "phone"),
            *("consent", "consent_source", "consent_at"),
            *("opted_out", "opt_out_source", "opted_out_at", "version", "created_at", "updated_at"),
        )
        read_only_fields = fields

    def get_phone(self, patient: Patient) -> str:
        return patient.phone if sees_phones(self.context["request"].user) else mask(patient.phone)

    def get_opted_out(self, patient: Any) -> bool:
        return patient.opted_out_at is not None


class PatientBody(Body):
    phone = Phone()
    name = serializers.CharField(required=False, allow_blank=True, max_length=120)
    patient_number = serializers.CharField(required=False, allow_blank=True, max_length=40)
    consent = serializers.BooleanField(required=False, allow_null=True)
    consent_source = serializers.ChoiceField(
        ConsentSource.choices,
        required=False,
        allow_blank=True,
        help_text="Who was told: `api` (your system, if left out) or `nurse`.",
    )
    id = serializers.UUIDField(read_only=True)
    consent_at = serializers.DateTimeField(read_only=True)
    opt_out_source = serializers.CharField(read_only=True)
    opted_out_at = serializers.DateTimeField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)


class NewPatient(PatientBody):
    clinic_id = serializers.UUIDField(required=False, help_text="May be left out where you have one clinic.")
    version = serializers.IntegerField(read_only=True)
    opted_out = serializers.BooleanField(read_only=True)


class ChangedPatient(PatientBody):
    clinic_id = serializers.UUIDField(read_only=True)
    version = serializers.IntegerField(required=False, help_text="As you read it: a stale one is refused.")
    opted_out = serializers.BooleanField(
        required=False,
        help_text="true: no texts to this phone any more, in the whole system; false lifts it.",
    )


class PatientFilters(ClinicFilters):
    phone = django_filters.CharFilter(method="by_phone")
    patient_number = django_filters.CharFilter(field_name="patient_number")
    consent = YesNo()
    opted_out = YesNo(field_name="opted_out_at", lookup_expr="isnull", exclude=True)
    search = django_filters.CharFilter(method="by_words", label="In name, phone, patient number.")

    def by_phone(self, patients: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        if not sees_phones(self.request.user):
            raise NotPermitted(_("You may not search by phone."))
        try:
            return patients.filter(phone=parse_mobile(value))
        except PhoneError as error:
            raise ValidationFailed.on("phone", str(error)) from None

    def by_words(self, patients: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        named = Q()
        for word in name_key(value).split():
            named &= Q(name_key__contains=word)
        numbered = Q(patient_number__iexact=value.strip())
        digits = digits_of(value)
        if digits and sees_phones(self.request.user):
            numbered |= Q(phone__contains=digits)
        return patients.filter(named | numbered)


class Patients(InClinics):
    kind = "appointments.patient"
    queryset = WITH_OPT_OUT
    serializer_class = PatientSerializer

    def shown(self, patient_id: UUID) -> Any:
        return self.get_serializer(WITH_OPT_OUT.get(pk=patient_id)).data


class PatientList(Patients, ListView):
    summaries = {"GET": "List patients", "POST": "Add a patient"}
    # A viewer may not search by phone.
    refusals = {"GET": ("PERMISSION_DENIED",)}
    filterset_class = PatientFilters
    sort_fields = {
        "name": "name_key",
        "patient_number": "patient_number",
        "created_at": "created_at",
        "updated_at": "updated_at",
    }
    default_sort = "name"

    @extend_schema(request=NewPatient, responses={201: PatientSerializer}, examples=examples.PATIENT)
    def post(self, request: Any) -> Response:
        """Adds a patient; 400 where the clinic has this person already."""
        body = NewPatient(data=request.data)
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        clinic = Reach(request.user).clinic(given.pop("clinic_id", None))
        given["consent_source"] = _source(given)
        made = add_patient(clinic=clinic, **given, actor=Actor.of(request.user), now=timezone.now())
        return Response(self.shown(made.pk), status=201, headers={"Location": f"/api/v1/patients/{made.pk}"})


class PatientDetail(Patients, DetailView):
    summaries = {"GET": "Show a patient", "PATCH": "Change a patient"}

    @extend_schema(request=ChangedPatient, responses={200: PatientSerializer}, examples=examples.CONSENT)
    def patch(self, request: Any, pk: UUID) -> Response:  # noqa: ARG002
        """Corrects a patient, and records consent and opt-out with their source and time."""
        found = self.get_object()
        body = ChangedPatient(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        given, actor, now = dict(body.validated_data), Actor.of(request.user), timezone.now()
        out = given.pop("opted_out", None)
        # What was read and is sent back says nothing new.
        said_anew = given.get("consent_source") != found.consent_source
        given["consent_source"] = _source(given)
        with transaction.atomic():
            patient = change_patient(found.pk, **given, said_anew=said_anew, actor=actor, now=now)
            if out is True:
                opt_out(patient.phone, source="api", actor=actor, now=now)
            elif out is False:
                lift_opt_out(patient.phone, actor=actor, now=now)
        return Response(self.shown(patient.pk))


def _source(given: dict[str, Any]) -> str:
    source = given.get("consent_source")
    return source if source in SAID else ConsentSource.API
