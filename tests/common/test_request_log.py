"""One line a request, by which trouble is found and nobody's data is told."""

import json
import logging

import pytest
from django.urls import path
from rest_framework.response import Response

from clinic_reminders.health_urls import urlpatterns as health_urls
from common.logs import JsonFormatter
from common.request_log import logger
from common.rest.views import ApiView
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory

PHONE = "71234567"


class Thing(ApiView):
    permission_classes = ()
    query_parameters = frozenset({"phone"})

    def get(self, _request, word):
        ClinicFactory()
        if word == "crash":
            raise RuntimeError(PHONE)
        return Response({})

    post = get


def page(request):
    from django.http import HttpResponse

    return HttpResponse("seen" if request.user.is_authenticated else "")


urlpatterns = [path("api/v1/things/<str:word>", Thing.as_view()), path("page", page), *health_urls]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, logger=logger.name)
    return lambda: [record for record in caplog.records if record.name == logger.name]


def told(lines):
    (record,) = lines()
    return json.loads(JsonFormatter().format(record))


def test_a_request_is_one_line_with_its_fields(api, lines):
    person = StaffFactory()
    caller = api(person)
    caller.get("/api/v1/things/x")
    line = told(lines)
    assert line["message"].startswith("GET /api/v1/things/<str:word> 200 ")
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/v1/things/<str:word>", 200)
    assert line["caller"] == f"user:{person.pk}"
    # The sign-in, and one that the view makes.
    assert line["queries"] == 2
    assert isinstance(line["ms"], int)


def test_neither_what_stood_in_the_address_nor_a_query_nor_a_body_is_told(api, lines, caplog):
    api().post(f"/api/v1/things/{PHONE}?phone={PHONE}", {"phone": PHONE}, format="json")
    (record,) = lines()
    assert PHONE not in JsonFormatter().format(record)


@pytest.mark.parametrize(("address", "status"), [("/api/v1/things/crash", 500), ("/api/v1/nowhere", 404)])
def test_a_crash_and_an_unknown_address_are_told_too(api, lines, address, status):
    api().get(address)
    assert told(lines)["status"] == status


def test_who_is_not_signed_in_is_told_by_address(api, lines):
    api().get("/api/v1/things/x")
    assert told(lines)["caller"] == "address:127.0.0.1"


def test_a_person_in_the_admin_is_told_where_the_page_asked_who_it_is(client, lines):
    person = AdminFactory()
    client.force_login(person)
    client.get("/page")
    assert told(lines)["caller"] == f"user:{person.pk}"


def test_a_slow_request_is_a_warning(api, lines, settings):
    settings.SLOW_REQUEST_SECONDS = 1e-9
    api().get("/api/v1/things/x")
    (record,) = lines()
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("SLOW: GET /api/v1/things/<str:word> 200 ")
    assert "1 queries" in record.getMessage()


def test_with_0_seconds_nothing_is_slow(api, lines, settings):
    settings.SLOW_REQUEST_SECONDS = 0
    api().get("/api/v1/things/x")
    assert lines()[0].levelno == logging.INFO


@pytest.mark.parametrize("address", ["/healthz", "/readyz/", "/metrics"])
def test_those_who_watch_the_site_fill_no_log(api, lines, address):
    api().get(address)
    assert lines() == []
