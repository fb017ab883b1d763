"""The number of a request: in its answer, in every log line it leads to, in what a caller reports to us."""

import logging
import re
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from uuid import uuid4

from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-ID"
# Anything longer or stranger could forge lines in a log.
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_current: ContextVar[str] = ContextVar("request_id", default="")


def current() -> str:
    """The number of the request being answered; empty outside of one."""
    return _current.get()


def begin(given: str | None) -> str:
    """From here on `current()` is the caller's number if it is sane, else a new one."""
    number = given if given and _SANE.fullmatch(given) else uuid4().hex
    _current.set(number)
    return number


def forget(**_: Any) -> None:
    _current.set("")


# Not at the end of the middleware: Django's own line about a refusal comes after that.
request_finished.connect(forget, dispatch_uid="common.request_id")


class RequestIdMiddleware:
    """Outermost, so that refusals by other middleware carry the number too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        number = begin(request.headers.get(HEADER))
        response = self.get_response(request)
        response[HEADER] = number
        return response


class RequestIdFilter(logging.Filter):
    """Gives each log record `request_id`, "-" outside of a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current() or "-"
        return True
