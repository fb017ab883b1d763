"""How many requests the API takes of one caller, in whichever process they arrive."""

import logging
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network

import pytest
import time_machine
from django.core.cache import caches
from django.db import connection
from django.test import override_settings
from django.urls import path
from rest_framework.response import Response
from rest_framework.test import APIClient

from common.rest import limits
from common.rest.views import ApiView
from tests import redis_server
from tests.factories.accounts import PASSWORD, StaffFactory

HERE = "/api/v1/here"


class Here(ApiView):
    permission_classes = ()

    def get(self, _request):
        return Response({})


def login_urls():
    from accounts.api.views import Login

    return path("api/v1/auth/login", Login.as_view())


urlpatterns = [path("api/v1/here", Here.as_view()), login_urls()]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture(autouse=True)
def limit(settings, monkeypatch):
    settings.API_RATE_LIMIT = "3/h"
    monkeypatch.setattr(limits, "_down", limits._Down())
    caches["default"].clear()


@pytest.fixture
def redis():
    if not redis_server.is_there():
        pytest.skip("no redis-server on this machine")
    with redis_server.running_redis() as (url, process), override_settings(CACHES=in_redis(url)):
        yield process


def in_redis(url):
    backend = "django.core.cache.backends.redis.RedisCache"
    options = {"socket_connect_timeout": 1, "socket_timeout": 1}
    return {"default": {"BACKEND": backend, "LOCATION": url, "OPTIONS": options}}


def statuses(caller, times, **headers):
    return [caller.get(HERE, headers=headers).status_code for _ in range(times)]


def test_after_so_many_requests_a_caller_waits(api):
    caller = api(StaffFactory())
    assert statuses(caller, 4) == [200, 200, 200, 429]
    refused = caller.get(HERE)
    assert refused.json()["error"]["code"] == "RATE_LIMITED"
    assert 1 <= int(refused.headers["Retry-After"]) <= 3600


def test_every_answer_says_how_many_are_left_and_until_when(api):
    caller = api(StaffFactory())
    with time_machine.travel(1_800_000_000, tick=False):
        answers = [caller.get(HERE) for _ in range(4)]
    assert [answer.headers["X-RateLimit-Limit"] for answer in answers] == ["3"] * 4
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    (resets,) = {int(answer.headers["X-RateLimit-Reset"]) for answer in answers}
    assert resets - 1_800_000_000 == int(answers[-1].headers["Retry-After"])


def test_when_the_time_is_over_requests_are_taken_again(api):
    caller = APIClient()
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        statuses(caller, 3)
        clock.shift(int(caller.get(HERE).headers["Retry-After"]) + 1)
        assert caller.get(HERE).status_code == 200


def test_each_person_has_a_count_of_their_own(api):
    statuses(api(StaffFactory()), 4)
    assert statuses(api(StaffFactory()), 3) == [200] * 3


def test_who_signs_in_anew_does_not_begin_anew(api):
    person = StaffFactory()
    statuses(api(person), 3)
    assert statuses(api(person), 1) == [429]


def test_who_is_not_signed_in_counts_by_address(api):
    statuses(api(), 3)
    assert statuses(APIClient(REMOTE_ADDR="192.0.2.1"), 1) == [200]
    assert statuses(APIClient(), 1) == [429]


def test_nobody_gets_a_new_count_by_naming_another_address(api):
    statuses(api(), 3)
    assert statuses(api(), 1, **{"X-Forwarded-For": "192.0.2.1"}) == [429]


def test_behind_a_trusted_proxy_each_address_counts_for_itself(api, settings):
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.1")]
    statuses(api(), 3, **{"X-Forwarded-For": "192.0.2.1"})
    assert statuses(api(), 1, **{"X-Forwarded-For": "192.0.2.2"}) == [200]
    assert statuses(api(), 1, **{"X-Forwarded-For": "203.0.113.5, 192.0.2.1"}) == [429]


def test_tokens_that_are_tried_out_count_by_address(api):
    assert statuses(api(), 4, Authorization="Bearer guessed") == [401, 401, 401, 429]


def test_no_limit_is_no_limit(api, settings):
    settings.API_RATE_LIMIT = None
    answer = api().get(HERE)
    assert "X-RateLimit-Limit" not in answer.headers
    assert statuses(api(), 5) == [200] * 5


def many_at_once(person, api, requests):
    caller = api(person)._credentials

    def ask(_turn):
        client = APIClient()
        client.credentials(**caller)
        try:
            return client.get(HERE).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(ask, range(requests)))


@pytest.mark.django_db(transaction=True)
def test_of_400_requests_at_once_exactly_100_are_taken(api, settings):
    settings.API_RATE_LIMIT = "100/h"
    with time_machine.travel(1_800_000_000, tick=False):
        answers = many_at_once(StaffFactory(), api, 400)
    assert (answers.count(200), answers.count(429)) == (100, 300)


@pytest.mark.django_db(transaction=True)
def test_in_redis_too_of_400_requests_at_once_exactly_100_are_taken(api, settings, redis):
    settings.API_RATE_LIMIT = "100/h"
    answers = many_at_once(StaffFactory(), api, 400)
    assert (answers.count(200), answers.count(429)) == (100, 300)


def sign_in(api, person):
    return api().post(
        "/api/v1/auth/login", {"username": person.username, "password": PASSWORD}, format="json"
    )


def test_without_the_cache_the_api_goes_on_and_says_so_once(api, redis, caplog):
    caller = api(StaffFactory())
    redis.kill()
    redis.wait()
    assert statuses(caller, 5) == [200] * 5
    said = [record for record in caplog.records if "CACHE DOES NOT ANSWER" in record.getMessage()]
    assert [record.levelno for record in said] == [logging.ERROR]


def test_without_the_cache_nobody_signs_in(api, redis):
    person = StaffFactory()
    assert sign_in(api, person).status_code == 200
    redis.kill()
    redis.wait()
    refused = sign_in(api, person)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert int(refused.headers["Retry-After"]) > 0


def test_a_cache_file_that_can_not_be_opened_stops_no_request(api, tmp_path):
    backend = {"BACKEND": "common.shared_cache.SharedCache", "LOCATION": str(tmp_path / "gone" / "cache")}
    with override_settings(CACHES={"default": backend}):
        assert statuses(api(), 5) == [200] * 5
