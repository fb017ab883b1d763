"""Outside one's clinics a thing is not there. All apps' calls are cut to them here."""

from datetime import tzinfo
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters import rest_framework as django_filters

from accounts.access import AnyUser, clinics_visible_to, visible_to
from accounts.models import Clinic
from common.errors import ValidationFailed
from common.rest.filtering import Filters
from common.rest.views import ApiView


class InClinics(ApiView):
    """`queryset` is cut to the clinics of who asks; `clinic_path` leads from a row to its clinic."""

    kind: ClassVar[str]
    clinic_path: ClassVar[str] = "clinic"

    def get_queryset(self) -> QuerySet[Any]:
        user, rows = self.request.user, super().get_queryset()
        if user.is_admin:
            return rows
        # With keys a page is read off an index in order, however many rows there are; with a subquery
        # PostgreSQL sorts them all. SQLite does so for several keys, and not for the subquery.
        keys = self._clinic_keys
        if len(keys) == 1:
            return rows.filter(**{self.clinic_path: keys[0]})
        if connection.vendor == "sqlite":
            return visible_to(user, rows, self.clinic_path)
        return rows.filter(**{f"{self.clinic_path}__in": keys})

    @cached_property
    def _clinic_keys(self) -> list[UUID]:
        return list(clinics_visible_to(self.request.user).values_list("pk", flat=True))


class ClinicFilters(Filters):
    clinic_id = django_filters.UUIDFilter(field_name="clinic_id")

    @cached_property
    def zone(self) -> tzinfo:
        """The clinic's clock where only one is asked about; the site's for several."""
        clinics = clinics_visible_to(self.request.user)
        asked: UUID | None = self.form.cleaned_data.get("clinic_id")
        found = list((clinics.filter(pk=asked) if asked else clinics)[:2])
        return found[0].zone if len(found) == 1 else timezone.get_current_timezone()


def chosen_clinic(user: AnyUser, clinic_id: UUID | None, *, field: str = "clinic_id") -> Clinic:
    """The clinic that a body names; it may be left out by who has only one. ValidationFailed on `field`."""
    clinics = clinics_visible_to(user)
    if clinic_id is not None:
        clinic = clinics.filter(pk=clinic_id).first()
        if clinic is None:
            raise ValidationFailed.on(field, _("There is no such clinic among yours."))
        return clinic
    found = list(clinics[:2])
    if not found:
        raise ValidationFailed.on(field, _("You have no clinic yet. Ask an administrator."))
    if len(found) > 1:
        raise ValidationFailed.on(field, _("Say which clinic: you have several."))
    return found[0]


def clinics_asked_for(request: Any) -> QuerySet[Clinic]:
    """The caller's clinics, or of them the one that the query string's `clinic_id` names.

    Another's gives none. ValidationFailed on "clinic_id" for what is no id.
    """
    clinics, given = clinics_visible_to(request.user), request.query_params.get("clinic_id")
    if not given:
        return clinics
    try:
        return clinics.filter(pk=UUID(given))
    except ValueError:
        raise ValidationFailed.on("clinic_id", _("This is no id.")) from None
