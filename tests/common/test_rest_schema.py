import pytest
from django.core.management import call_command

from common.rest.door import BASE


@pytest.fixture
def schema(client):
    return client.get(f"{BASE}/schema").json()


def test_the_schema_is_open_and_tells_every_call(schema):
    assert schema["openapi"].startswith("3.")
    calls = {"appointments", "appointments/{id}", "appointments/upload", "sms/status/{id}", "users/me"}
    assert {f"{BASE}/{call}" for call in calls} <= set(schema["paths"])


def test_the_schema_is_made_without_a_warning(capsys):
    call_command("spectacular", validate=True, fail_on_warn=True, format="openapi-json")
    assert capsys.readouterr().out


def test_a_list_tells_its_filters_pages_and_orders(schema):
    parameters = {p["name"]: p for p in schema["paths"][f"{BASE}/appointments"]["get"]["parameters"]}
    assert {"page", "limit", "cursor", "sort", "clinic_id", "status", "date", "from", "to"} <= set(parameters)
    assert "-appointment_datetime" in parameters["sort"]["schema"]["enum"]


def test_a_call_tells_that_it_wants_a_token(schema):
    assert schema["paths"][f"{BASE}/users/me"]["get"]["security"] == [{"bearer": []}, {"apiKey": []}]
    assert schema["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_the_headers_that_all_calls_have_are_described(schema):
    answers = schema["paths"]["/api/v1/appointments"]["get"]["responses"]
    assert {"X-Request-ID", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} <= set(
        answers["200"]["headers"]
    )


def parameters(schema, path):
    return {given["name"] for given in schema["paths"][path]["post"].get("parameters", [])}


def test_where_an_idempotency_key_is_taken_it_is_described(schema):
    assert "Idempotency-Key" in parameters(schema, "/api/v1/appointments/upload")
    for path in ("/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/api-keys"):
        assert "Idempotency-Key" not in parameters(schema, path)
