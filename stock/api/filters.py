from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters import rest_framework as django_filters

from accounts.api.scoping import ClinicFilters
from common.errors import ValidationFailed
from common.rest.filtering import DayFrom, DayTo, Filters, one_of
from stock.models import MovementKind, OrderState, StockStatus, TransferState

MOST_DAYS = 3650


class LevelFilters(ClinicFilters):
    status = one_of("status", StockStatus.choices)
    item = django_filters.CharFilter(method="by_item", label="The item's id or code.", max_length=40)
    search = django_filters.CharFilter(
        method="by_words", label="In the item's code and name.", max_length=120
    )
    expiring_within = django_filters.CharFilter(
        method="by_expiry", label="Days; what has expired and is still there counts.", max_length=10
    )

    def by_item(self, levels: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        try:
            return levels.filter(item=UUID(value.strip()))
        except ValueError:
            return levels.filter(item__code=value.strip().upper())

    def by_words(self, levels: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return levels.filter(Q(item__code__icontains=value) | Q(item__name__icontains=value))

    def by_expiry(self, levels: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if not (value.isascii() and value.isdigit() and int(value) <= MOST_DAYS):
            raise ValidationFailed.on(name, _("Give a number of days, from 0 to %d.") % MOST_DAYS)
        today = timezone.now().astimezone(self.zone).date()
        return levels.filter(next_expiry__lte=today + timedelta(days=int(value)))


class MovementFilters(Filters):
    kind = one_of("kind", MovementKind.choices)
    from_ = DayFrom(field_name="occurred_on")
    to = DayTo(field_name="occurred_on")


class OrderFilters(Filters):
    state = one_of("state", OrderState.choices)


class OrdersOfAllFilters(OrderFilters):
    clinic_id = django_filters.UUIDFilter(field_name="level__clinic_id")


class TransferFilters(Filters):
    state = one_of("state", TransferState.choices)
    from_clinic_id = django_filters.UUIDFilter(field_name="sent__level__clinic_id")
    to_clinic_id = django_filters.UUIDFilter(field_name="to_level__clinic_id")
