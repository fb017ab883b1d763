"""Bodies of the calls that send a text, and how their answer is made."""

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.response import Response

from accounts.models import Language
from common.rest.serializers import Body
from messaging.api.serializers import MessageSerializer
from messaging.models import Message, MessageQuerySet, TemplateKey
from messaging.own_texts import Wording

# A mail is none, and what is of no clinic is for no other system.
MESSAGES = (
    MessageQuerySet(Message)
    .texts()
    .filter(clinic__isnull=False)
    .select_related("clinic")
    .prefetch_related("events")
)


class WordingFields(Body):
    body = serializers.CharField(required=False, help_text="The finished text; or `template`.")
    template = serializers.ChoiceField(
        TemplateKey.choices, required=False, help_text="The key of a template; or `body`."
    )
    context = serializers.DictField(
        child=serializers.CharField(allow_blank=True, max_length=200),
        required=False,
        help_text="Values for the template's placeholders; the clinic's name and phone need none.",
    )
    language = serializers.ChoiceField(
        Language.choices, required=False, help_text="Without it, the clinic's default."
    )
    clinic_id = serializers.UUIDField(
        required=False, allow_null=True, help_text="May be left out by who has one clinic."
    )


class SendBody(WordingFields):
    to = serializers.CharField(max_length=40, help_text="A mobile number, local or with its country code.")


def wording_of(given: dict[str, Any]) -> Wording:
    return Wording(
        body=given.get("body", ""),
        template=given.get("template", ""),
        context=given.get("context", {}),
        language=given.get("language", ""),
    )


def message_answer(message_id: UUID, request: Any, *, status: int) -> Response:
    message = MESSAGES.get(pk=message_id)
    return Response(MessageSerializer(message, context={"request": request}).data, status=status)
