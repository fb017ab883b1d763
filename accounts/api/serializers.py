from typing import Any

from rest_framework import serializers

from accounts.api.user_serializers import UserSerializer
from common.rest.serializers import Body


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
