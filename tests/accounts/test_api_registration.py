from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import registration
from accounts.models import AuditEntry, User
from tests.factories.accounts import PASSWORD, AdminFactory, ClinicFactory, UserFactory

pytestmark = pytest.mark.django_db
REGISTER, LOGIN, USERS = "/api/v1/auth/register", "/api/v1/auth/login", "/api/v1/users"
NEO = {"username": "neo", "password": PASSWORD, "first_name": "Neo", "email": "neo@clinic.example"}
SIGN_IN = {"username": "neo", "password": PASSWORD}


def registered(api, **given):
    return api().post(REGISTER, NEO | given, format="json")


def refused_at(answer):
    assert answer.status_code == 400, answer.content
    return set(answer.json()["error"]["details"])


def test_who_registers_has_an_account_that_can_do_nothing_yet(api):
    answer = registered(api)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["username"], body["role"], body["clinic_ids"]) == ("neo", "", [])
    assert (body["is_active"], body["is_waiting"]) == (False, True)
    assert "password" not in body
    assert api().post(LOGIN, SIGN_IN, format="json").status_code == 401
    assert AuditEntry.objects.get(object_id=body["id"]).actor_kind == "visitor"


def test_an_admin_finds_who_waits_and_lets_them_in(api):
    clinic, admin = ClinicFactory(), api(AdminFactory())
    registered(api)
    waiting = admin.get(USERS, {"is_waiting": "true"}).json()["results"]
    assert [row["username"] for row in waiting] == ["neo"]
    given = {"is_active": True, "role": "viewer", "clinic_ids": [str(clinic.pk)]}
    answer = admin.patch(f"{USERS}/{waiting[0]['id']}", given, format="json")
    assert (answer.status_code, answer.json()["is_waiting"]) == (200, False)
    assert api().post(LOGIN, SIGN_IN, format="json").json()["user"]["clinic_ids"] == [str(clinic.pk)]
    assert admin.get(USERS, {"is_waiting": "true"}).json()["results"] == []


def test_an_admin_declines_and_nobody_waits_any_more(api):
    admin = api(AdminFactory())
    key = registered(api).json()["id"]
    assert admin.delete(f"{USERS}/{key}").status_code == 204
    user = User.objects.get(pk=key)
    assert (user.is_active, user.is_waiting) == (False, False)


def test_a_word_changed_by_an_admin_leaves_the_person_waiting(api):
    key = registered(api).json()["id"]
    api(AdminFactory()).patch(f"{USERS}/{key}", {"first_name": "Neo M"}, format="json")
    assert User.objects.get(pk=key).is_waiting


@pytest.mark.parametrize(
    ("field", "value"),
    [("role", "admin"), ("is_active", True), ("clinic_ids", []), ("stock_manager_of", []), ("version", 1)],
)
def test_nobody_gives_themselves_rights(api, field, value):
    assert refused_at(registered(api, **{field: value})) == {field}
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [("password", "short"), ("username", ""), ("email", "neo"), ("phone", "x"), ("first_name", {"a": 1})],
)
def test_a_value_that_cannot_be_is_refused_at_its_field(api, field, value):
    assert refused_at(registered(api, **{field: value})) == {field}


def test_a_name_that_is_taken_is_refused_and_an_address_that_is_known_is_not(api):
    UserFactory(username="Neo", email="neo@clinic.example")
    assert refused_at(registered(api)) == {"username"}
    assert registered(api, username="neo2").status_code == 201


def test_when_too_many_wait_nobody_else_registers(api, monkeypatch):
    monkeypatch.setattr(registration, "MOST_WAITING", 1)
    registered(api)
    answer = registered(api, username="lesego")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert "Retry-After" in answer.headers


def test_a_registration_that_nobody_decides_on_is_forgotten(api):
    now = timezone.now()
    old = UserFactory(is_active=False, is_waiting=True, date_joined=now - timedelta(days=91))
    UserFactory(is_active=False, is_waiting=True, date_joined=now - timedelta(days=89))
    UserFactory(is_active=False, date_joined=now - timedelta(days=91))
    assert registration.forget_old_registrations(now=now) == 1
    assert not User.objects.filter(pk=old.pk).exists()
    assert AuditEntry.objects.get(object_id=old.pk).action == "registration forgotten"
