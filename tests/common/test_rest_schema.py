"""The API's description is exact: tests/described.py holds each answer of every test against it too."""

import re

import pytest
from django.core.management import call_command

from common.rest.door import BASE
from tests.described import codes_of, description, operations, resolved

CALLS = [pytest.param(method, path, said, id=f"{method} {path}") for method, path, said in operations()]
WRITES = {"POST", "PUT", "PATCH"}
OPEN_TAGS = {"health"}


def call(method, path):
    return description()["paths"][f"{BASE}/{path}"][method.lower()]


def codes(said):
    answers = [answer for status, answer in said["responses"].items() if status >= "4"]
    return {code for answer in answers for code in codes_of(answer)}


def test_the_schema_is_open_and_tells_every_call(client):
    schema = client.get(f"{BASE}/schema").json()
    assert schema["openapi"].startswith("3.")
    expected = {"appointments", "appointments/{id}", "appointments/upload", "sms/status/{id}", "healthz"}
    assert {f"{BASE}/{path}" for path in expected} <= set(schema["paths"])


def test_the_schema_is_made_without_a_warning(capsys):
    call_command("spectacular", validate=True, fail_on_warn=True, format="openapi-json")
    assert capsys.readouterr().out


def test_a_list_tells_its_filters_pages_and_orders():
    parameters = {p["name"]: p for p in call("GET", "appointments")["parameters"]}
    assert {"page", "limit", "cursor", "sort", "clinic_id", "status", "date", "from", "to"} <= set(parameters)
    assert "-appointment_datetime" in parameters["sort"]["schema"]["enum"]


def test_a_call_tells_that_it_wants_a_token():
    assert call("GET", "users/me")["security"] == [{"bearer": []}, {"apiKey": []}]
    assert description()["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


@pytest.mark.parametrize(("method", "path", "said"), CALLS)
def test_a_call_has_a_summary_in_plain_words(method, path, said):
    assert re.fullmatch(r"[A-Z][^`]{3,80}[^.]", said["summary"])
    assert "queryset" not in said.get("description", "")


def test_each_call_has_a_name_that_no_other_has():
    names = [said["operationId"] for _method, _path, said in operations()]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z_]+", name)] == []


def test_each_group_of_calls_is_described():
    used = {tag for _method, _path, said in operations() for tag in said["tags"]}
    assert used == {tag["name"] for tag in description()["tags"] if tag["description"]}


@pytest.mark.parametrize(("method", "path", "said"), CALLS)
def test_each_answer_tells_its_headers(method, path, said):
    limited = not ({"health"} & set(said["tags"]) or "/webhooks/" in path)
    for answer in map(resolved, said["responses"].values()):
        assert "X-Request-ID" in answer["headers"]
        assert not limited or "X-RateLimit-Remaining" in answer["headers"]


def test_an_error_tells_how_long_to_wait_and_how_to_sign_in():
    answers = call("GET", "appointments")["responses"]
    assert "Retry-After" in resolved(answers["429"])["headers"]
    assert "Retry-After" in resolved(answers["503"])["headers"]
    assert "WWW-Authenticate" in resolved(answers["401"])["headers"]


def parameters(path):
    return {given["name"] for given in call("POST", path).get("parameters", [])}


def test_where_an_idempotency_key_is_taken_it_is_described():
    assert "Idempotency-Key" in parameters("appointments/upload")
    assert "IDEMPOTENCY_KEY_REUSED" in codes(call("POST", "appointments/upload"))
    for path in ("auth/login", "auth/refresh", "api-keys"):
        assert "Idempotency-Key" not in parameters(path)
        assert "IDEMPOTENCY_KEY_REUSED" not in codes(call("POST", path))


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "auth/login", {"INVALID_CREDENTIALS", "RATE_LIMITED", "UNSUPPORTED_MEDIA_TYPE"}),
        ("POST", "auth/refresh", {"TOKEN_INVALID"}),
        ("POST", "appointments", {"APPOINTMENT_CONFLICT", "PERMISSION_DENIED", "PAYLOAD_TOO_LARGE"}),
        ("PATCH", "appointments/{id}", {"VERSION_CONFLICT", "STATE_CONFLICT", "NOT_FOUND"}),
        ("POST", "sms/{id}/cancel", {"STATE_CONFLICT", "NOT_FOUND"}),
        ("GET", "patients", {"NOT_AUTHENTICATED", "VALIDATION_ERROR", "RATE_LIMITED"}),
    ],
)
def test_a_call_tells_the_errors_that_are_its_own(method, path, expected):
    assert expected <= codes(call(method, path))


@pytest.mark.parametrize(
    ("method", "path", "absent"),
    [
        ("GET", "clinics", {"PERMISSION_DENIED", "VERSION_CONFLICT", "PARSE_ERROR"}),
        ("POST", "auth/login", {"NOT_AUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND"}),
        ("POST", "clinics", {"VERSION_CONFLICT", "APPOINTMENT_CONFLICT", "NOT_FOUND"}),
    ],
)
def test_a_call_tells_no_error_that_it_can_not_give(method, path, absent):
    assert not absent & codes(call(method, path))


def test_a_body_takes_no_fields_but_its_own():
    body = description()["components"]["schemas"]["NewVisitRequest"]
    assert body["additionalProperties"] is False


def test_the_body_of_a_delete_is_described():
    assert "requestBody" in call("DELETE", "auth/logout")


def test_a_call_says_whom_it_is_for():
    assert "admin, staff." in call("POST", "appointments")["description"]
    assert "not for API keys" in call("GET", "users/me")["description"]
