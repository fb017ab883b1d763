from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from accounts import services
from accounts.audit import SYSTEM
from accounts.models import AuditEntry, Role, User
from common.errors import StateConflict
from tests.factories.accounts import (
    PASSWORD,
    AdminFactory,
    ClinicFactory,
    StaffFactory,
    UserFactory,
    ViewerFactory,
)

pytestmark = pytest.mark.django_db
USERS, ME, LOGIN = "/api/v1/users", "/api/v1/users/me", "/api/v1/auth/login"
NEW = {"username": "neo", "password": PASSWORD}


def at(user):
    return f"{USERS}/{user.pk}"


def patched(client, user, **changes):
    return client.patch(at(user), changes, format="json")


def code_of(answer):
    return answer.status_code, answer.json()["error"]["code"]


def refused_at(answer):
    assert answer.status_code == 400, answer.content
    return set(answer.json()["error"]["details"])


# Adding


def test_an_admin_adds_a_nurse_who_then_signs_in(api):
    clinic, admin = ClinicFactory(), AdminFactory()
    given = NEW | {
        "role": "staff",
        "clinic_ids": [str(clinic.pk)],
        "stock_manager_of": [str(clinic.pk)],
        "first_name": "Neo",
        "last_name": "Molefe",
        "phone": "71 234 567",
        "email": "Neo@Clinic.EXAMPLE",
    }
    answer = api(admin).post(USERS, given, format="json")
    assert answer.status_code == 201
    body = answer.json()
    assert (body["role"], body["clinic_ids"], body["stock_manager_of"]) == (
        "staff",
        [str(clinic.pk)],
        [str(clinic.pk)],
    )
    assert (body["phone"], body["email"], body["is_active"]) == ("+26771234567", "Neo@clinic.example", True)
    assert api().post(LOGIN, NEW, format="json").status_code == 200
    entry = AuditEntry.objects.get(object_id=body["id"])
    assert (entry.action, entry.actor_id) == ("added", admin.pk)


def test_no_password_leaves_in_an_answer_or_in_the_log(api):
    answer = api(AdminFactory()).post(USERS, NEW, format="json")
    assert PASSWORD not in answer.content.decode()
    assert "password" not in answer.json()
    assert PASSWORD not in str(AuditEntry.objects.get().changes)


def test_a_new_person_needs_a_name_and_a_password(api):
    assert refused_at(api(AdminFactory()).post(USERS, {}, format="json")) == {"username", "password"}


@pytest.mark.parametrize(
    "password", ["xK3!q", "1234567890123", "password123", "neo.molefe.neo", "", None, 12345]
)
def test_a_weak_password_is_refused_with_reasons_that_do_not_repeat_it(api, password):
    given = NEW | {"username": "neo.molefe", "password": password}
    answer = api(AdminFactory()).post(USERS, given, format="json")
    assert refused_at(answer) == {"password"}
    assert not password or str(password) not in answer.content.decode()


@pytest.mark.parametrize("name", ["neo", "NEO", " neo "])
def test_a_user_name_that_is_taken_is_refused_in_any_case(api, name):
    UserFactory(username="neo")
    assert refused_at(api(AdminFactory()).post(USERS, NEW | {"username": name}, format="json")) == {
        "username"
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("username", v) for v in ("", "a b", "x" * 151, 7, None, "n\0o", [])],
        *[("role", v) for v in ("boss", "Admin", 1, None, [])],
        *[("clinic_ids", v) for v in ("x", [1], ["x"], [None], None, [str(uuid4())], {"a": 1}, [10**50])],
        *[("stock_manager_of", v) for v in ([str(uuid4())], [True], "all")],
        *[("phone", v) for v in ("call me", "123", 71234567, "+2673901234")],
        *[("email", v) for v in ("neo", "neo@", 7, "a" * 250 + "@b.example")],
        *[("is_active", v) for v in ("yes", 1, None)],
        *[("first_name", v) for v in ("n" * 151, None, 7)],
        ("is_superuser", True),
        ("groups", []),
    ],
)
def test_a_value_that_cannot_be_is_refused_at_its_field(api, field, value):
    assert refused_at(api(AdminFactory()).post(USERS, NEW | {field: value}, format="json")) == {field}


# Who may what


@pytest.mark.parametrize("made_by", [StaffFactory, ViewerFactory])
def test_other_people_are_the_admins_business(api, made_by):
    clinic = ClinicFactory()
    client, colleague = api(made_by(clinics=[clinic])), StaffFactory(clinics=[clinic])
    somebody = f"{USERS}/{uuid4()}"
    answers = [
        client.get(USERS),
        client.post(USERS, NEW, format="json"),
        client.get(at(colleague)),
        client.get(somebody),
        patched(client, colleague, first_name="X"),
        client.put(at(colleague), NEW, format="json"),
        client.delete(at(colleague)),
        client.get(f"{at(colleague)}/preferences"),
        client.put(f"{at(colleague)}/preferences", {}, format="json"),
    ]
    assert {code_of(answer) for answer in answers} == {(403, "PERMISSION_DENIED")}


@pytest.mark.parametrize("made_by", [AdminFactory, StaffFactory, ViewerFactory])
@pytest.mark.parametrize("me", [True, False])
def test_everybody_reads_themselves_and_changes_how_they_are_reached(api, made_by, me):
    user = made_by(clinics=[ClinicFactory()])
    client, own = api(user), ME if me else at(user)
    changes = {"first_name": "Neo", "last_name": "M", "phone": "71234567", "email": "n@clinic.example"}
    assert client.patch(own, changes, format="json").status_code == 200
    body = client.get(own).json()
    assert (body["first_name"], body["phone"]) == ("Neo", "+26771234567")
    assert body["role"] == user.role


@pytest.mark.parametrize("made_by", [AdminFactory, StaffFactory, ViewerFactory])
@pytest.mark.parametrize("field", ["role", "clinic_ids", "is_active", "password"])
@pytest.mark.parametrize("me", [True, False])
def test_nobody_changes_their_own_role_clinics_activity_or_password_here(api, made_by, field, me):
    AdminFactory()
    user = made_by(clinics=[ClinicFactory()])
    other_role = "staff" if user.role == "admin" else "admin"
    value = {"role": other_role, "clinic_ids": [str(ClinicFactory().pk)], "is_active": False}
    value |= {"password": "another-long-one"}
    answer = api(user).patch(ME if me else at(user), {field: value[field]}, format="json")
    assert code_of(answer) == (403, "PERMISSION_DENIED")
    user.refresh_from_db()
    assert (user.is_active, user.clinics.count(), user.check_password(PASSWORD)) == (True, 1, True)


@pytest.mark.parametrize("field", ["username", "stock_manager_of"])
def test_staff_do_not_rename_themselves_or_choose_their_alerts_clinics(api, field):
    user = StaffFactory()
    value = {"username": "boss", "stock_manager_of": [str(ClinicFactory().pk)]}[field]
    assert patched(api(user), user, **{field: value}).status_code == 403


@pytest.mark.parametrize("made_by", [AdminFactory, StaffFactory])
def test_what_one_reads_of_oneself_can_be_put_back(api, made_by):
    user = made_by(clinics=[ClinicFactory()])
    client = api(user)
    answer = client.put(ME, client.get(ME).json(), format="json")
    assert (answer.status_code, answer.json()["version"]) == (200, 1)


def test_a_superuser_reads_itself_as_admin_and_can_be_put_back(api):
    user = UserFactory(is_superuser=True)
    client = api(user)
    read = client.get(ME).json()
    assert read["role"] == "admin"
    assert client.put(ME, read, format="json").status_code == 200


def test_nobody_deactivates_themselves(api):
    AdminFactory()
    for user in (AdminFactory(), StaffFactory()):
        assert api(user).delete(at(user)).status_code == 403
        user.refresh_from_db()
        assert user.is_active


# Changing


def test_a_demoted_superuser_is_none_any_more(api):
    user = UserFactory(is_superuser=True)
    assert patched(api(AdminFactory()), user, role="viewer").json()["role"] == "viewer"
    user.refresh_from_db()
    assert not user.is_admin


def test_a_phone_from_before_numbers_were_checked_stays_until_it_is_changed(api):
    client, user = api(AdminFactory()), StaffFactory(phone="390 1234")
    assert patched(client, user, first_name="Neo", phone="390 1234").status_code == 200
    assert refused_at(patched(client, user, phone="390 1235")) == {"phone"}


def test_a_stale_version_overwrites_nothing(api):
    client, user = api(AdminFactory()), StaffFactory()
    patched(client, user, first_name="First", version=1)
    assert code_of(patched(client, user, first_name="Second", version=1)) == (409, "VERSION_CONFLICT")


def test_a_deactivated_persons_tokens_are_dead_at_once_and_stay_dead(api):
    admin, user = api(AdminFactory()), StaffFactory()
    client = api(user)
    assert client.get(ME).status_code == 200
    assert admin.delete(at(user)).status_code == 204
    assert code_of(client.get(ME)) == (401, "TOKEN_INVALID")
    assert patched(admin, user, is_active=True).status_code == 200
    assert client.get(ME).status_code == 401


def test_deactivating_twice_changes_nothing_more(api):
    admin, user = api(AdminFactory()), StaffFactory()
    assert [admin.delete(at(user)).status_code for _ in range(2)] == [204, 204]
    user.refresh_from_db()
    assert (user.is_active, user.version) == (False, 2)
    assert AuditEntry.objects.filter(object_id=user.pk).count() == 1


def test_a_password_that_an_admin_sets_ends_every_token(api):
    user = StaffFactory()
    clients = [api(user), api(user)]
    assert patched(api(AdminFactory()), user, password="another-long-one").status_code == 200
    assert [client.get(ME).status_code for client in clients] == [401, 401]
    given = {"username": user.username, "password": "another-long-one"}
    assert api().post(LOGIN, given, format="json").status_code == 200


def test_the_last_active_admin_stays():
    # Closed out by the site itself: who else could would be another admin.
    last = AdminFactory()
    AdminFactory(is_active=False)
    for change in ({"is_active": False}, {"role": "staff"}):
        with pytest.raises(StateConflict):
            services.change_user(last.pk, actor=SYSTEM, now=timezone.now(), **change)
    last.refresh_from_db()
    assert (last.is_active, last.role) == (True, Role.ADMIN)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", [{"role": "viewer"}, {"is_active": False}])
def test_of_two_admins_who_close_each_other_out_one_stays(api, change):
    first, second = AdminFactory(), AdminFactory()
    calls = [(api(first), second), (api(second), first)]
    ready = Barrier(2)

    def close_out(call):
        client, other = call
        ready.wait()
        try:
            return patched(client, other, **change).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(close_out, calls))
    assert User.objects.active_admins().count() == 1
    assert sorted(statuses)[0] == 200
