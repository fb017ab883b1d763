import pytest

from accounts.models import AuditEntry
from stock.models import Item
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.stock import ItemFactory
from tests.stock.api_calls import refused

pytestmark = pytest.mark.django_db
LIST = "/api/v1/items"
FIELDS = {"id", "code", "name", "unit", "pack_size", "vital", "shelf_life_days", "version"}
PARACETAMOL = {"code": "PARA500", "name": "Paracetamol 500 mg", "unit": "tablet", "pack_size": 100}


@pytest.fixture
def admin(api):
    return api(AdminFactory())


@pytest.fixture
def nurse(api):
    return api(StaffFactory(clinics=[ClinicFactory()]))


def test_an_administrator_makes_an_item(admin):
    answer = admin.post(LIST, PARACETAMOL, format="json")
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert made == {**PARACETAMOL, "id": made["id"], "vital": False, "shelf_life_days": None, "version": 1}
    assert admin.get(answer["Location"]).json() == made
    assert AuditEntry.objects.get(object_id=made["id"]).action == "made"


def test_a_code_is_taken_once(admin):
    ItemFactory(code="PARA500")
    assert "code" in refused(admin.post(LIST, PARACETAMOL, format="json"), 400)


def test_staff_and_viewers_read_items(api, nurse):
    item = ItemFactory()
    for caller in (nurse, api(ViewerFactory(clinics=[ClinicFactory()]))):
        assert [row["id"] for row in caller.get(LIST).json()["results"]] == [str(item.pk)]
        assert set(caller.get(f"{LIST}/{item.pk}").json()) == FIELDS


def test_writing_is_the_administrators(nurse):
    item = ItemFactory()
    refused(nurse.post(LIST, PARACETAMOL, format="json"), 403, "PERMISSION_DENIED")
    refused(nurse.patch(f"{LIST}/{item.pk}", {"name": "Other"}, format="json"), 403, "PERMISSION_DENIED")


def test_an_item_is_changed_and_its_version_moves_on(admin):
    item = ItemFactory(name="Old")
    answer = admin.patch(f"{LIST}/{item.pk}", {"name": "New", "vital": True, "version": 1}, format="json")
    assert (answer.json()["name"], answer.json()["vital"], answer.json()["version"]) == ("New", True, 2)


def test_an_item_that_was_read_can_be_sent_back(admin):
    item = ItemFactory()
    read = admin.get(f"{LIST}/{item.pk}").json()
    answer = admin.put(f"{LIST}/{item.pk}", {**read, "pack_size": 30}, format="json")
    assert answer.json() == {**read, "pack_size": 30, "version": 2}


def test_a_stale_version_is_refused(admin):
    item = ItemFactory(version=3)
    answer = admin.patch(f"{LIST}/{item.pk}", {"name": "New", "version": 2}, format="json")
    refused(answer, 409, "VERSION_CONFLICT")
    assert Item.objects.get().name == item.name


def test_a_code_stays(admin):
    item = ItemFactory()
    assert "code" in refused(admin.patch(f"{LIST}/{item.pk}", {"code": "OTHER"}, format="json"), 400)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", "lower case"),
        ("code", "A\0B"),
        ("code", 5),
        ("name", ""),
        ("name", "a\0b"),
        ("name", "x" * 121),
        ("unit", None),
        ("pack_size", 0),
        ("pack_size", True),
        ("pack_size", 2.5),
        ("pack_size", 2.0),
        ("pack_size", "10"),
        ("pack_size", 10**30),
        ("pack_size", None),
        ("vital", "yes"),
        ("vital", 1),
        ("shelf_life_days", -1),
        ("version", 10**20),
        ("colour", "blue"),
    ],
)
def test_what_can_not_be_taken_names_its_field(admin, field, value):
    assert field in refused(admin.post(LIST, {**PARACETAMOL, field: value}, format="json"), 400)
    assert not Item.objects.exists()


def test_items_are_found_by_code_and_name(admin):
    ItemFactory(code="PARA500", name="Paracetamol")
    ItemFactory(code="AMOX250", name="Amoxicillin")
    found = admin.get(LIST, {"search": "para"}).json()["results"]
    assert [row["code"] for row in found] == ["PARA500"]
    assert admin.get(LIST, {"code": "amox250"}).json()["count"] == 1
    assert [row["code"] for row in admin.get(LIST, {"cursor": "", "sort": "-code"}).json()["results"]] == [
        "PARA500",
        "AMOX250",
    ]
