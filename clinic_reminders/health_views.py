"""What watches the site asks. Outside the API's limits, and open but for the metrics."""

import ipaddress

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from rest_framework.exceptions import AuthenticationFailed

from accounts.api.authentication import signed_in
from clinic_reminders import health, metrics
from common.client_address import client_address
from common.rest.errors import CHALLENGE, CODES, envelope


@csrf_exempt
@never_cache
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers. It asks nothing else: a restart mends no database."""
    return JsonResponse({"status": "alive"})


@csrf_exempt
@never_cache
@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """200, or 503 with the names of the parts that fail."""
    parts = health.parts(now=timezone.now())
    failing = [part.name for part in parts if part.ok is False]
    body = {
        "status": "failing" if failing else "ready",
        "failing": failing,
        "parts": {part.name: {"ok": part.ok, "detail": part.said} for part in parts},
    }
    if not failing:
        return JsonResponse(body)
    said = {part.name: [part.said] for part in parts if part.ok is False}
    message = _("Not ready: %s") % ", ".join(failing)
    return JsonResponse({**body, **envelope("SERVICE_UNAVAILABLE", message, said)}, status=503)


@csrf_exempt
@never_cache
@require_safe
def metrics_page(request: HttpRequest) -> HttpResponse:
    """For whoever asks on this machine itself, and for administrators."""
    code = _refusal(request)
    if code is not None:
        refused = JsonResponse(envelope(code), status=CODES[code][0])
        if refused.status_code == 401:
            refused["WWW-Authenticate"] = CHALLENGE
        return refused
    return HttpResponse(metrics.page(now=timezone.now()), content_type=metrics.CONTENT_TYPE)


def _refusal(request: HttpRequest) -> str | None:
    if _asks_on_this_machine(request):
        return None
    try:
        user = signed_in(request)
    except AuthenticationFailed:
        return "TOKEN_INVALID"
    if user is None:
        return "NOT_AUTHENTICATED"
    return None if user.is_admin else "PERMISSION_DENIED"


def _asks_on_this_machine(request: HttpRequest) -> bool:
    """A proxy on this machine that is not declared as one passes on strangers: it is told by its header."""
    forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    address = ipaddress.ip_address(client_address(request))
    return address.is_loopback and not forwarded
