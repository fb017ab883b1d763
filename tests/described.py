"""The API's own description of itself, and whether an answer is as it says."""

import re
from functools import cache
from typing import Any

from django.conf import settings
from django.urls import get_urlconf
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from common.rest.door import API, BASE

METHODS_NOT_DESCRIBED = {"HEAD", "OPTIONS"}


@cache
def description() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Each call: its method, its path as declared, what is said of it."""
    paths = description()["paths"].items()
    return [(method.upper(), path, said) for path, calls in paths for method, said in calls.items()]


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    def order(path: str) -> tuple[bool, str]:
        return "{" in path, path

    paths = sorted(description()["paths"], key=order)
    return [(re.compile(re.sub(r"{\w+}", r"[^/]+", path.replace(".", r"\."))), path) for path in paths]


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """What is said of the call that this address leads to; None for what no call answers."""
    path = path.partition("?")[0].rstrip("/")
    if not path.startswith(f"{BASE}/"):
        path = BASE + path.removeprefix(API)
    for pattern, declared in _patterns():
        if pattern.fullmatch(path):
            return description()["paths"][declared].get(method.lower())
    return None


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        _, _, kind, name = part["$ref"].split("/")
        part = description()["components"][kind][name]
    return part


def codes_of(answer: dict[str, Any]) -> list[str]:
    """The error codes that a described answer may have."""
    narrowed = resolved(answer)["content"]["application/json"]["schema"]["allOf"][1]
    return narrowed["properties"]["error"]["properties"]["code"]["enum"]


class DescribedClient(APIClient):
    """Fails where an answer's status or error code is not in the description of its call."""

    def request(self, **request: Any) -> Any:
        answer = super().request(**request)
        method, path = request["REQUEST_METHOD"], request["PATH_INFO"]
        ours = (get_urlconf() or settings.ROOT_URLCONF) == "clinic_reminders.urls"
        said = operation_of(method, path) if ours and method not in METHODS_NOT_DESCRIBED else None
        if said is not None:
            check(f"{method} {path}", said, answer)
        return answer


def check(call: str, said: dict[str, Any], answer: Any) -> None:
    described = said["responses"].get(str(answer.status_code))
    assert described is not None, f"{call}: {answer.status_code} is not described: {answer.content[:500]}"
    if answer.status_code >= 400:
        code = answer.json()["error"]["code"]
        assert code in codes_of(described), f"{call}: {code} is not described"
