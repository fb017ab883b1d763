import re
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django_filters import rest_framework as django_filters

from accounts.access import sees_phones
from accounts.api.scoping import ClinicFilters
from accounts.models import Language
from appointments.models import AppointmentStatus
from appointments.names import name_key
from common.errors import NotPermitted, ValidationFailed
from common.phones import PhoneError, parse_mobile
from common.rest.filtering import From, OnDay, To, one_of

_NUMBER = re.compile(r"\+?[\d\s-]{4,}")


def digits_of(text: str) -> str:
    """The digits of what may be part of a phone, as people type it: local, with blanks. Else nothing."""
    return re.sub(r"\D", "", text).lstrip("0") if _NUMBER.fullmatch(text.strip()) else ""


class AppointmentFilters(ClinicFilters):
    status = one_of("status", AppointmentStatus.choices)
    date = OnDay(field_name="starts_at")
    from_ = From(field_name="starts_at")
    to = To(field_name="starts_at")
    patient_phone = django_filters.CharFilter(method="by_phone")
    patient_id = django_filters.UUIDFilter(field_name="patient_id")
    language = one_of("language", Language.choices)
    search = django_filters.CharFilter(method="by_words", label="In name, phone, patient number, reference.")

    def by_phone(self, appointments: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        if not sees_phones(self.request.user):
            raise NotPermitted(_("You may not search by phone."))
        try:
            return appointments.filter(patient__phone=parse_mobile(value))
        except PhoneError as error:
            raise ValidationFailed.on("patient_phone", str(error)) from None

    def by_words(self, appointments: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        named = Q()
        for word in name_key(value).split():
            named &= Q(patient__name_key__contains=word)
        numbered = Q(reference__iexact=value.strip()) | Q(patient__patient_number__iexact=value.strip())
        digits = digits_of(value)
        if digits and sees_phones(self.request.user):
            numbered |= Q(patient__phone__contains=digits)
        return appointments.filter(named | numbered)
