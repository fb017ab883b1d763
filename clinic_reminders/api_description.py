"""Of the API's description what no view of the framework's tells: health checks and providers' calls."""

from typing import Any

from common.rest import schema_answers
from common.rest.door import BASE
from common.rest.schema_answers import JSON

ABOUT = """Appointments, reminders and texts of clinics.

Sign in with `POST /auth/login` and send `Authorization: Bearer ACCESS`, or send `Authorization: Api-Key KEY`.
Every error has one form, `ErrorEnvelope`. Lists take `page` and `limit`, or `cursor`; a parameter that is
unknown is refused. Times are ISO 8601; without an offset they are read on the clinic's clock.
"""
TAGS = {
    "auth": "Sign in, tokens, passwords, registration.",
    "api-keys": "Keys with which other systems sign in.",
    "appointments": "Visits: book, move, mark, cancel, upload; whom to phone.",
    "patients": "Patients, their consent and opt-outs.",
    "sms": "Texts: send, schedule, follow, take back; what providers call.",
    "templates": "The texts that patients get.",
    "clinics": "Clinics, their rules and closed days.",
    "users": "People who sign in, and how they like to be told.",
    "items": "What can be in stock; the same for all clinics.",
    "stock": "Stock of clinics: levels, counts, the ledger, transfers, orders.",
    "reports": "Stock, attendance and delivery in figures, as JSON or CSV.",
    "audit": "Who changed what and when.",
    "health": "For what watches the site. Not limited.",
}
_CRASHES = ("INTERNAL_ERROR", "SERVICE_UNAVAILABLE")
_FORM = "application/x-www-form-urlencoded"
_OBJECT = {"type": "object", "additionalProperties": True}
_ALIVE = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
_READY = {
    "type": "object",
    "properties": {
        "status": {"type": "string", "enum": ["ready", "failing"]},
        "failing": {"type": "array", "items": {"type": "string"}},
        "parts": _OBJECT,
    },
    "required": ["status", "failing", "parts"],
}
# By path: operation id, summary, what a 200 is and its media type, the errors.
_CHECKS: dict[str, tuple[str, str, str, dict[str, Any], tuple[str, ...]]] = {
    "healthz": ("healthz", "Ask whether the site is alive", JSON, _ALIVE, ("INTERNAL_ERROR",)),
    "readyz": ("readyz", "Ask which parts of the site work", JSON, _READY, _CRASHES),
    "metrics": (
        "metrics",
        "Numbers for Prometheus: on the machine itself, or for an admin",
        "text/plain",
        {"type": "string"},
        (*_CRASHES, "NOT_AUTHENTICATED", "TOKEN_INVALID", "PERMISSION_DENIED"),
    ),
}
# By path: the provider, what it tells, its media type, and that of our answer.
_WEBHOOKS = {
    "sms/webhooks/twilio/status": ("twilio", "status", _FORM, ""),
    "sms/webhooks/twilio/inbound": ("twilio", "inbound", _FORM, "text/xml"),
    "sms/webhooks/smsgate": ("smsgate", "events", JSON, ""),
}


def add_other_calls(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A hook of drf-spectacular's, after all views have told of themselves."""
    for path, told in _CHECKS.items():
        result["paths"][f"{BASE}/{path}"] = {"get": _check(result["components"], *told)}
    for path, webhook in _WEBHOOKS.items():
        result["paths"][f"{BASE}/{path}"] = {"post": _webhook(result["components"], *webhook)}
    used = {tag for path in result["paths"].values() for call in path.values() for tag in call["tags"]}
    result["info"]["description"] = ABOUT
    result["tags"] = [{"name": name, "description": said} for name, said in TAGS.items() if name in used]
    return result


def _check(
    components: dict[str, Any],
    name: str,
    summary: str,
    media: str,
    described: dict[str, Any],
    codes: tuple[str, ...],
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "tags": ["health"],
        "responses": {"200": _answer({media: {"schema": described}}), **_errors(components, codes)},
    }
    if "NOT_AUTHENTICATED" in codes:
        operation["security"] = [{}, {"bearer": []}, {"apiKey": []}]
    return operation


def _webhook(components: dict[str, Any], provider: str, kind: str, media: str, answer: str) -> dict[str, Any]:
    content = {answer: {"schema": {"type": "string"}}} if answer else {}
    codes = (*_CRASHES, "VALIDATION_ERROR", "PERMISSION_DENIED", "PAYLOAD_TOO_LARGE")
    return {
        "operationId": f"sms_webhooks_{provider}_{kind}",
        "summary": f"What {provider} calls: {kind}",
        "description": "Signed by the provider's own scheme; unsigned or forged, nothing changes.",
        "tags": ["sms"],
        "requestBody": {"content": {media: {"schema": _OBJECT}}},
        "responses": {"200" if answer else "204": _answer(content), **_errors(components, codes)},
    }


def _answer(content: dict[str, Any]) -> dict[str, Any]:
    headers = schema_answers.header_refs(["X-Request-ID"])
    return {"description": "Done.", "headers": headers, **({"content": content} if content else {})}


def _errors(components: dict[str, Any], codes: tuple[str, ...]) -> dict[str, Any]:
    found = {}
    for status, of_status in schema_answers.by_status(codes).items():
        name = schema_answers.error_name(of_status)
        components["responses"].setdefault(name, schema_answers.error_answer(status, of_status))
        found[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return found
