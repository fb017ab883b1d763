"""One line in the log for each request. Never its query string, its body, or what stood in its path."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import SimpleLazyObject

from common.client_address import client_address

logger = logging.getLogger(__name__)

# Asked every few seconds by machines: lines about them would hide the others.
WATCHING = ("healthz", "readyz", "metrics")


class RequestLogMiddleware:
    """Method, route, status, milliseconds, queries and caller. A slow one is a warning."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        queries, began = _Counter(), time.monotonic()
        with connection.execute_wrapper(queries):
            response = self.get_response(request)
        self._tell(request, response.status_code, time.monotonic() - began, queries.count)
        return response

    def _tell(self, request: HttpRequest, status: int, seconds: float, queries: int) -> None:
        route = _route(request)
        slow = 0 < settings.SLOW_REQUEST_SECONDS < seconds
        level = logging.WARNING if slow else logging.INFO
        if not slow and any(name in route for name in WATCHING):
            level = logging.DEBUG
        fields = {
            "method": request.method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000),
            "queries": queries,
            "caller": _caller(request),
        }
        words = "%(method)s %(route)s %(status)s %(ms)s ms, %(queries)s queries, %(caller)s"
        logger.log(level, f"SLOW: {words}" if slow else words, fields, extra={"fields": fields})


class _Counter:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        self.count += 1
        return execute(sql, params, many, context)


def _route(request: HttpRequest) -> str:
    """As it is declared, "/api/v1/appointments/<uuid:pk>"; "-" for an address that is not there."""
    match = request.resolver_match
    return "-" if match is None else f"/{match.route}".replace("^", "").replace("/?$", "")


def _caller(request: HttpRequest) -> str:
    """ "user:<id>", "key:<id>" or "address:<address>", without a look into the database for it."""
    user = request.__dict__.get("user")
    if isinstance(user, SimpleLazyObject):
        user = request.__dict__.get("_cached_user")
    if user is not None and user.is_authenticated:
        return f"{getattr(user, 'caller_kind', 'user')}:{user.pk}"
    return f"address:{client_address(request)}"
