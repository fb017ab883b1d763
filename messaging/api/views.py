from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response

from accounts.api.scoping import InClinics, chosen_clinic
from accounts.audit import Actor
from common.rest.views import ApiView, DetailView, ListView
from messaging import own_texts, services
from messaging.api.filters import PENDING, QueueFilters
from messaging.api.sending import MESSAGES, SendBody, message_answer, wording_of
from messaging.api.serializers import MessageSerializer

KIND = "messaging.message"
TEXTS = [
    OpenApiExample("A text", {"to": "71 234 567", "body": "Please call us."}, request_only=True),
    OpenApiExample(
        "A template",
        {"to": "71 234 567", "template": "missed", "context": {"name": "Kabo"}, "language": "tn"},
        request_only=True,
    ),
]


class MessageDetail(InClinics, DetailView):
    """With all that happened to it, in order."""

    summaries = {"GET": "Show what became of a text"}
    kind = KIND
    queryset = MESSAGES
    serializer_class = MessageSerializer


class Queue(InClinics, ListView):
    """What waits to be sent, soonest first; `status` asks for what is being sent or unknown instead."""

    summaries = {"GET": "List the texts that wait"}
    kind = KIND
    queryset = MESSAGES.filter(status__in=PENDING)
    serializer_class = MessageSerializer
    filterset_class = QueueFilters
    sort_fields: ClassVar[dict[str, str]] = {"send_at": "send_at", "created_at": "created_at"}
    default_sort = "send_at"


class Send(ApiView):
    """It leaves within seconds while a worker runs; one that may not be sent is `suppressed`."""

    summaries = {"POST": "Send a text"}
    kind = KIND
    serializer_class = SendBody

    @extend_schema(request=SendBody, responses={202: MessageSerializer}, examples=TEXTS)
    def post(self, request: Any) -> Response:
        given = self.body(request)
        message_id = own_texts.send(
            clinic=chosen_clinic(request.user, given.get("clinic_id")),
            to=given["to"],
            wording=wording_of(given),
            actor=Actor.of(request.user),
            now=timezone.now(),
        )
        return message_answer(message_id, request, status=202)


class Cancel(InClinics):
    """One that does not wait any more is a STATE_CONFLICT."""

    summaries = {"POST": "Take a text out of the queue"}
    refusals = {"POST": ("STATE_CONFLICT",)}
    kind = KIND
    actions: ClassVar[dict[str, str]] = {"POST": "change"}
    without_body = frozenset({"POST"})
    queryset = MESSAGES
    serializer_class = MessageSerializer

    @extend_schema(request=None, responses={200: MessageSerializer})
    def post(self, request: Any, pk: Any) -> Response:  # noqa: ARG002
        message = self.get_object()
        self.refuse_fields()
        services.cancel(message.pk, actor=Actor.of(request.user), now=timezone.now())
        return message_answer(message.pk, request, status=200)
