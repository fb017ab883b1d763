from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from accounts import password_reset, services
from accounts.api.fields import Text
from accounts.api.permissions import PeopleOnly
from accounts.api.user_serializers import Password
from accounts.api.users import own
from accounts.api.views import OpenView, user_by_password
from accounts.audit import Actor
from common.errors import DomainError, ValidationFailed
from common.rest.serializers import Body
from common.rest.views import ApiView


class OldAndNew(Body):
    old = Password()
    new = Password()


class Address(Body):
    email = serializers.EmailField(max_length=254)


class TokenAndNew(Body):
    token = Text(max_length=500, help_text="The code in the mail; good once and for an hour.")
    new = Password()


class Said(serializers.Serializer[Any]):
    message = serializers.CharField()


class ChangePassword(ApiView):
    """It ends every sign-in, this one too: sign in with the new one."""

    summaries = {"POST": "Change your own password"}
    permission_classes = (PeopleOnly,)
    serializer_class = OldAndNew

    @extend_schema(
        responses={204: None},
        examples=[OpenApiExample("A change", {"old": "dumela-demo", "new": "a-long-enough-password"})],
    )
    def post(self, request: Any) -> Response:
        user, given = own(request), self.body(request)
        try:
            user_by_password(request._request, user.username, given["old"])
        except DomainError as refusal:
            if refusal.code != "INVALID_CREDENTIALS":
                raise
            raise ValidationFailed.on("old", _("This is not your present password.")) from None
        services.set_password(user.pk, given["new"], actor=Actor.of(user), now=timezone.now(), field="new")
        return Response(status=204)


class ResetPassword(OpenView):
    """One answer, in one time, whether an account has this address or not."""

    summaries = {"POST": "Ask for a mail, to choose a new password"}
    serializer_class = Address

    @extend_schema(
        responses={202: Said}, examples=[OpenApiExample("Forgotten", {"email": "neo@clinic.example"})]
    )
    def post(self, request: Any) -> Response:
        password_reset.ask(self.body(request)["email"])
        said = (
            _("If an account has this address, a mail is on its way to it.")
            if settings.MAIL_IS_SET_UP
            else _("No mail is sent from here. Ask your administrator for a new password.")
        )
        return Response({"message": said}, status=202)


class ConfirmReset(OpenView):
    """Ends every sign-in of the account."""

    summaries = {"POST": "Choose a new password with the code in the mail"}
    serializer_class = TokenAndNew

    @extend_schema(
        responses={204: None},
        examples=[OpenApiExample("The code", {"token": "…", "new": "a-long-enough-password"})],
    )
    def post(self, request: Any) -> Response:
        given = self.body(request)
        password_reset.confirm(given["token"], given["new"], now=timezone.now())
        return Response(status=204)
