"""Errors told to Sentry, or what speaks its language: of which kind and where, never with whose data.

What is sent is chosen, not scrubbed: a new kind of data in a new version stays here.
"""

import logging
from collections.abc import Mapping
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration

from common import request_id

_EVENT = ("event_id", "timestamp", "level", "platform", "logger", "sdk")
_FRAME = ("filename", "function", "module", "lineno", "in_app")


def begin(dsn: str) -> None:
    """From here on errors in the log and crashes are reported. Nothing without a DSN."""
    if not dsn:
        return
    sentry_sdk.init(
        dsn=dsn,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            AtexitIntegration(callback=lambda *_: None),
            DedupeIntegration(),
            DjangoIntegration(middleware_spans=False, signals_spans=False),
            ExcepthookIntegration(),
            LoggingIntegration(level=None, event_level=logging.ERROR),
        ],
        before_send=chosen,
        include_local_variables=False,
        include_source_context=False,
        max_breadcrumbs=0,
        max_request_body_size="never",
        auto_session_tracking=False,
        send_client_reports=False,
        send_default_pii=False,
        server_name="",
    )


def chosen(event: Any, _hint: Any = None) -> Any:
    """What is told of an event: kinds of errors with their places, a log line's words without its values."""
    told: dict[str, Any] = {name: event[name] for name in _EVENT if name in event}
    number = request_id.current()
    if number:
        told["tags"] = {"request_id": number}
    if words := (event.get("logentry") or {}).get("message"):
        told["logentry"] = {"message": words}
    errors = (event.get("exception") or {}).get("values") or []
    if errors:
        told["exception"] = {"values": [_error(error) for error in errors]}
    return told


def _error(error: Mapping[str, Any]) -> dict[str, Any]:
    frames = (error.get("stacktrace") or {}).get("frames") or []
    places = [{name: frame[name] for name in _FRAME if name in frame} for frame in frames]
    return {"type": error.get("type"), "module": error.get("module"), "stacktrace": {"frames": places}}
