"""Keys of other systems: made by administrators, shown once, good until they expire or are revoked."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import api_keys
from accounts.audit import SYSTEM
from accounts.models import ApiKey, AuditEntry
from appointments.file_import import background
from appointments.models import Appointment, FileImport
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory

pytestmark = pytest.mark.django_db
KEYS, APPOINTMENTS, UPLOAD = "/api/v1/api-keys", "/api/v1/appointments", "/api/v1/appointments/upload"


def key_caller(role="staff", clinics=(), expires_at=None):
    """A system with a new key."""
    _key, secret = api_keys.issue(
        name="Laboratory",
        role=role,
        clinics=clinics,
        expires_at=expires_at,
        made_by=None,
        actor=SYSTEM,
        now=timezone.now(),
    )
    return with_key(secret)


def with_key(secret):
    caller = APIClient(raise_request_exception=False)
    caller.credentials(HTTP_AUTHORIZATION=f"Api-Key {secret}")
    return caller


def code_of(answer):
    return answer.status_code, answer.json()["error"]["code"]


def make(caller, **given):
    body = {"name": "Laboratory", "role": "staff", "clinic_ids": [], **given}
    return caller.post(KEYS, body, format="json")


# Making, listing, revoking


def test_an_administrator_makes_a_key_and_sees_it_once(api):
    clinic = ClinicFactory()
    admin = AdminFactory()
    expires = (timezone.now() + timedelta(days=30)).isoformat()
    answer = make(api(admin), clinic_ids=[str(clinic.pk)], expires_at=expires)
    assert answer.status_code == 201
    made = answer.json()
    assert made["clinic_ids"] == [str(clinic.pk)]
    assert made["created_by_id"] == str(admin.pk)
    assert with_key(made["key"]).get(APPOINTMENTS).status_code == 200
    (listed,) = api(admin).get(KEYS).json()["results"]
    assert "key" not in listed
    assert made["key"].startswith(listed["prefix"])


def test_the_key_itself_is_kept_nowhere(api):
    secret = make(api(AdminFactory())).json()["key"]
    stored = str(ApiKey.objects.values().get()) + str(list(AuditEntry.objects.values()))
    assert secret not in stored


def test_a_key_without_an_end_lasts_a_year(api):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        caller = with_key(make(api(AdminFactory())).json()["key"])
        clock.shift(timedelta(days=364))
        assert caller.get(APPOINTMENTS).status_code == 200
        clock.shift(timedelta(days=1))
        assert code_of(caller.get(APPOINTMENTS)) == (401, "TOKEN_INVALID")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2999-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"role": "superuser"}, "role"),
        ({"role": ""}, "role"),
        ({"name": ""}, "name"),
        ({"name": "x\0"}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"clinic_ids": [str(uuid4())]}, "clinic_ids"),
        ({"clinic_ids": ["x"]}, "clinic_ids"),
        ({"clinic_ids": "x"}, "clinic_ids"),
        ({"secret": "mine"}, "secret"),
    ],
)
def test_what_can_not_be_is_refused_by_field(api, given, field):
    answer = make(api(AdminFactory()), **given)
    assert code_of(answer) == (400, "VALIDATION_ERROR")
    assert list(answer.json()["error"]["details"]) == [field]
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("made_by", [StaffFactory, ViewerFactory])
def test_keys_are_administrators_business(api, made_by):
    caller = api(made_by())
    key = make(api(AdminFactory())).json()
    answers = [make(caller), caller.get(KEYS), caller.delete(f"{KEYS}/{key['id']}")]
    assert {code_of(answer) for answer in answers} == {(403, "PERMISSION_DENIED")}


def test_no_key_makes_lists_or_revokes_keys(api):
    caller = key_caller(role="admin")
    answers = [make(caller), caller.get(KEYS), caller.delete(f"{KEYS}/{ApiKey.objects.get().pk}")]
    assert {code_of(answer) for answer in answers} == {(403, "PERMISSION_DENIED")}


def test_a_revoked_key_is_shut_out_at_once_and_stays_in_the_list(api):
    admin = api(AdminFactory())
    made = make(admin).json()
    assert admin.delete(f"{KEYS}/{made['id']}").status_code == 204
    assert code_of(with_key(made["key"]).get(APPOINTMENTS)) == (401, "TOKEN_INVALID")
    assert admin.get(f"{KEYS}/{made['id']}").json()["revoked_at"]


def test_a_key_revoked_twice_was_revoked_the_first_time(api):
    admin = api(AdminFactory())
    key = make(admin).json()["id"]
    admin.delete(f"{KEYS}/{key}")
    first = admin.get(f"{KEYS}/{key}").json()["revoked_at"]
    assert admin.delete(f"{KEYS}/{key}").status_code == 204
    assert admin.get(f"{KEYS}/{key}").json()["revoked_at"] == first
    assert AuditEntry.objects.filter(action="revoked").count() == 1


def test_a_key_that_never_was_can_not_be_revoked(api):
    assert code_of(api(AdminFactory()).delete(f"{KEYS}/{uuid4()}")) == (404, "NOT_FOUND")


def test_the_list_of_keys_comes_in_both_kinds_of_pages_at_a_constant_cost(api, django_assert_num_queries):
    admin = api(AdminFactory())
    for _ in range(5):
        make(admin)
    assert admin.get(f"{KEYS}?limit=2").json()["count"] == 5
    assert len(admin.get(f"{KEYS}?cursor=&limit=2").json()["results"]) == 2
    # The sign-in, the count, the keys, their clinics.
    with django_assert_num_queries(4):
        admin.get(KEYS)


def test_making_and_revoking_are_in_the_audit_log(api):
    admin = AdminFactory()
    key = make(api(admin)).json()["id"]
    api(admin).delete(f"{KEYS}/{key}")
    entries = AuditEntry.objects.filter(object_id=key).order_by("at", "id")
    assert [(entry.action, entry.actor_id) for entry in entries] == [
        ("added", admin.pk),
        ("revoked", admin.pk),
    ]


# Calling with a key


@pytest.mark.parametrize("secret", ["", "x", "crk_x", "é", "crk_" + "A" * 43])
def test_a_key_that_is_none_is_refused(secret):
    assert code_of(with_key(secret).get(APPOINTMENTS)) == (401, "TOKEN_INVALID")


def test_a_key_sees_its_clinics_alone():
    here, there = AppointmentFactory(), AppointmentFactory()
    caller = key_caller(clinics=[here.clinic])
    assert [found["id"] for found in caller.get(APPOINTMENTS).json()["results"]] == [str(here.pk)]
    assert caller.get(f"{APPOINTMENTS}/{there.pk}").status_code == 404


def test_a_key_without_clinics_sees_nothing_and_an_administrators_all():
    AppointmentFactory()
    assert key_caller().get(APPOINTMENTS).json()["count"] == 0
    assert key_caller(role="admin").get(APPOINTMENTS).json()["count"] == 1


@pytest.mark.parametrize(("role", "masked"), [("viewer", True), ("staff", False), ("admin", False)])
def test_a_viewers_key_reads_phones_masked(role, masked):
    visit = AppointmentFactory()
    caller = key_caller(role=role, clinics=[visit.clinic])
    assert ("•" in caller.get(f"{APPOINTMENTS}/{visit.pk}").json()["patient_phone"]) == masked


def test_a_key_is_no_person():
    assert code_of(key_caller(role="admin").get("/api/v1/users/me")) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_an_administrators_key_reads_people_and_neither_makes_nor_changes_them(method):
    caller, person = key_caller(role="admin"), StaffFactory()
    address = "/api/v1/users" if method == "POST" else f"/api/v1/users/{person.pk}"
    assert caller.get(address).status_code == 200
    answer = caller.generic(method, address, "{}", content_type="application/json")
    assert code_of(answer) == (403, "PERMISSION_DENIED")


def test_when_a_key_was_last_used_is_known_to_within_five_minutes():
    with time_machine.travel(timezone.now(), tick=False) as clock:
        began = timezone.now()
        caller = key_caller()
        for _ in range(3):
            caller.get(APPOINTMENTS)
            clock.shift(timedelta(minutes=2))
        assert ApiKey.objects.get().last_used_at == began
        caller.get(APPOINTMENTS)
        assert ApiKey.objects.get().last_used_at == began + timedelta(minutes=6)


def test_checking_a_key_costs_one_query(django_assert_num_queries):
    caller = key_caller(role="admin")
    caller.get(APPOINTMENTS)
    # The others count and read the list.
    with django_assert_num_queries(3):
        caller.get(APPOINTMENTS)


def file_of(rows):
    when = (timezone.now() + timedelta(days=10)).strftime("%Y-%m-%d")
    lines = ["phone,datetime,clinic,name,reference"]
    lines += [f"71{n:06d},{when} {8 + n % 8:02d}:00,GAB01,Patient {n},R{n}" for n in range(rows)]
    return SimpleUploadedFile("visits.csv", "\n".join(lines).encode())


def upload(caller, rows):
    return caller.post(UPLOAD, {"file": file_of(rows)}, format="multipart")


def test_a_system_uploads_a_file_by_its_key_and_reads_the_report():
    caller = key_caller(clinics=[ClinicFactory(code="GAB01")])
    report = upload(caller, 3).json()
    assert report["created"] == 3
    assert caller.get(f"/api/v1/appointments/uploads/{report['upload_id']}").json() == report
    entry = AuditEntry.objects.get(action="file imported")
    assert (entry.actor_kind, entry.actor_name) == ("api key", "Laboratory")


def test_a_long_file_that_a_system_uploads_is_imported_in_the_background():
    caller = key_caller(clinics=[ClinicFactory(code="GAB01")])
    background.run_upload(FileImport.objects.get(pk=upload(caller, 1001).json()["upload_id"]).pk)
    assert Appointment.objects.count() == 1001


def test_another_systems_file_is_not_there():
    clinic = ClinicFactory(code="GAB01")
    upload_id = upload(key_caller(clinics=[clinic]), 3).json()["upload_id"]
    assert key_caller(clinics=[clinic]).get(f"/api/v1/appointments/uploads/{upload_id}").status_code == 404


# In the admin


def test_in_the_admin_a_new_key_is_shown_once_and_works(client):
    clinic = ClinicFactory()
    client.force_login(AdminFactory())
    form = {"name": "Laboratory", "role": "staff", "clinics": [str(clinic.pk)], "expires_at": ""}
    page = client.post(reverse("admin:accounts_apikey_add"), form)
    secret = page.context["secret"]
    assert secret in page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]
    assert not page.cookies.get("messages")
    assert with_key(secret).get(APPOINTMENTS).status_code == 200
    key = ApiKey.objects.get()
    assert list(key.clinics.all()) == [clinic]
    for address in (
        reverse("admin:accounts_apikey_changelist"),
        reverse("admin:accounts_apikey_change", args=[key.pk]),
    ):
        seen = client.get(address)
        assert seen.status_code == 200
        assert secret not in seen.content.decode()


def test_in_the_admin_a_day_too_far_off_is_refused_on_the_form(client):
    client.force_login(AdminFactory())
    form = {"name": "Laboratory", "role": "staff", "expires_at": "2999-01-01"}
    page = client.post(reverse("admin:accounts_apikey_add"), form)
    assert "three years" in page.content.decode()
    assert not ApiKey.objects.exists()


def test_in_the_admin_a_key_is_revoked(client):
    caller = key_caller()
    client.force_login(AdminFactory())
    step = reverse("admin:accounts_apikey_step", args=[ApiKey.objects.get().pk])
    client.post(step, {"step": "revoke"})
    assert caller.get(APPOINTMENTS).status_code == 200
    client.post(step, {"step": "revoke", "sure": "yes"})
    assert caller.get(APPOINTMENTS).status_code == 401


@pytest.mark.parametrize("made_by", [StaffFactory, ViewerFactory])
def test_the_admins_keys_are_administrators_business(client, made_by):
    client.force_login(made_by())
    assert client.get(reverse("admin:accounts_apikey_changelist")).status_code == 403


def test_a_file_that_a_system_brought_is_seen_in_the_admin(client):
    upload(key_caller(clinics=[ClinicFactory(code="GAB01")]), 1)
    client.force_login(AdminFactory())
    page = client.get(reverse("admin:appointments_fileimport_change", args=[FileImport.objects.get().pk]))
    assert "Laboratory" in page.content.decode()
    assert "Laboratory" in client.get(reverse("admin:appointments_fileimport_changelist")).content.decode()
