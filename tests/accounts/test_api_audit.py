from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection

from accounts.audit import SYSTEM, Actor, Change, record
from accounts.models import AuditEntry
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, ViewerFactory

pytestmark = pytest.mark.django_db
AUDIT = "/api/v1/audit"
NOON = datetime(2026, 12, 1, 10, tzinfo=UTC)


def entry(actor=SYSTEM, *, action="changed", kind="accounts.user", thing=None, clinic=None, at=NOON):
    changes = {"first_name": ["Neo", "Lesego"]}
    record(actor, [Change(action, kind, thing or uuid4(), clinic, changes)], now=at)
    return str(AuditEntry.objects.order_by("-id").values_list("pk", flat=True)[0])


def found(client, **query):
    answer = client.get(AUDIT, query)
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def test_an_entry_says_who_changed_what_and_when(api):
    admin, thing, clinic = AdminFactory(), uuid4(), ClinicFactory()
    pk = entry(Actor.of(admin), thing=thing, clinic=clinic.pk)
    (row,) = api(admin).get(AUDIT).json()["results"]
    assert row == {
        "id": pk,
        "at": "2026-12-01T12:00:00+02:00",
        "user": {"kind": "user", "id": str(admin.pk), "name": admin.username},
        "action": "changed",
        "object_type": "accounts.user",
        "object_id": str(thing),
        "clinic_id": str(clinic.pk),
        "changes": {"first_name": ["Neo", "Lesego"]},
    }


@pytest.mark.parametrize("made_by", [StaffFactory, ViewerFactory])
def test_the_log_is_the_admins(api, made_by):
    assert api(made_by(clinics=[ClinicFactory()])).get(AUDIT).status_code == 403


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nobody_writes_the_log(api, method):
    assert getattr(api(AdminFactory()), method)(AUDIT).status_code == 405


def test_the_newest_comes_first_and_the_log_is_filtered(api):
    admin, thing, clinic = AdminFactory(), uuid4(), uuid4()
    client = api(admin)
    old = entry(thing=thing, at=NOON - timedelta(days=1))
    by_admin = entry(Actor.of(admin), action="added", clinic=clinic)
    newest = entry(kind="accounts.clinic", at=NOON + timedelta(days=1))
    assert found(client) == [newest, by_admin, old]
    assert found(client, sort="at") == [old, by_admin, newest]
    assert found(client, object_id=str(thing)) == [old]
    assert found(client, object_type="accounts.clinic") == [newest]
    assert found(client, user=str(admin.pk)) == [by_admin]
    assert found(client, action="added") == [by_admin]
    assert found(client, clinic_id=str(clinic)) == [by_admin]
    assert found(client, **{"from": "2026-12-01", "to": "2026-12-01"}) == [by_admin]
    assert found(client, **{"from": "2026-12-01"}) == [newest, by_admin]


def test_cursors_lead_through_the_whole_log(api):
    client = api(AdminFactory())
    entries = [entry() for _ in range(5)]
    url, seen = f"{AUDIT}?cursor=&limit=2", []
    while url:
        page = client.get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
    assert seen == entries[::-1]


@pytest.mark.parametrize(
    "query",
    [
        {"user": "neo"},
        {"object_id": "1"},
        {"clinic_id": "x"},
        {"from": "x"},
        {"who": "x"},
        {"sort": "action"},
    ],
)
def test_a_filter_that_cannot_be_is_refused(api, query):
    answer = api(AdminFactory()).get(AUDIT, query)
    assert (answer.status_code, set(answer.json()["error"]["details"])) == (400, set(query))


@pytest.mark.parametrize("field", ["object_id", "actor_id", "clinic_id", "object_type"])
def test_each_filter_has_an_index_that_gives_the_newest_first(field):
    filtered = AuditEntry.objects.filter(**{field: "accounts.user" if field == "object_type" else uuid4()})
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # A small table would be read whole.
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = filtered.order_by("-at", "-id")[:20].explain()
    assert "audit_" in plan
    assert "audit_newest" not in plan


def test_a_page_costs_as_much_for_many_as_for_one(api, django_assert_num_queries):
    client = api(AdminFactory())
    for _ in range(15):
        entry()
    with django_assert_num_queries(3):
        assert len(found(client)) == 15
