"""What providers call. Each call is proved to be the provider's before anything is read from it."""

import logging

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from common.rest.errors import CODES, envelope
from messaging import receipts, replies
from messaging.providers import SHIPPED, provider_class
from messaging.providers.base import (
    CannotTell,
    ForgedWebhook,
    InboundText,
    Provider,
    StatusReport,
    WebhookCall,
)

logger = logging.getLogger(__name__)

# A receipt has a few hundred bytes; a call from anyone must not cost more.
MAX_BODY = 64 * 1024


@csrf_exempt
def from_shipped(request: HttpRequest, name: str, kind: str = "") -> HttpResponse:
    """Of a provider that comes with the site: configured or not, for a receipt may come after a switch."""
    return _taken(request, name, provider_class(name), kind)


@csrf_exempt
def from_other(request: HttpRequest, name: str, kind: str = "") -> HttpResponse:
    """Of a third party's, by its dotted path: only what is configured is ever imported."""
    if name in SHIPPED or name not in settings.SMS_PROVIDERS:
        return _refusal("NOT_FOUND")
    return _taken(request, name, provider_class(name), kind)


def _taken(request: HttpRequest, name: str, provider: type[Provider], kind: str) -> HttpResponse:
    """The same for every signed call, about a known message or not: a provider could do nothing about it."""
    if request.method != "POST":
        refusal = _refusal("METHOD_NOT_ALLOWED", _("Only POST is understood here."))
        refusal["Allow"] = "POST"
        return refusal
    told: list[StatusReport | InboundText] = []
    try:
        told = provider.read_webhook(kind, _call(request))
    except RequestDataTooBig:
        return _refusal("PAYLOAD_TOO_LARGE", _("This is too large for a receipt."))
    except ForgedWebhook:
        return _refusal("PERMISSION_DENIED", _("The signature is missing or wrong."))
    except CannotTell:
        logger.warning("A signed call of %s says nothing that is understood here.", name)
    for each in told:
        _keep(each, name)
    content_type, content = provider.webhook_answer(kind)
    if not content:
        return HttpResponse(status=204)
    return HttpResponse(content, content_type=content_type)


def _keep(told: StatusReport | InboundText, provider: str) -> None:
    """Whatever fails here, the provider calls again: each is kept once however often it comes."""
    if isinstance(told, StatusReport):
        receipts.take(told, provider=provider, now=timezone.now())
    else:
        replies.take(told, provider=provider, now=timezone.now())


def _call(request: HttpRequest) -> WebhookCall:
    """Raises RequestDataTooBig before the body is read."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length[:18]) > MAX_BODY:
        raise RequestDataTooBig
    # The path as it was called, but for what a proxy puts before it: that is part of the public address.
    path = request.path.removeprefix(request.META.get("SCRIPT_NAME", "").rstrip("/"))
    if query := request.META.get("QUERY_STRING", ""):
        path = f"{path}?{query}"
    return WebhookCall(path, request.GET.dict(), dict(request.headers), request.body)


def _refusal(code: str, message: str = "") -> JsonResponse:
    return JsonResponse(envelope(code, message), status=CODES[code][0])
