from typing import Any
from uuid import UUID

from rest_framework import serializers

from accounts.models import Role, User
from common.rest.serializers import Body


class UserSerializer(serializers.ModelSerializer):
    role = serializers.SerializerMethodField()
    clinic_ids = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = (
            *("id", "username", "first_name", "last_name", "email", "phone"),
            *("role", "clinic_ids", "is_active", "version"),
        )
        read_only_fields = fields

    def get_role(self, user: User) -> str:
        return Role.ADMIN if user.is_admin else user.role

    def get_clinic_ids(self, user: User) -> list[UUID]:
        return sorted(clinic.pk for clinic in user.clinics.all())


class Credentials(Body):
    username = serializers.CharField(max_length=150)
    # A blank at either end may be part of a password.
    password = serializers.CharField(max_length=1000, trim_whitespace=False)


class Refresh(Body):
    refresh = serializers.CharField(max_length=4000)


class Tokens(serializers.Serializer[Any]):
    access = serializers.CharField(help_text="For the header Authorization: Bearer …; 15 minutes.")
    refresh = serializers.CharField(help_text="Exchanged for a new pair, once; 7 days.")


class SignedIn(Tokens):
    user = UserSerializer()
