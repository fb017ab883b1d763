"""One envelope for every error, wherever it comes from."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.response import Response

from common import request_id
from common.errors import DomainError

logger = logging.getLogger(__name__)

# Every code that the API answers with, its HTTP status, and what is said where there is nothing better.
CODES: dict[str, tuple[int, str | Promise]] = {
    "VALIDATION_ERROR": (400, _("This request can't be taken as it is. The details say what to mend.")),
    "PARSE_ERROR": (400, _("The body can't be read.")),
    "NOT_AUTHENTICATED": (401, _("Sign in first.")),
    "INVALID_CREDENTIALS": (401, _("The user name or the password is wrong.")),
    "TOKEN_INVALID": (401, _("This token is not valid, or not any more. Sign in again.")),
    "PERMISSION_DENIED": (403, _("You may not do this.")),
    "NOT_FOUND": (404, _("There is no such thing here.")),
    "METHOD_NOT_ALLOWED": (405, _("This method is not allowed here.")),
    "APPOINTMENT_CONFLICT": (409, _("This time is taken.")),
    "STATE_CONFLICT": (409, _("This can't be done in its present state.")),
    "VERSION_CONFLICT": (409, _("Someone has changed this meanwhile. Look at it again.")),
    "INSUFFICIENT_STOCK": (409, _("There is not enough in stock.")),
    "IDEMPOTENCY_KEY_REUSED": (409, _("This idempotency key was used for another request.")),
    "PAYLOAD_TOO_LARGE": (413, _("This request is too large.")),
    "UNSUPPORTED_MEDIA_TYPE": (415, _("Send JSON, with the header Content-Type: application/json.")),
    "RATE_LIMITED": (429, _("Too many requests. Wait before you try again.")),
    "INTERNAL_ERROR": (500, _("Something went wrong on our side. Give the request id when you report it.")),
    "SERVICE_UNAVAILABLE": (503, _("This can't be answered at the moment. Try again soon.")),
}
_BY_STATUS = {
    400: "VALIDATION_ERROR",
    401: "NOT_AUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "RATE_LIMITED",
    503: "SERVICE_UNAVAILABLE",
}
_OF_EXCEPTION: list[tuple[type[Exception], str]] = [
    (exceptions.NotAuthenticated, "NOT_AUTHENTICATED"),
    (exceptions.AuthenticationFailed, "TOKEN_INVALID"),
    (exceptions.PermissionDenied, "PERMISSION_DENIED"),
    (exceptions.NotFound, "NOT_FOUND"),
    (exceptions.MethodNotAllowed, "METHOD_NOT_ALLOWED"),
    (exceptions.ParseError, "PARSE_ERROR"),
    (exceptions.UnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE"),
    (exceptions.Throttled, "RATE_LIMITED"),
    (Http404, "NOT_FOUND"),
    (PermissionDenied, "PERMISSION_DENIED"),
    (RequestDataTooBig, "PAYLOAD_TOO_LARGE"),
    (SuspiciousOperation, "VALIDATION_ERROR"),
]
NON_FIELD = "non_field_errors"
CHALLENGE = 'Bearer realm="api", Api-Key realm="api"'


@dataclass(frozen=True, slots=True)
class _Refusal:
    code: str
    message: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def code_for(status: int) -> str:
    """The code of an answer that has only its HTTP status."""
    return _BY_STATUS.get(status, "INTERNAL_ERROR" if status >= 500 else "VALIDATION_ERROR")


def envelope(
    code: str, message: str | Promise = "", details: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What the body of an error is; without `message` the code's own words."""
    return {
        "error": {
            "code": code,
            "message": str(message or CODES[code][1]),
            "details": dict(details or {}),
            "request_id": request_id.current(),
            "timestamp": timezone.localtime().isoformat(timespec="milliseconds"),
        }
    }


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """REST framework's hook. None for what nobody foresaw: Django logs it and answers 500."""
    refusal = _refusal_of(exc)
    if refusal is None:
        return None
    said = refusal.message
    if isinstance(exc, exceptions.UnsupportedMediaType):
        said = getattr(context.get("view"), "wanted_media_type", "")
    response = Response(envelope(refusal.code, said, refusal.details), status=CODES[refusal.code][0])
    if response.status_code == 401:
        response["WWW-Authenticate"] = CHALLENGE
    wait = getattr(exc, "retry_after", None) or getattr(exc, "wait", None)
    if wait:
        response["Retry-After"] = str(int(wait))
    return response


def as_item(exc: Exception) -> tuple[int, dict[str, Any]] | None:
    """One item's refusal in an answer that tells of many: HTTP status, {"code", "message", "details"}."""
    refusal = _refusal_of(exc)
    if refusal is None:
        return None
    status, usual = CODES[refusal.code]
    said = {"code": refusal.code, "message": refusal.message or str(usual), "details": dict(refusal.details)}
    return status, said


def _refusal_of(exc: Exception) -> _Refusal | None:
    if isinstance(exc, DomainError):
        return _Refusal(exc.code, exc.message, {**exc.details, **exc.facts})
    if isinstance(exc, exceptions.ValidationError):
        return _Refusal("VALIDATION_ERROR", details=_by_field(exc.detail))
    if isinstance(exc, DjangoValidationError):
        return _Refusal("VALIDATION_ERROR", details=_by_field(_messages_of(exc)))
    if isinstance(exc, OperationalError | InterfaceError):
        logger.error("The database does not answer.", exc_info=exc)
        return _Refusal("SERVICE_UNAVAILABLE")
    for kind, code in _OF_EXCEPTION:
        if isinstance(exc, kind):
            return _Refusal(code)
    return None


def _messages_of(error: DjangoValidationError) -> Any:
    return error.message_dict if hasattr(error, "error_dict") else error.messages


def _by_field(detail: Any) -> dict[str, Any]:
    if not isinstance(detail, dict):
        return {NON_FIELD: list(detail) if isinstance(detail, list) else [detail]}
    return {NON_FIELD if name == "__all__" else str(name): said for name, said in detail.items()}
