from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.fields import Choice, Text, TimeOfDay, Version, YesNo
from accounts.models import AlertBy, Language, Role, User
from common.rest.serializers import Body

ROLES = [("", _("None yet: this person can't sign in.")), *Role.choices]
MOST_CLINICS = 1_000


class Key(serializers.UUIDField):
    default_error_messages = {"invalid": _("Give an id.")}

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class ClinicIds(serializers.ListField):
    """The ids of the clinics in `relation`."""

    child = Key()

    def __init__(self, *, relation: str, **options: Any) -> None:
        self.relation = relation
        super().__init__(required=False, max_length=MOST_CLINICS, **options)

    def get_attribute(self, instance: User) -> list[UUID]:
        return sorted(clinic.pk for clinic in getattr(instance, self.relation).all())


class RoleField(Choice):
    """A superuser counts as an administrator."""

    def get_attribute(self, instance: User) -> str:
        return instance.role_in_effect


@extend_schema_field({"type": "string", "format": "email", "maxLength": 254})
class Email(Text):
    """The model says what an address is; empty for none."""


class Password(Text):
    def __init__(self, **options: Any) -> None:
        # A blank at either end may be part of a password.
        super().__init__(max_length=1_000, trim_whitespace=False, **options)


class PersonFields(Body):
    username = Text(max_length=150, help_text="Letters, digits and @ . + - _")
    first_name = Text(max_length=150, allow_blank=True, required=False)
    last_name = Text(max_length=150, allow_blank=True, required=False)
    phone = Text(max_length=40, allow_blank=True, required=False, help_text="A mobile number, for alerts.")
    email = Email(max_length=254, allow_blank=True, required=False)


class UserSerializer(PersonFields):
    """Somebody who signs in. The password goes in and never comes out."""

    id = serializers.UUIDField(read_only=True)
    password = Password(write_only=True, required=False, help_text="A new one ends every sign-in.")
    role = RoleField(choices=ROLES, required=False)
    clinic_ids = ClinicIds(relation="clinics", help_text="Where the role holds; an admin needs none.")
    stock_manager_of = ClinicIds(
        relation="stock_manager_of", help_text="The clinics whose low stock this person is told of."
    )
    is_active = YesNo(required=False)
    is_waiting = serializers.BooleanField(
        read_only=True, help_text="Registered, and no administrator has decided yet."
    )
    last_login = serializers.DateTimeField(read_only=True, allow_null=True)
    created_at = serializers.DateTimeField(source="date_joined", read_only=True)
    version = Version()


class NewUser(UserSerializer):
    """As a person is, with the first password."""

    password = Password(write_only=True)


class PreferencesSerializer(Body):
    """How a person likes to be told."""

    language = Choice(choices=Language.choices, required=False)
    time_zone = Text(max_length=64, required=False, help_text="Africa/Gaborone, for example.")
    alert_by = serializers.ListField(
        child=Choice(choices=AlertBy.choices),
        max_length=len(AlertBy),
        required=False,
        help_text="How stock alerts come; [] for none.",
    )
    digest_time = TimeOfDay(required=False, help_text="When the daily summary comes.")
    version = Version()
