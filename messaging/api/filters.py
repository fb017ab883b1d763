from typing import Any

from django.db.models import QuerySet

from accounts.api.scoping import ClinicFilters
from common.rest.filtering import From, To, one_of
from messaging.models import MessageStatus

PENDING = (MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.UNKNOWN)


class QueueFilters(ClinicFilters):
    status = one_of("status", [(status.value, status.label) for status in PENDING])
    from_ = From(field_name="send_at")
    to = To(field_name="send_at")

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.form.cleaned_data["status"]:
            queryset = queryset.filter(status=MessageStatus.QUEUED)
        return super().filter_queryset(queryset)
