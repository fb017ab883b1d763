from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import jwt
import pytest
import time_machine
from axes.models import AccessAttempt
from django.conf import settings
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import services, sign_in
from accounts.api import tokens
from accounts.audit import SYSTEM
from accounts.models import SignIn
from tests.factories.accounts import (
    PASSWORD,
    AdminFactory,
    ClinicFactory,
    StaffFactory,
    UserFactory,
    ViewerFactory,
)

pytestmark = pytest.mark.django_db
LOGIN, REFRESH, LOGOUT, ME = (
    f"/api/v1/{path}" for path in ("auth/login", "auth/refresh", "auth/logout", "users/me")
)


def begun(user):
    return tokens.pair(sign_in.begin(user, now=timezone.now()))


def login(client, user, password=PASSWORD):
    return client.post(LOGIN, {"username": user.username, "password": password}, format="json")


def whoami(client, access):
    return client.get(ME, headers={"Authorization": f"Bearer {access}"})


def refreshed(client, refresh):
    return client.post(REFRESH, {"refresh": refresh}, format="json")


def code_of(answer):
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.parametrize("made_by", [AdminFactory, StaffFactory, ViewerFactory])
def test_a_person_with_a_role_signs_in_and_is_known_by_the_access_token(api, made_by):
    clinic = ClinicFactory()
    user = made_by(clinics=[clinic])
    answer = login(api(), user)
    assert answer.status_code == 200
    assert answer.json()["user"]["clinic_ids"] == [str(clinic.pk)]
    me = whoami(api(), answer.json()["access"])
    assert me.json() == answer.json()["user"]
    assert me.json()["role"] == user.role


def test_a_superuser_counts_as_an_administrator(api):
    assert login(api(), UserFactory(is_superuser=True)).json()["user"]["role"] == "admin"


def test_signing_in_leaves_no_session_behind(api):
    answer = login(api(), StaffFactory())
    assert not answer.cookies


def test_a_sign_in_is_noted_with_the_person(api):
    user = StaffFactory()
    login(api(), user)
    user.refresh_from_db()
    assert user.last_login is not None


def test_a_wrong_password_an_unknown_name_a_closed_and_a_roleless_account_get_one_answer(api):
    answers = [
        login(api(), StaffFactory(), "wrong"),
        login(api(), UserFactory.build(username="nobody")),
        login(api(), StaffFactory(is_active=False)),
        login(api(), UserFactory(role="")),
    ]
    assert {code_of(answer) for answer in answers} == {(401, "INVALID_CREDENTIALS")}
    assert len({answer.json()["error"]["message"] for answer in answers}) == 1


def test_after_five_wrong_passwords_the_right_one_has_to_wait(api):
    user = StaffFactory()
    assert {code_of(login(api(), user, "wrong")) for _ in range(5)} == {(401, "INVALID_CREDENTIALS")}
    assert code_of(login(api(), user)) == (429, "RATE_LIMITED")


def test_who_has_to_wait_is_told_for_how_long_and_is_let_in_then(api):
    user = StaffFactory()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(5):
            login(api(), user, "wrong")
        clock.shift(timedelta(minutes=5))
        wait = int(login(api(), user).headers["Retry-After"])
        assert wait == 10 * 60
        clock.shift(timedelta(seconds=wait - 1))
        assert login(api(), user).status_code == 429
        clock.shift(timedelta(seconds=2))
        assert login(api(), user).status_code == 200


def test_the_limit_holds_for_the_admin_and_the_api_together(api, client):
    user = StaffFactory()
    for _ in range(5):
        client.post("/admin/login/", {"username": user.username, "password": "wrong"})
    assert code_of(login(api(), user)) == (429, "RATE_LIMITED")


def test_good_sign_ins_are_not_limited(api):
    user = StaffFactory()
    assert {login(api(), user).status_code for _ in range(12)} == {200}


def test_a_limit_over_a_longer_time_keeps_closed_as_long(api, settings):
    settings.LOGIN_RATE_LIMIT = "5/2h"
    user = StaffFactory()
    for _ in range(5):
        login(api(), user, "wrong")
    assert 7000 < int(login(api(), user).headers["Retry-After"]) <= 7200


def test_an_administrator_lets_a_person_in_again_by_removing_the_failures(api):
    user = StaffFactory()
    for _ in range(5):
        login(api(), user, "wrong")
    AccessAttempt.objects.filter(username=user.username).delete()
    assert login(api(), user).status_code == 200


def test_the_same_person_signs_in_from_another_address(api):
    user = StaffFactory()
    for _ in range(5):
        login(api(), user, "wrong")
    elsewhere = APIClient(REMOTE_ADDR="192.0.2.1")
    assert login(elsewhere, user).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_many_guesses_at_once_no_more_than_five_are_told_whether_they_are_wrong(api):
    user = StaffFactory()

    def guess(turn):
        try:
            return login(api(), user, f"guess {turn}").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(guess, range(16)))
    assert (outcomes.count(401), outcomes.count(429)) == (5, 11)


def test_a_colleague_on_the_same_network_signs_in_while_one_is_locked_out(api):
    user = StaffFactory()
    for _ in range(5):
        login(api(), user, "wrong")
    assert login(api(), StaffFactory()).status_code == 200


def test_failures_before_a_good_sign_in_do_not_count_any_more(api):
    user = StaffFactory()
    for _ in range(3):
        for _ in range(4):
            login(api(), user, "wrong")
        assert login(api(), user).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "x"},
        {"username": "x\0", "password": "y"},
        {"username": "x" * 151, "password": "y"},
    ],
)
def test_a_sign_in_that_can_not_be_is_refused_by_field(api, body):
    answer = api().post(LOGIN, body, format="json")
    assert code_of(answer) == (400, "VALIDATION_ERROR")
    assert answer.json()["error"]["details"]


def test_an_access_token_lives_15_minutes(api):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        access = begun(StaffFactory())["access"]
        clock.shift(timedelta(minutes=14, seconds=59))
        assert whoami(api(), access).status_code == 200
        clock.shift(timedelta(seconds=1))
        assert code_of(whoami(api(), access)) == (401, "TOKEN_INVALID")


def test_a_refresh_token_lives_7_days_and_each_exchange_begins_them_anew(api):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        refresh = begun(StaffFactory())["refresh"]
        clock.shift(timedelta(days=6))
        refresh = refreshed(api(), refresh).json()["refresh"]
        clock.shift(timedelta(days=6))
        refresh = refreshed(api(), refresh).json()["refresh"]
        clock.shift(timedelta(days=7))
        assert code_of(refreshed(api(), refresh)) == (401, "TOKEN_INVALID")


def test_an_exchange_gives_a_new_pair_that_works(api):
    first = begun(StaffFactory())
    second = refreshed(api(), first["refresh"]).json()
    assert second["refresh"] != first["refresh"]
    assert whoami(api(), second["access"]).status_code == 200


def test_a_refresh_token_used_again_ends_the_whole_sign_in_at_once(api):
    first = begun(StaffFactory())
    second = refreshed(api(), first["refresh"]).json()
    assert code_of(refreshed(api(), first["refresh"])) == (401, "TOKEN_INVALID")
    assert code_of(refreshed(api(), second["refresh"])) == (401, "TOKEN_INVALID")
    assert code_of(whoami(api(), second["access"])) == (401, "TOKEN_INVALID")
    assert code_of(whoami(api(), first["access"])) == (401, "TOKEN_INVALID")


def test_another_sign_in_of_the_same_person_goes_on(api):
    user = StaffFactory()
    stolen, other = begun(user), begun(user)
    refreshed(api(), stolen["refresh"])
    refreshed(api(), stolen["refresh"])
    assert whoami(api(), other["access"]).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_many_exchanges_of_one_token_at_once_one_wins_and_the_sign_in_ends():
    begun_once = sign_in.begin(StaffFactory(), now=timezone.now())

    def exchange(_turn):
        try:
            sign_in.exchange(begun_once.pk, begun_once.refresh_id, now=timezone.now())
            return "won"
        except sign_in.TokenInvalid:
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(exchange, range(8)))
    assert outcomes.count("won") == 1
    assert sign_in.living(begun_once.pk, now=timezone.now()) is None


@pytest.mark.parametrize("method", ["delete", "post"])
def test_after_signing_out_neither_token_works(api, method):
    pair = begun(StaffFactory())
    answer = getattr(api(), method)(LOGOUT, {"refresh": pair["refresh"]}, format="json")
    assert answer.status_code == 204
    assert code_of(refreshed(api(), pair["refresh"])) == (401, "TOKEN_INVALID")
    assert code_of(whoami(api(), pair["access"])) == (401, "TOKEN_INVALID")


def test_signing_out_twice_is_no_error(api):
    refresh = begun(StaffFactory())["refresh"]
    answers = [api().post(LOGOUT, {"refresh": refresh}, format="json").status_code for _ in range(2)]
    assert answers == [204, 204]


def test_a_new_password_ends_every_token_at_once(api):
    user = StaffFactory()
    pair = begun(user)
    services.set_password(user.pk, "another-long-password", actor=SYSTEM, now=timezone.now())
    assert code_of(whoami(api(), pair["access"])) == (401, "TOKEN_INVALID")
    assert code_of(refreshed(api(), pair["refresh"])) == (401, "TOKEN_INVALID")


def test_a_password_set_behind_the_services_ends_every_token_too(api):
    user = StaffFactory()
    pair = begun(user)
    user.set_password("another-long-password")
    user.save()
    assert code_of(whoami(api(), pair["access"])) == (401, "TOKEN_INVALID")
    assert code_of(refreshed(api(), pair["refresh"])) == (401, "TOKEN_INVALID")


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": ""}])
def test_who_is_deactivated_or_loses_the_role_is_out_at_once_and_stays_out_when_back(api, change):
    user = StaffFactory()
    pair = begun(user)
    before = {field: getattr(user, field) for field in change}
    services.change_user(user.pk, version=1, actor=SYSTEM, now=timezone.now(), **change)
    assert code_of(whoami(api(), pair["access"])) == (401, "TOKEN_INVALID")
    services.change_user(user.pk, version=2, actor=SYSTEM, now=timezone.now(), **before)
    assert code_of(whoami(api(), pair["access"])) == (401, "TOKEN_INVALID")
    assert code_of(refreshed(api(), pair["refresh"])) == (401, "TOKEN_INVALID")


def test_a_deleted_persons_tokens_are_refused(api):
    user = StaffFactory()
    pair = begun(user)
    user.delete()
    assert code_of(whoami(api(), pair["access"])) == (401, "TOKEN_INVALID")
    assert code_of(refreshed(api(), pair["refresh"])) == (401, "TOKEN_INVALID")


def test_a_refresh_token_is_no_access_token_nor_the_other_way_round(api):
    pair = begun(StaffFactory())
    assert code_of(whoami(api(), pair["refresh"])) == (401, "TOKEN_INVALID")
    assert code_of(refreshed(api(), pair["access"])) == (401, "TOKEN_INVALID")


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é"])
def test_a_token_that_is_none_is_refused(api, token):
    assert code_of(api().get(ME, headers={"Authorization": f"Bearer {token}"})) == (401, "TOKEN_INVALID")


@pytest.mark.parametrize(("key", "algorithm"), [("x" * 64, "HS256"), ("", "none")])
def test_a_forged_token_is_refused(api, key, algorithm):
    claims = jwt.decode(begun(StaffFactory())["access"], options={"verify_signature": False})
    forged = jwt.encode(claims, key, algorithm=algorithm)
    assert code_of(whoami(api(), forged)) == (401, "TOKEN_INVALID")


def test_a_well_signed_token_without_a_sign_in_is_refused(api):
    claims = jwt.decode(begun(StaffFactory())["access"], options={"verify_signature": False})
    del claims["sid"]
    odd = jwt.encode(claims, settings.SECRET_KEY, algorithm="HS256")
    assert code_of(whoami(api(), odd)) == (401, "TOKEN_INVALID")


def test_without_a_token_the_answer_says_how_to_bring_one(api):
    answer = api().get(ME)
    assert code_of(answer) == (401, "NOT_AUTHENTICATED")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_session_of_the_admin_does_not_open_the_api(client):
    client.force_login(AdminFactory(), backend="accounts.backends.RoleBackend")
    assert client.get(ME).status_code == 401


def test_checking_a_token_costs_one_query(api, django_assert_num_queries):
    caller = api(StaffFactory())
    # The others are for the person's clinics.
    with django_assert_num_queries(3):
        caller.get(ME)


def test_sign_ins_whose_last_token_expired_are_forgotten():
    now = timezone.now()
    old = sign_in.begin(StaffFactory(), now=now - timedelta(days=7))
    new = sign_in.begin(StaffFactory(), now=now)
    sign_in.forget_expired(now=now)
    assert set(SignIn.objects.all()) == {new}
    assert old != new
