from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from accounts import api_keys
from accounts.audit import Actor
from accounts.models import ApiKey, Clinic, Role
from common.errors import ValidationFailed
from common.rest.filtering import Filters, one_of
from common.rest.serializers import Body
from common.rest.views import DetailView, ListView

FIELDS = (
    *("id", "name", "prefix", "role", "clinic_ids", "expires_at"),
    *("created_by_id", "created_at", "last_used_at", "revoked_at"),
)


class ApiKeySerializer(serializers.ModelSerializer):
    clinic_ids = serializers.SerializerMethodField()
    created_by_id = serializers.UUIDField(read_only=True, allow_null=True)

    class Meta:
        model = ApiKey
        fields: ClassVar[tuple[str, ...]] = FIELDS
        read_only_fields = fields

    def get_clinic_ids(self, key: ApiKey) -> list[UUID]:
        return sorted(clinic.pk for clinic in key.clinics.all())


class NewApiKey(Body):
    name = serializers.CharField(max_length=80)
    role = serializers.ChoiceField(choices=Role.choices)
    clinic_ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, default=list, max_length=1000
    )
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="At most three years on; left out: one year."
    )


class ShownOnce(ApiKeySerializer):
    key = serializers.CharField(help_text="For the header Authorization: Api-Key …. It is shown only here.")

    class Meta(ApiKeySerializer.Meta):
        fields: ClassVar[tuple[str, ...]] = (*FIELDS, "key")


class ApiKeyFilters(Filters):
    role = one_of("role", Role.choices)
    name = django_filters.CharFilter(field_name="name", lookup_expr="icontains")


class ApiKeyList(ListView):
    summaries = {"GET": "List API keys", "POST": "Make an API key"}
    kind = "accounts.apikey"
    queryset = ApiKey.objects.prefetch_related("clinics")
    serializer_class = ApiKeySerializer
    filterset_class = ApiKeyFilters
    sort_fields: ClassVar[dict[str, str]] = {
        "created_at": "created_at",
        "name": "name",
        "expires_at": "expires_at",
    }
    default_sort = "-created_at"
    # What is kept of an answer would hold the key.
    takes_idempotency_key = False

    @extend_schema(request=NewApiKey, responses={201: ShownOnce})
    def post(self, request: Any) -> Response:
        """The key stands in `key`, this once."""
        serializer = NewApiKey(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        key, secret = api_keys.issue(
            name=given["name"],
            role=given["role"],
            clinics=_clinics(given["clinic_ids"]),
            expires_at=given["expires_at"],
            made_by=request.user,
            actor=Actor.of(request.user),
            now=timezone.now(),
        )
        return Response({**ApiKeySerializer(key).data, "key": secret}, status=201)


class ApiKeyDetail(DetailView):
    summaries = {"GET": "Show an API key", "DELETE": "Revoke an API key"}
    kind = "accounts.apikey"
    queryset = ApiKey.objects.prefetch_related("clinics")
    serializer_class = ApiKeySerializer

    @extend_schema(responses={204: None})
    def delete(self, request: Any, pk: UUID) -> Response:
        """At once and for good; the key stays in the list."""
        self.refuse_fields()
        api_keys.revoke(pk, actor=Actor.of(request.user), now=timezone.now())
        return Response(status=204)


def _clinics(keys: list[UUID]) -> list[Clinic]:
    found = list(Clinic.objects.filter(pk__in=keys))
    if len(found) != len(set(keys)):
        raise ValidationFailed.on("clinic_ids", _("There is no such clinic."))
    return found
