"""Each call of the API × each role, as a person and as a key × own, other and no clinic, off one table."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest
from django.db import transaction
from django.urls import resolve
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import api_keys
from accounts.audit import SYSTEM
from accounts.models import Clinic
from common.rest.door import BASE
from tests.architecture.access_table import CALLERS, ELSEWHERE, TABLE, Rule, Scope
from tests.architecture.test_routes import routes
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.clinic_life import ClinicLife, clinic_life

FACTORIES = {"viewer": ViewerFactory, "staff": StaffFactory, "admin": AdminFactory}
CASES = [
    pytest.param(path, method, rule, id=f"{method} {path}")
    for path, rules in TABLE.items()
    for method, rule in rules.items()
]
OF_ROLES = [case for case in CASES if not (case.values[2].is_open or case.values[2].is_signed)]
OF_CLINICS = [case for case in CASES if case.values[2].scope is not Scope.NOWHERE]
LISTS = [case for case in CASES if case.values[2].scope is Scope.LIST]
# An upload is a form with a file.
WRITING = [
    case
    for case in CASES
    if not (case.values[0] == "appointments/upload" or case.values[1] == "GET" or case.values[2].is_signed)
]
# On this machine itself, metrics are for everybody.
FROM_ELSEWHERE = {"REMOTE_ADDR": "203.0.113.7"}
TAKEN = {200, 201, 202, 204}
# Let in, and then the empty body or the state was not right.
LET_IN = TAKEN | {400, 409, 415}


def declared() -> Iterator[tuple[str, set[str]]]:
    """Each route of the API with its methods; whatever its key is called."""
    for route, address in routes():
        if not route.startswith(f"{BASE}/"):
            continue
        path = re.sub(r"[\^$?]|/\?\$", "", route.removeprefix(f"{BASE}/")).rstrip("/")
        func = resolve(address.removesuffix("/?")).func
        view = getattr(func, "view_class", None) or getattr(func, "cls", None)
        if view is None:
            yield path, {"POST"} if "webhooks" in path else {"GET"}
        else:
            names = [name for name in view.http_method_names if hasattr(view, name)]
            yield path, {name.upper() for name in names} - {"HEAD", "OPTIONS"}


def anonymised(path: str) -> str:
    return re.sub(r"<[^>]+>", "<>", path)


def test_each_route_and_method_has_its_rule():
    found = {anonymised(path): methods for path, methods in declared() if path not in ELSEWHERE}
    assert len(found) > 30
    assert found == {anonymised(path): set(rules) for path, rules in TABLE.items()}


class Stage:
    """A clinic of one's own, another, and a caller of each kind in the first, or in none."""

    def __init__(self, api: Any) -> None:
        self.here, self.there = ClinicFactory(), ClinicFactory()
        uploader = AdminFactory()
        self.own: ClinicLife = clinic_life(self.here, uploader)
        self.other: ClinicLife = clinic_life(self.there, uploader)
        self.someone = ViewerFactory(clinics=[self.there])
        self.key, _secret = self.issued("viewer", [self.there])
        self._api = api

    def issued(self, role: str, clinics: list[Clinic]) -> Any:
        options = {"expires_at": None, "made_by": None, "actor": SYSTEM, "now": timezone.now()}
        return api_keys.issue(name=role, role=role, clinics=clinics, **options)

    def caller(self, name: str, clinics: list[Clinic]) -> APIClient:
        role, _, is_key = name.partition(" ")
        if not is_key:
            return self._api(FACTORIES[role](clinics=clinics))
        client = self._api()
        client.credentials(HTTP_AUTHORIZATION=f"Api-Key {self.issued(role, clinics)[1]}")
        return client

    def address(self, path: str, life: ClinicLife) -> str:
        keys = {**asdict(life), "user": self.someone.pk, "key": self.key.pk}
        return f"{BASE}/" + re.sub(r"<(\w+)>", lambda match: str(keys[match[1]]), path)


@pytest.fixture
def stage(api, db) -> Stage:
    return Stage(api)


def ask(client: APIClient, method: str, address: str, body: Any = None) -> Any:
    """The answer; nothing that it did stays."""
    with transaction.atomic():
        answer = getattr(client, method.lower())(address, body, format="json", **FROM_ELSEWHERE)
        transaction.set_rollback(True)
    return answer


def body_of(method: str, rule: Rule, life: ClinicLife) -> Any:
    return None if method == "GET" else rule.body(life)


@pytest.mark.parametrize(("path", "method", "rule"), CASES)
def test_who_is_not_signed_in_is_let_in_nowhere_but_where_the_table_says(stage, path, method, rule):
    answer = ask(APIClient(), method, stage.address(path, stage.own), body_of(method, rule, stage.own))
    if rule.is_signed:
        assert answer.status_code == 403
    elif rule.is_open:
        assert answer.status_code != 403
        assert answer.status_code != 401 or answer.json()["error"]["code"] != "NOT_AUTHENTICATED"
    else:
        assert answer.status_code == 401


@pytest.mark.parametrize(("path", "method", "rule"), OF_ROLES)
def test_each_role_may_in_its_own_clinic_what_the_table_says(stage, path, method, rule):
    expected = TAKEN if rule.scope in {Scope.BODY, Scope.LIST} else LET_IN
    wrong = {}
    for name in CALLERS:
        client = stage.caller(name, [stage.here])
        answer = ask(client, method, stage.address(path, stage.own), body_of(method, rule, stage.own))
        if answer.status_code not in (expected if name in rule.who else {rule.refusal}):
            wrong[name] = answer.status_code
    assert wrong == {}


@pytest.mark.parametrize(("path", "method", "rule"), OF_CLINICS)
@pytest.mark.parametrize("has_clinic", [True, False], ids=["of another clinic", "of no clinic"])
def test_outside_ones_clinics_a_thing_is_not_there(stage, path, method, rule, has_clinic):
    wrong = {}
    for name in CALLERS:
        client = stage.caller(name, [stage.here] if has_clinic else [])
        answer = ask(client, method, stage.address(path, stage.other), body_of(method, rule, stage.other))
        if not is_right(answer, rule, name, stage.other):
            wrong[name] = answer.status_code
    assert wrong == {}


def is_right(answer: Any, rule: Rule, name: str, other: ClinicLife) -> bool:
    """Whether an answer about another clinic is what the rule says."""
    if name not in rule.who:
        return answer.status_code == rule.refusal
    if name.startswith("admin"):
        return answer.status_code in LET_IN
    if rule.scope is Scope.PATH:
        return answer.status_code == 404
    if rule.scope is Scope.BODY:
        return answer.status_code == 400 and rule.names in answer.json()["error"]["details"]
    found = {each["id"] for each in answer.json()["results"]}
    return answer.status_code == 200 and str(asdict(other)[rule.lists]) not in found


@pytest.mark.parametrize(("path", "method", "rule"), LISTS)
def test_a_list_holds_what_is_of_ones_own_clinic_and_for_admins_all(stage, path, method, rule):
    for name in CALLERS:
        client = stage.caller(name, [stage.here])
        address = f"{stage.address(path, stage.own)}?limit=100"
        found = {each["id"] for each in ask(client, method, address).json()["results"]}
        own, other = (str(asdict(life)[rule.lists]) for life in (stage.own, stage.other))
        assert own in found
        assert (other in found) == name.startswith("admin")


@pytest.mark.parametrize(("path", "method", "rule"), WRITING)
def test_a_field_that_a_call_does_not_know_is_refused_by_name(stage, path, method, rule):
    body = {**body_of(method, rule, stage.own), "no_such_field": 1}
    answer = ask(stage.caller("admin", [stage.here]), method, stage.address(path, stage.own), body)
    assert answer.status_code == 400, answer.content
    assert "no_such_field" in answer.json()["error"]["details"]
