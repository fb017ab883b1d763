"""The answers that calls have in common, as OpenAPI describes them: errors in the envelope, and headers."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from common.rest.errors import CODES

ENVELOPE = "ErrorEnvelope"
JSON = "application/json"
_MOMENT = {"type": "string", "format": "date-time"}
# By name: what it says, and the type of its value.
HEADERS: dict[str, tuple[str, str]] = {
    "X-Request-ID": (
        "The number of this request, also in our logs; the caller's own if it sent a sane one.",
        "string",
    ),
    "X-RateLimit-Limit": ("Requests that the caller may make in the time.", "integer"),
    "X-RateLimit-Remaining": ("How many of them are left.", "integer"),
    "X-RateLimit-Reset": ("When the count begins anew, in seconds since 1970.", "integer"),
    "Retry-After": ("Seconds to wait.", "integer"),
    "Idempotency-Replayed": ("`true` where a repeat gets the first answer.", "string"),
    "WWW-Authenticate": ("How to sign in: `Bearer` or `Api-Key`.", "string"),
}
LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_BESIDE = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}


def header(name: str) -> dict[str, Any]:
    about, kind = HEADERS[name]
    return {"description": about, "schema": {"type": kind}}


def header_refs(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def envelope_schema() -> dict[str, Any]:
    said = {
        "code": {"type": "string", "enum": list(CODES), "description": "Go by this, not by the words."},
        "message": {"type": "string", "description": "For a person."},
        "details": {
            "type": "object",
            "additionalProperties": {},
            "description": "A field's messages under its name; of a conflict also what a program can use.",
        },
        "request_id": {"type": "string"},
        "timestamp": _MOMENT,
    }
    inner = {"type": "object", "properties": said, "required": list(said), "additionalProperties": False}
    return {"type": "object", "properties": {"error": inner}, "required": ["error"]}


def by_status(codes: Iterable[str]) -> dict[int, list[str]]:
    """The codes of an answer under its HTTP status, both in order."""
    found = defaultdict(list)
    for code in CODES:
        if code in codes:
            found[CODES[code][0]].append(code)
    return dict(sorted(found.items()))


def error_name(codes: Iterable[str]) -> str:
    return "Or".join("".join(word.capitalize() for word in code.split("_")) for code in codes)


def error_answer(status: int, codes: list[str]) -> dict[str, Any]:
    """The answer with one of `codes`, each with an example."""
    of_these = {"type": "object", "properties": {"code": {"type": "string", "enum": codes}}}
    narrowed = {"type": "object", "properties": {"error": of_these}}
    shown = {code: {"value": _example(code)} for code in codes}
    return {
        "description": " ".join(f"`{code}`: {CODES[code][1]}" for code in codes),
        "headers": header_refs(["X-Request-ID", *LIMITS, *_BESIDE.get(status, ())]),
        "content": {
            JSON: {
                "schema": {"allOf": [{"$ref": f"#/components/schemas/{ENVELOPE}"}, narrowed]},
                "examples": shown,
            }
        },
    }


_DETAILS: dict[str, dict[str, Any]] = {
    "VALIDATION_ERROR": {"appointment_datetime": ["This field is required."]},
    "APPOINTMENT_CONFLICT": {
        "reason": "clinic_full",
        "conflicts_with": [
            {
                "id": "0190a5b0-0000-7000-8000-000000000000",
                "appointment_datetime": "2026-12-01T09:30:00+02:00",
                "duration_minutes": 30,
            }
        ],
        "next_free_slots": ["2026-12-01T10:00:00+02:00"],
    },
}


def _example(code: str) -> dict[str, Any]:
    return {
        "error": {
            "code": code,
            "message": str(CODES[code][1]),
            "details": _DETAILS.get(code, {}),
            "request_id": "0190a5b0c3d17000a1b2c3d4e5f60718",
            "timestamp": "2026-12-01T09:30:00.000+02:00",
        }
    }
