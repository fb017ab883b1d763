"""What providers call. Each call is proved to be the provider's before anything is read from it."""

import logging
from uuid import UUID

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from common.rest.errors import CODES, envelope
from messaging import receipts
from messaging.providers.base import CannotTell, ForgedWebhook
from messaging.providers.twilio import TwilioProvider

logger = logging.getLogger(__name__)

# A receipt has a few hundred bytes; a call from anyone must not cost more.
MAX_BODY = 64 * 1024


@csrf_exempt
def twilio_status(request: HttpRequest) -> HttpResponse:
    """204 for every signed call, about a known message or not: Twilio could do nothing about it."""
    if request.method != "POST":
        refusal = _refusal("METHOD_NOT_ALLOWED", _("Only POST is understood here."))
        refusal["Allow"] = "POST"
        return refusal
    try:
        params = _signed_by_twilio(request)
    except RequestDataTooBig:
        return _refusal("PAYLOAD_TOO_LARGE", _("This is too large for a receipt."))
    except ForgedWebhook:
        return _refusal("PERMISSION_DENIED", _("The signature is missing or wrong."))
    try:
        given = {name: value.replace("\0", "") for name, value in params.dict().items()}  # type: ignore[union-attr]
        report = TwilioProvider.parse_status(given, _own_number(request))
    except CannotTell:
        logger.warning("Twilio's status callback says nothing that is understood here.")
    else:
        receipts.take(report, provider=TwilioProvider.name, now=timezone.now())
    return HttpResponse(status=204)


def _signed_by_twilio(request: HttpRequest) -> QueryDict:
    """The call's parameters. Raises ForgedWebhook, RequestDataTooBig."""
    signature = request.headers.get("X-Twilio-Signature", "")
    if not signature:
        raise ForgedWebhook
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
        raise RequestDataTooBig
    try:
        params = QueryDict(request.body, encoding="utf-8")
    except TooManyFieldsSent as error:
        raise ForgedWebhook from error
    # The path as it was called, but for what a proxy puts before it: that is part of the public address.
    path = request.path.removeprefix(request.META.get("SCRIPT_NAME", "").rstrip("/"))
    if query := request.META.get("QUERY_STRING", ""):
        path = f"{path}?{query}"
    TwilioProvider.check_signature(path, params, signature)
    return params


def _own_number(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.GET.get("message", ""))
    except ValueError:
        return None


def _refusal(code: str, message: str) -> JsonResponse:
    return JsonResponse(envelope(code, message), status=CODES[code][0])
