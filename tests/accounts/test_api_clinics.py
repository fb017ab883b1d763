from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts.models import AuditEntry, Clinic
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, UserFactory, ViewerFactory

pytestmark = pytest.mark.django_db
CLINICS = "/api/v1/clinics"
NEW = {"code": "GAB01", "name": "Gaborone West", "phone": "+267 390 1234"}


def at(clinic):
    return f"{CLINICS}/{clinic.pk}"


def patched(client, clinic, **changes):
    return client.patch(at(clinic), changes, format="json")


def refused_at(answer, status=400):
    assert answer.status_code == status, answer.content
    return set(answer.json()["error"]["details"])


def test_a_clinic_has_all_that_the_docs_name(api):
    clinic = ClinicFactory()
    body = api(AdminFactory()).get(at(clinic)).json()
    assert body["quiet_hours"] == {"from": "20:00", "to": "07:00"}
    assert body["reminder_hours_before"] == [168, 24]
    assert body["opening_hours"]["0"] == ["07:30", "16:30"]
    assert (body["slot_minutes"], body["slot_capacity"], body["daily_message_budget"]) == (30, None, None)
    assert (body["consent_policy"], body["send_missed"], body["version"]) == ("on_file", False, 1)


def test_an_admin_adds_a_clinic_and_the_log_says_who(api):
    admin = AdminFactory()
    answer = api(admin).post(CLINICS, NEW, format="json")
    assert answer.status_code == 201
    clinic = Clinic.objects.get(pk=answer.json()["id"])
    assert (clinic.code, clinic.version) == ("GAB01", 1)
    entry = AuditEntry.objects.get(object_id=clinic.pk)
    assert (entry.action, entry.actor_id, entry.clinic_id) == ("added", admin.pk, clinic.pk)


def test_a_new_clinic_says_which_fields_it_needs(api):
    assert refused_at(api(AdminFactory()).post(CLINICS, {}, format="json")) == {"code", "name", "phone"}


@pytest.mark.parametrize("made_by", [StaffFactory, ViewerFactory])
def test_only_an_admin_writes(api, made_by):
    clinic = ClinicFactory()
    client = api(made_by(clinics=[clinic]))
    assert client.post(CLINICS, NEW, format="json").status_code == 403
    assert patched(client, clinic, name="Mine").status_code == 403
    assert client.put(at(clinic), NEW, format="json").status_code == 403
    assert client.get(at(clinic)).status_code == 200


@pytest.mark.parametrize("made_by", [StaffFactory, ViewerFactory])
def test_people_read_their_own_clinics_only(api, made_by):
    own, other = ClinicFactory(), ClinicFactory()
    client = api(made_by(clinics=[own]))
    assert [row["id"] for row in client.get(CLINICS).json()["results"]] == [str(own.pk)]
    assert client.get(at(other)).status_code == 404


def test_who_has_no_clinic_sees_an_empty_list(api):
    ClinicFactory()
    assert api(StaffFactory()).get(CLINICS).json()["results"] == []


def test_a_clinic_is_not_deleted(api):
    assert api(AdminFactory()).delete(at(ClinicFactory())).status_code == 405


def test_what_is_left_out_stays(api):
    clinic = ClinicFactory(slot_capacity=3)
    answer = patched(api(AdminFactory()), clinic, name="New name")
    assert (answer.json()["name"], answer.json()["slot_capacity"], answer.json()["version"]) == (
        "New name",
        3,
        2,
    )


def test_an_object_that_was_read_can_be_put_back(api):
    clinic, client = ClinicFactory(), api(AdminFactory())
    read = client.get(at(clinic)).json()
    answer = client.put(at(clinic), read | {"name": "New name"}, format="json")
    assert answer.status_code == 200
    assert answer.json() == read | {
        "name": "New name",
        "version": 2,
        "updated_at": answer.json()["updated_at"],
    }


def test_a_put_wants_what_is_required(api):
    answer = api(AdminFactory()).put(at(ClinicFactory()), {"name": "New name"}, format="json")
    assert refused_at(answer) == {"code", "phone"}


def test_a_stale_version_overwrites_nothing(api):
    clinic, client = ClinicFactory(name="First"), api(AdminFactory())
    patched(client, clinic, name="Second", version=1)
    answer = patched(client, clinic, name="Third", version=1)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "VERSION_CONFLICT")
    clinic.refresh_from_db()
    assert clinic.name == "Second"


def test_no_quiet_hours_are_null(api):
    clinic, client = ClinicFactory(), api(AdminFactory())
    assert patched(client, clinic, quiet_hours=None).json()["quiet_hours"] is None
    clinic.refresh_from_db()
    assert (clinic.quiet_from, clinic.quiet_to) == (None, None)


@pytest.mark.parametrize(
    "quiet",
    [
        {"from": "20:00", "to": "20:00"},
        {"from": "20:00"},
        {"from": "20:00", "to": None},
        {"from": "25:00", "to": "07:00"},
        {"from": "20:00", "to": "07:00", "until": "08:00"},
        {"from": 20, "to": 7},
        ["20:00", "07:00"],
        "20:00-07:00",
        {},
        True,
    ],
)
@pytest.mark.parametrize("method", ["patch", "put"])
def test_quiet_hours_that_are_none_are_refused_at_their_field(api, quiet, method):
    clinic = ClinicFactory()
    body = NEW | {"quiet_hours": quiet}
    answer = getattr(api(AdminFactory()), method)(at(clinic), body, format="json")
    assert refused_at(answer) == {"quiet_hours"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("code", v) for v in ("gab01", "", "A" * 21, 7, None, "A\0B", "А01")],
        *[("name", v) for v in ("", "n" * 81, 7, ["n"], {"n": 1})],
        *[("phone", v) for v in ("call us", "123", "+267 <b>", 71234567)],
        *[("time_zone", v) for v in ("Mars/Olympus", "../../etc/passwd", 2, "")],
        *[("default_language", v) for v in ("fr", "EN", 1, None, [])],
        *[("slot_minutes", v) for v in (0, 4, 481, 10**30, "30", 30.5, True, None)],
        *[("slot_capacity", v) for v in (0, -1, 32_768, 10**400, "4", [])],
        *[("opening_hours", v) for v in (None, {}, [], "Mon", {"0": None})],
        *[("reminder_hours_before", v) for v in (24, [0], [24, 24], ["24"], [True], [1441], None, [[]])],
        ("reminder_hours_before", list(range(1, 12))),
        *[("consent_policy", v) for v in ("none", True, {})],
        *[("daily_message_budget", v) for v in (-1, 2**31, "5")],
        *[("send_missed", v) for v in ("yes", 1, None)],
        *[("version", v) for v in ("1", 0, -1, None, 10**40)],
        ("owner", "me"),
    ],
)
def test_a_value_that_cannot_be_is_refused_at_its_field(api, field, value):
    assert refused_at(patched(api(AdminFactory()), ClinicFactory(), **{field: value})) == {field}


@pytest.mark.parametrize(
    "monday",
    [
        *("07:30-16:30", ["07:30"], ["16:30", "07:30"], ["7:30", "16:30"], ["07:30+02:00", "16:30"]),
        *([7, 16], {"07:30": 1, "16:30": 2}, ["07:30", "16:30", "18:00"], 0, False),
    ],
)
def test_opening_hours_are_two_times_a_day_or_null(api, monday):
    clinic = ClinicFactory()
    hours = clinic.opening_hours | {"0": monday}
    assert refused_at(patched(api(AdminFactory()), clinic, opening_hours=hours)) == {"opening_hours"}


def test_a_clinic_may_send_no_reminders(api):
    answer = patched(api(AdminFactory()), ClinicFactory(), reminder_hours_before=[])
    assert answer.json()["reminder_hours_before"] == []


def test_a_code_that_is_taken_is_refused_at_the_code(api):
    ClinicFactory(code="GAB01")
    client = api(AdminFactory())
    assert refused_at(client.post(CLINICS, NEW, format="json")) == {"code"}
    assert refused_at(patched(client, ClinicFactory(), code="GAB01")) == {"code"}


@pytest.mark.parametrize("body", [[], "text", 7, None])
def test_a_body_that_is_no_object_is_refused(api, body):
    assert api(AdminFactory()).post(CLINICS, body, format="json").status_code == 400


def test_clinics_are_found_by_code_and_by_words(api):
    ClinicFactory(code="GAB01", name="Gaborone West")
    ClinicFactory(code="FRW01", name="Area W")
    client = api(AdminFactory())

    def found(**query):
        return [row["code"] for row in client.get(CLINICS, query).json()["results"]]

    assert found(code="gab01") == ["GAB01"]
    assert found(search="area") == ["FRW01"]
    assert found(sort="-code") == ["GAB01", "FRW01"]
    assert found(cursor="") == ["FRW01", "GAB01"]


def test_an_unknown_parameter_is_refused(api):
    assert refused_at(api(AdminFactory()).get(CLINICS, {"town": "x"})) == {"town"}


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_with_one_code_one_is_added(api):
    admin = AdminFactory()
    clients = [api(admin) for _ in range(4)]

    def post(client):
        try:
            return client.post(CLINICS, NEW, format="json").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(post, clients)) == [201, 400, 400, 400]


def test_someone_without_a_role_has_no_token_at_all(api):
    assert api(UserFactory()).get(CLINICS).status_code == 401
