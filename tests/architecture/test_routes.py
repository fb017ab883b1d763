import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib import admin
from django.shortcuts import resolve_url
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

SAMPLE_KEY = "00000000-0000-7000-8000-000000000000"
SAMPLES = {"int": "1", "uuid": SAMPLE_KEY}

# What answers people who are not signed in, and why it may.
OPEN = {
    "/": "leads to the admin",
    "/admin/login/": "the sign-in page",
    "/admin/logout/": "ends a session; without one it leads to the admin",
    "/language/": "changes the language that pages are shown in; the account's only for who is signed in",
    "/api/v1/schema": "describes the API; holds no data",
    "/api/v1/docs": "the same as a page",
    "/api/v1/auth/login": "the API's sign-in",
    "/api/v1/auth/refresh": "the refresh token shows who asks",
    "/password/new/": "the token in the link shows who asks",
    "/api/v1/auth/register": "an account that can do nothing until it is approved",
    "/api/v1/auth/password/reset": "gives one answer to everybody",
    "/api/v1/auth/password/reset/confirm": "the token in the mail shows who asks",
    "/api/v1/auth/logout": "the refresh token shows who asks; the access token may have expired",
    **{
        f"{base}^{name}/?$": why
        for base in ("/", "/api/v1/")
        for name, why in {
            "healthz": "says that the process is there",
            "readyz": "says which parts work; holds no data",
            "metrics": "numbers, for who asks on the machine itself; others need an administrator's token",
        }.items()
    },
}
REFUSED = {401, 403, 404, 405}


def routes(patterns=None, prefix: str = "/") -> Iterator[tuple[str, str]]:
    """Each route as it is declared, and an address that it answers to."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route, address(route)


def address(route: str) -> str:
    labels = sorted(model._meta.app_label for model in admin.site._registry)
    route = re.sub(r"\^|\$|\\Z", "", route)
    route = re.sub(r"\(\?P<app_label>[^)]*\)", labels[0], route)
    route = re.sub(r"\(\?P<\w+>[^)]*\)", "x", route)
    return re.sub(r"<(?:(\w+):)?\w+>", lambda match: SAMPLES.get(match[1] or "str", SAMPLE_KEY), route)


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
def test_every_route_needs_sign_in(method):
    sign_in = resolve_url(settings.LOGIN_URL)
    client = Client(raise_request_exception=False)
    offenders = {}
    for route, path in routes():
        if route in OPEN:
            continue
        answer = getattr(client, method)(path)
        asked_to_sign_in = answer.status_code == 302 and answer.headers["Location"].startswith(sign_in)
        if not asked_to_sign_in and answer.status_code not in REFUSED:
            offenders[f"{method} {route}"] = answer.status_code
    assert offenders == {}


@pytest.mark.django_db
def test_the_admin_hides_behind_the_sign_in_page_rather_than_answering_not_found():
    asked = [path for route, path in routes() if route.startswith("/admin/") and route not in OPEN]
    client = Client()
    assert len(asked) > 20
    assert {client.get(path).status_code for path in asked} == {302}


def in_need_of_a_token(route: str) -> bool:
    # A provider's call is signed by the provider's own scheme.
    return route.startswith("/api/") and route not in OPEN and "/webhooks/" not in route


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
def test_every_call_of_the_api_asks_for_a_token_in_the_envelope(method):
    client = Client(raise_request_exception=False)
    calls = [path for route, path in routes() if in_need_of_a_token(route)]
    answers = {path: getattr(client, method)(path) for path in calls}
    assert len(answers) > 5
    assert {answer.status_code for answer in answers.values()} == {401}
    assert {answer.json()["error"]["code"] for answer in answers.values()} == {"NOT_AUTHENTICATED"}


def test_every_open_route_exists():
    assert set(OPEN) <= {route for route, _ in routes()}
