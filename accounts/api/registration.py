from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response

from accounts import registration
from accounts.api.user_serializers import Password, PersonFields, UserSerializer
from accounts.api.views import OpenView


class Registration(PersonFields):
    password = Password()


class Register(OpenView):
    """An account that can't sign in until an administrator activates it with a role and clinics."""

    summaries = {"POST": "Register"}
    serializer_class = Registration

    @extend_schema(
        request=Registration,
        responses={201: UserSerializer},
        examples=[
            OpenApiExample(
                "A registration",
                {"username": "neo.gab", "password": "a-long-enough-password", "first_name": "Neo"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Any) -> Response:
        user = registration.register(now=timezone.now(), **self.body(request))
        return Response(UserSerializer(user).data, status=201)
