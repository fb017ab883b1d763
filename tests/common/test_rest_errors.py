"""Every error is in the one envelope, wherever it comes from."""

import json
import logging
from datetime import datetime
from uuid import UUID

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import OperationalError
from django.http import Http404, HttpResponse
from django.urls import path
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from common.errors import DomainError, RateLimited, ValidationFailed
from common.logs import JsonFormatter
from common.request_id import RequestIdFilter, begin, current, forget
from common.rest.errors import CODES
from common.rest.serializers import Body
from common.rest.views import ApiView

PHONE = "+26771234567"
RAISED = {
    "domain": ValidationFailed.on("patient_phone", "This phone number does not exist."),
    "limited": RateLimited("Wait.", retry_after=30),
    "model": DjangoValidationError({"code": ["Taken."]}),
    "model-whole": DjangoValidationError("Taken."),
    "framework": exceptions.ValidationError(["Wrong."]),
    "throttled": exceptions.Throttled(wait=7),
    "missing": Http404("/secret/path"),
    "denied": PermissionDenied(PHONE),
    "big": RequestDataTooBig(PHONE),
    "suspicious": SuspiciousOperation(PHONE),
    "database": OperationalError(f"could not connect; SELECT {PHONE}"),
    "crash": RuntimeError(f"SELECT {PHONE}"),
}
RAISED |= {f"code-{code}": DomainError("No.", code=code) for code in CODES}


class Name(Body):
    name = serializers.CharField()
    id = serializers.IntegerField(read_only=True)


class Raising(ApiView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, _request, what):
        raise RAISED[what]


class Named(ApiView):
    authentication_classes = ()
    permission_classes = ()
    serializer_class = Name

    def get(self, _request):
        return Response({"name": "x" * 1000})

    def post(self, request):
        return Response(self.body(request))


class Identified(ApiView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, _request, pk):
        return Response(pk)


def plain_page(request):
    return HttpResponse("<h1>/srv/secret/path</h1>", status=403)


urlpatterns = [
    path("api/v1/raise/<str:what>", Raising.as_view()),
    path("api/v1/named", Named.as_view()),
    path("api/v1/ids/<uuid:pk>/more", Identified.as_view()),
    path("api/v1/page", plain_page),
    path("page", plain_page),
]
pytestmark = pytest.mark.urls(__name__)


def error_of(answer):
    """The error, once it is seen to have the envelope's shape."""
    body = json.loads(answer.content)
    assert set(body) == {"error"}
    error = body["error"]
    assert set(error) == {"code", "message", "details", "request_id", "timestamp"}
    assert answer.headers["Content-Type"] == "application/json"
    assert error["request_id"] == answer.headers["X-Request-ID"]
    assert datetime.fromisoformat(error["timestamp"]).utcoffset() is not None
    assert error["message"]
    assert isinstance(error["details"], dict)
    return error


@pytest.mark.parametrize("code", CODES)
def test_a_refusal_of_the_domain_gets_its_codes_status(api, code):
    answer = api().get(f"/api/v1/raise/code-{code}")
    assert (answer.status_code, error_of(answer)["code"]) == (CODES[code][0], code)


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [
        ("domain", 400, "VALIDATION_ERROR"),
        ("model", 400, "VALIDATION_ERROR"),
        ("model-whole", 400, "VALIDATION_ERROR"),
        ("framework", 400, "VALIDATION_ERROR"),
        ("suspicious", 400, "VALIDATION_ERROR"),
        ("denied", 403, "PERMISSION_DENIED"),
        ("missing", 404, "NOT_FOUND"),
        ("big", 413, "PAYLOAD_TOO_LARGE"),
        ("limited", 429, "RATE_LIMITED"),
        ("throttled", 429, "RATE_LIMITED"),
        ("crash", 500, "INTERNAL_ERROR"),
        ("database", 503, "SERVICE_UNAVAILABLE"),
    ],
)
def test_whatever_a_view_raises_comes_in_the_envelope(api, what, status, code):
    answer = api().get(f"/api/v1/raise/{what}")
    assert (answer.status_code, error_of(answer)["code"]) == (status, code)


@pytest.mark.parametrize("what", ["missing", "denied", "big", "suspicious", "database", "crash"])
@pytest.mark.parametrize("debug", [False, True])
def test_no_error_tells_what_the_exception_held(api, settings, what, debug):
    settings.DEBUG = debug
    said = api().get(f"/api/v1/raise/{what}").content.decode()
    assert not [secret for secret in (PHONE, "SELECT", "secret", "Traceback", ".py") if secret in said]


def test_a_field_at_fault_is_named_in_the_details(api):
    details = error_of(api().get("/api/v1/raise/domain"))["details"]
    assert details == {"patient_phone": ["This phone number does not exist."]}


@pytest.mark.parametrize(("what", "seconds"), [("limited", "30"), ("throttled", "7")])
def test_who_is_to_wait_is_told_how_long(api, what, seconds):
    assert api().get(f"/api/v1/raise/{what}").headers["Retry-After"] == seconds


@pytest.mark.parametrize("what", ["crash", "database"])
def test_what_is_our_own_fault_is_in_the_log(api, caplog, what):
    api().get(f"/api/v1/raise/{what}")
    assert any(record.exc_info for record in caplog.records if record.levelno == logging.ERROR)


def test_a_line_in_the_log_tells_its_request():
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "said", (), None)
    begin("abc-1")
    RequestIdFilter().filter(record)
    forget()
    assert json.loads(JsonFormatter().format(record))["request_id"] == "abc-1"


@pytest.mark.parametrize("debug", [False, True])
def test_an_unknown_address_is_answered_in_the_envelope(api, settings, debug):
    settings.DEBUG = debug
    answer = api().get("/api/v1/nowhere/at/all")
    assert (answer.status_code, error_of(answer)["code"]) == (404, "NOT_FOUND")


def test_a_page_that_middleware_puts_in_place_of_an_answer_is_turned_into_the_envelope(api):
    answer = api().get("/api/v1/page")
    assert (answer.status_code, error_of(answer)["code"]) == (403, "PERMISSION_DENIED")
    assert int(answer.headers["Content-Length"]) == len(answer.content)


def test_pages_outside_the_api_stay_pages(api):
    assert api().get("/page").content.startswith(b"<h1>")


def test_a_host_that_is_not_ours_is_refused_in_the_envelope(api):
    answer = api().get("/api/v1/named", headers={"Host": "evil.example"})
    assert (answer.status_code, error_of(answer)["code"]) == (400, "VALIDATION_ERROR")


def test_djangos_own_line_about_a_refusal_tells_its_request_too(api):
    told = []
    listener = logging.Handler()
    listener.emit = lambda _record: told.append(current())
    logging.getLogger("django.request").addHandler(listener)
    try:
        api().get("/api/v1/nowhere", headers={"X-Request-ID": "abc-2"})
    finally:
        logging.getLogger("django.request").removeHandler(listener)
    assert told == ["abc-2"]
    assert current() == ""


@pytest.mark.parametrize("method", ["delete", "options", "trace"])
def test_a_method_that_is_not_there_is_refused(api, method):
    answer = api().generic(method.upper(), "/api/v1/named")
    assert answer.headers["Allow"] == "GET, POST, HEAD"
    assert (answer.status_code, error_of(answer)["code"]) == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b'{"name": NaN}',
        b'{"name": "\\ud800"}',
        b'{"\\ud800": 1, "\\ud800": 2}',
        b"[" * 100_000,
        b'{"n": ' + b"9" * 5000 + b"}",
        b"",
    ],
    ids=[
        "cut off",
        "no UTF-8",
        "NaN",
        "half a pair",
        "half a pair twice",
        "too deep",
        "too long a number",
        "empty",
    ],
)
def test_a_body_that_is_no_json_is_a_parse_error(api, body):
    answer = api().generic("POST", "/api/v1/named", body, content_type="application/json")
    assert answer.status_code == 400
    assert error_of(answer)["code"] in ({"PARSE_ERROR"} if body else {"PARSE_ERROR", "VALIDATION_ERROR"})


@pytest.mark.parametrize("body", ["[]", '"x"', "1", "null"])
def test_a_body_that_is_no_object_is_refused(api, body):
    answer = api().generic("POST", "/api/v1/named", body, content_type="application/json")
    assert (answer.status_code, error_of(answer)["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded"])
def test_a_body_of_another_kind_is_refused(api, kind):
    answer = api().generic("POST", "/api/v1/named", "name=x", content_type=kind)
    assert (answer.status_code, error_of(answer)["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_body_that_is_too_large_is_refused(api, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = api().post("/api/v1/named", {"name": "x" * 100}, format="json")
    assert (answer.status_code, error_of(answer)["code"]) == (413, "PAYLOAD_TOO_LARGE")


def test_a_field_that_is_not_known_is_refused_by_name(api):
    answer = api().post("/api/v1/named", {"name": "x", "nmae": "y"}, format="json")
    assert (answer.status_code, list(error_of(answer)["details"])) == (400, ["nmae"])


@pytest.mark.parametrize("body", ['{"name": "x", "name": "y"}', '{"id": [{"name": "x", "name": "x"}]}'])
def test_a_field_given_twice_is_refused_by_name(api, body):
    answer = api().generic("POST", "/api/v1/named", body, content_type="application/json")
    assert (answer.status_code, list(error_of(answer)["details"])) == (400, ["name"])


def test_a_field_that_can_only_be_read_may_be_sent_back(api):
    assert api().post("/api/v1/named", {"name": "x", "id": 7}, format="json").json() == {"name": "x"}


def test_a_parameter_that_is_not_known_is_refused_by_name(api):
    answer = api().get("/api/v1/named?pgae=1")
    assert (answer.status_code, list(error_of(answer)["details"])) == (400, ["pgae"])


def test_the_answer_is_json_whatever_the_caller_accepts(api):
    answer = api().get("/api/v1/named", headers={"Accept": "text/html"})
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("address", ["/api/v1/named", "/api/v1/named/", "/api/named", "/api/named/"])
def test_both_base_paths_answer_with_and_without_a_slash_at_the_end(api, address):
    assert api().get(address).status_code == 200


@pytest.mark.parametrize("written", [str.lower, str.upper])
def test_an_id_in_an_address_may_be_in_capitals(api, written):
    given = UUID("0190a5b0-c0de-7000-8000-00000000beef")
    answer = api().get(f"/api/v1/ids/{written(str(given))}/more")
    assert answer.json() == str(given)


def test_answers_are_compressed_when_asked_for(api):
    answer = api().get("/api/v1/named", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in api().get("/api/v1/named").headers


def test_an_error_survives_compression(api):
    answer = api().get("/api/v1/nowhere", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    assert error_of(answer)["code"] == "NOT_FOUND"


def test_nothing_keeps_an_answer_on_its_way(api):
    assert "no-store" in api().get("/api/v1/named").headers["Cache-Control"]


@pytest.mark.parametrize("given", ["abc", "A-z_0.9", "x" * 64])
def test_a_callers_sane_request_id_comes_back(api, given):
    assert api().get("/api/v1/named", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a;b", "a\tb", "é"])
def test_any_other_request_id_is_replaced(api, given):
    made = api().get("/api/v1/named", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert made != given
    assert made


def test_pages_have_a_request_id_too(api):
    assert api().get("/page").headers["X-Request-ID"]


def test_only_allowed_origins_may_read_answers(api, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://partner.example"]

    def allowed(origin, address="/api/v1/named"):
        return api().get(address, headers={"Origin": origin}).headers.get("Access-Control-Allow-Origin")

    assert allowed("https://partner.example") == "https://partner.example"
    assert allowed("https://evil.example") is None
    assert allowed("https://partner.example", "/page") is None


def test_a_browser_may_ask_beforehand_what_it_may_send(api, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://partner.example"]
    answer = api().options(
        "/api/v1/named",
        headers={
            "Origin": "https://partner.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,idempotency-key",
        },
    )
    assert answer.status_code == 200
    assert "idempotency-key" in answer.headers["Access-Control-Allow-Headers"]
