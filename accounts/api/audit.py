"""Who changed what, and when: for administrators, in full."""

from django_filters import rest_framework as django_filters
from rest_framework import serializers

from accounts.models import AuditEntry
from common.rest.filtering import Filters, From, To
from common.rest.views import ListView


class ActorSerializer(serializers.ModelSerializer):
    kind = serializers.CharField(
        source="actor_kind", help_text="user, key, patient, command, visitor or system."
    )
    id = serializers.UUIDField(source="actor_id", allow_null=True)
    name = serializers.CharField(source="actor_name")

    class Meta:
        model = AuditEntry
        fields = ("kind", "id", "name")
        read_only_fields = fields


class AuditEntrySerializer(serializers.ModelSerializer):
    at = serializers.DateTimeField()
    user = ActorSerializer(source="*")
    clinic_id = serializers.UUIDField(allow_null=True)
    changes = serializers.DictField(
        child=serializers.ListField(child=serializers.JSONField(allow_null=True)),
        help_text="Field: [before, after].",
    )

    class Meta:
        model = AuditEntry
        fields = ("id", "at", "user", "action", "object_type", "object_id", "clinic_id", "changes")
        read_only_fields = fields


class AuditFilters(Filters):
    object_type = django_filters.CharFilter(max_length=40, label="appointments.patient, for example.")
    object_id = django_filters.UUIDFilter()
    user = django_filters.UUIDFilter(field_name="actor_id", label="Who did it.")
    action = django_filters.CharFilter(max_length=30)
    clinic_id = django_filters.UUIDFilter()
    from_ = From(field_name="at")
    to = To(field_name="at")


class AuditLog(ListView):
    """Newest first."""

    summaries = {"GET": "List who changed what and when"}
    kind = "accounts.auditentry"
    queryset = AuditEntry.objects.all()
    serializer_class = AuditEntrySerializer
    filterset_class = AuditFilters
    sort_fields = {"at": "at"}
    default_sort = "-at"
