from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from stock.api.serializers import LevelFields, LevelSerializer
from stock.models import Movement, StockLevel
from tests.factories.accounts import AdminFactory, StaffFactory, ViewerFactory
from tests.factories.stock import ItemFactory, StockLevelFactory, moved, stocked
from tests.stock.api_calls import LEVELS, codes, entered, refused, seen

pytestmark = pytest.mark.django_db
FIELDS = {
    *("id", "clinic_id", "item", "on_hand", "usable", "on_order", "reorder_level", "max_level", "status"),
    *("daily_usage", "days_of_stock", "runs_out_on", "suggested_order", "suggestion_basis", "next_expiry"),
    *("version", "updated_at"),
}


@pytest.fixture
def nurse(api, clinic):
    return api(StaffFactory(clinics=[clinic]))


@pytest.fixture
def level(clinic):
    return stocked(50, clinic=clinic, reorder_level=20, item__code="PARA500", item__name="Paracetamol")


def start(caller, **fields):
    return caller.post(LEVELS, {"item_id": str(ItemFactory().pk), **fields}, format="json")


def test_a_level_has_the_fields_that_callers_rely_on(nurse, level):
    listed = nurse.get(LEVELS).json()["results"][0]
    assert set(listed) == FIELDS
    assert set(listed["item"]) == {"id", "code", "name", "unit", "pack_size"}
    assert (listed["on_hand"], listed["usable"], listed["status"]) == (50, 50, "ok")
    assert listed["suggestion_basis"].startswith("The reorder level is set to 20.")
    assert listed["updated_at"][-6:] == "+02:00"


def test_a_single_level_shows_its_lots_in_the_order_of_issue(nurse, level):
    today = timezone.now().date()
    moved(level, "receipt", 5, lot="OLD", expires_on=today - timedelta(days=1))
    moved(level, "receipt", 7, lot="SOON", expires_on=today + timedelta(days=30))
    lots = [(lot["lot"], lot["quantity"], lot["usable"]) for lot in seen(nurse, level)["lots"]]
    assert lots == [("OLD", 5, False), ("SOON", 7, True), ("L1", 50, True)]


def test_the_list_and_the_single_call_agree(nurse, level):
    listed = nurse.get(LEVELS).json()["results"][0]
    assert {name: value for name, value in seen(nurse, level).items() if name in FIELDS} == listed


def test_a_level_starts_at_zero(nurse, clinic):
    answer = start(nurse, reorder_level=10, max_level=100, lead_time_days=7, review_days=14)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["clinic_id"], made["on_hand"], made["status"]) == (str(clinic.pk), 0, "out")
    assert (made["reorder_level"], made["max_level"]) == (10, 100)
    assert (made["lead_time_days"], made["review_days"]) == (7, 14)
    assert nurse.get(answer["Location"]).json() == made


def test_a_clinic_keeps_an_item_once(nurse, level):
    refused_fields = refused(start(nurse, item_id=str(level.item_id)), 400)
    assert "item_id" in refused_fields


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reorder_level", True),
        ("reorder_level", 1.5),
        ("reorder_level", -1),
        ("reorder_level", 10**12),
        ("max_level", "50"),
        ("lead_time_days", None),
        ("review_days", 0),
        ("manual_daily_usage", True),
        ("manual_daily_usage", "2"),
        ("manual_daily_usage", 10**400),
        ("item_id", "nothing"),
        ("item_id", "00000000-0000-7000-8000-000000000000"),
        ("clinic_id", "00000000-0000-7000-8000-000000000000"),
        ("on_hand", 5),
    ],
)
def test_what_can_not_be_taken_names_its_field(nurse, field, value):
    assert field in refused(start(nurse, **{field: value}), 400)
    assert not StockLevel.objects.exists()


def test_the_most_to_keep_is_more_than_the_reorder_level(nurse):
    assert "max_level" in refused(start(nurse, reorder_level=10, max_level=10), 400)


def test_another_clinics_level_is_not_there(nurse):
    elsewhere = stocked(5)
    path = f"{LEVELS}/{elsewhere.pk}"
    refused(nurse.get(path), 404, "NOT_FOUND")
    refused(nurse.put(path, {"quantity": 1}, format="json"), 404, "NOT_FOUND")
    refused(nurse.patch(path, {"reorder_level": 1}, format="json"), 404, "NOT_FOUND")
    refused(nurse.get(f"{path}/movements"), 404, "NOT_FOUND")
    refused(
        nurse.post(f"{path}/movements", {"kind": "issue", "quantity": 1}, format="json"), 404, "NOT_FOUND"
    )
    refused(nurse.post(f"{path}/orders", {"quantity": 1}, format="json"), 404, "NOT_FOUND")
    assert nurse.get(LEVELS).json()["count"] == 0
    assert "clinic_id" in refused(start(nurse, clinic_id=str(elsewhere.clinic_id)), 400)
    assert StockLevel.objects.get(pk=elsewhere.pk).on_hand == 5


def test_a_viewer_reads_and_writes_nothing(api, clinic, level):
    viewer = api(ViewerFactory(clinics=[clinic]))
    path = f"{LEVELS}/{level.pk}"
    for read in (LEVELS, path, f"{path}/movements", f"{path}/orders", f"{LEVELS}/low"):
        assert viewer.get(read).status_code == 200
    refused(start(viewer), 403, "PERMISSION_DENIED")
    refused(viewer.put(path, {"quantity": 1}, format="json"), 403, "PERMISSION_DENIED")
    refused(viewer.patch(path, {"reorder_level": 1}, format="json"), 403, "PERMISSION_DENIED")


def test_thresholds_are_changed_and_the_status_follows(nurse, level):
    answer = nurse.patch(f"{LEVELS}/{level.pk}", {"reorder_level": 60}, format="json")
    assert (answer.json()["status"], answer.json()["version"]) == ("low", level.version + 1)
    answer = nurse.patch(f"{LEVELS}/{level.pk}", {"reorder_level": None}, format="json")
    assert answer.json()["reorder_level"] is None


def test_a_level_that_was_read_can_be_sent_back(nurse, level):
    read = seen(nurse, level)
    answer = nurse.patch(f"{LEVELS}/{level.pk}", {**read, "max_level": 200}, format="json")
    assert answer.json()["max_level"] == 200


def test_thresholds_of_a_stale_version_are_refused(nurse, level):
    entered(nurse, level, "issue", 1)
    body = {"reorder_level": 5, "version": level.version}
    refused(nurse.patch(f"{LEVELS}/{level.pk}", body, format="json"), 409, "VERSION_CONFLICT")


def test_a_count_becomes_an_entry_of_the_difference(nurse, level):
    body = {"quantity": 47, "reason": "monthly count", "version": level.version}
    answer = nurse.put(f"{LEVELS}/{level.pk}", body, format="json")
    assert answer.status_code == 200, answer.content
    counted = answer.json()
    assert (counted["on_hand"], counted["version"]) == (47, level.version + 1)
    assert (counted["movement"]["kind"], counted["movement"]["change"]) == ("count", -3)
    assert counted["movement"]["reason"] == "monthly count"


def test_a_count_of_a_stale_version_is_refused(nurse, level):
    entered(nurse, level, "issue", 1)
    body = {"quantity": 50, "version": level.version}
    refused(nurse.put(f"{LEVELS}/{level.pk}", body, format="json"), 409, "VERSION_CONFLICT")
    assert seen(nurse, level)["on_hand"] == 49


def test_a_count_of_an_earlier_time_keeps_what_moved_after(nurse, level):
    counted_at = timezone.now()
    entered(nurse, level, "issue", 10)
    body = {"quantity": 48, "counted_at": counted_at.isoformat()}
    assert nurse.put(f"{LEVELS}/{level.pk}", body, format="json").json()["on_hand"] == 38


def test_the_time_of_a_count_is_read_on_the_clinics_clock(nurse, level):
    local = datetime.now(ZoneInfo("Africa/Gaborone")).replace(tzinfo=None)
    before = (local - timedelta(minutes=5)).isoformat()
    after = (local + timedelta(minutes=5)).isoformat()
    path = f"{LEVELS}/{level.pk}"
    assert nurse.put(path, {"quantity": 5, "counted_at": before}, format="json").status_code == 200
    assert "counted_at" in refused(nurse.put(path, {"quantity": 5, "counted_at": after}, format="json"), 400)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "quantity"),
        ({"quantity": -1}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"quantity": 4.0}, "quantity"),
        ({"quantity": "4"}, "quantity"),
        ({"quantity": None}, "quantity"),
        ({"quantity": 10**18}, "quantity"),
        ({"quantity": 4, "reason": "a\0b"}, "reason"),
        ({"quantity": 4, "reason": ["x"]}, "reason"),
        ({"quantity": 4, "counted_at": "2026-12-01"}, "counted_at"),
        ({"quantity": 4, "counted_at": "0001-01-01T00:00:00"}, "counted_at"),
        ({"quantity": 4, "counted_at": 5}, "counted_at"),
        ({"quantity": 4, "version": 0}, "version"),
        ({"quantity": 4, "version": True}, "version"),
        ({"quantity": 4, "reorder_level": 5}, "reorder_level"),
        ({"quantity": 4, "amount": 5}, "amount"),
    ],
)
def test_a_count_that_can_not_be_taken_names_its_field(nurse, level, body, field):
    assert field in refused(nurse.put(f"{LEVELS}/{level.pk}", body, format="json"), 400)
    assert Movement.objects.filter(kind="count").count() == 0


def test_levels_are_found_by_item_and_words(nurse, clinic, level):
    stocked(5, clinic=clinic, item__code="AMOX250", item__name="Amoxicillin")
    assert codes(nurse.get(LEVELS, {"item": str(level.item_id)})) == ["PARA500"]
    assert codes(nurse.get(LEVELS, {"item": "para500"})) == ["PARA500"]
    assert codes(nurse.get(LEVELS, {"search": "cillin"})) == ["AMOX250"]
    assert codes(nurse.get(LEVELS, {"search": "amox"})) == ["AMOX250"]


def test_levels_are_found_by_status_and_clinic(api, level):
    other = stocked(0, reorder_level=5)
    admin = api(AdminFactory())
    assert codes(admin.get(LEVELS, {"clinic_id": str(level.clinic_id)})) == ["PARA500"]
    assert codes(admin.get(LEVELS, {"status": "ok"})) == ["PARA500"]
    assert "status" in refused(admin.get(LEVELS, {"status": "gone"}), 400)
    assert admin.get(LEVELS, {"clinic_id": str(other.clinic_id), "status": "ok"}).json()["count"] == 0


def test_levels_are_found_by_what_expires(nurse, clinic, level):
    today = timezone.now().astimezone(clinic.zone).date()
    moved(level, "receipt", 5, lot="X", expires_on=today + timedelta(days=30))
    stocked(5, clinic=clinic)
    assert codes(nurse.get(LEVELS, {"expiring_within": "30"})) == ["PARA500"]
    assert codes(nurse.get(LEVELS, {"expiring_within": "29"})) == []
    for wrong in ("-1", "x", "1.5", "99999"):
        assert "expiring_within" in refused(nurse.get(LEVELS, {"expiring_within": wrong}), 400)


def test_what_is_not_known_comes_last_in_order_and_by_cursor(nurse, clinic):
    today = timezone.now().date()
    for code, days in (("C", None), ("A", 20), ("B", 40), ("D", None)):
        expires_on = today + timedelta(days=days) if days else None
        made = StockLevelFactory(clinic=clinic, item__code=code)
        moved(made, "receipt", 5, lot="X", expires_on=expires_on)
    url, found = f"{LEVELS}?cursor=&limit=1&sort=next_expiry", []
    while url:
        answer = nurse.get(url)
        found += codes(answer)
        url = answer.json()["next"]
    assert found == ["A", "B", "C", "D"]


@pytest.mark.parametrize("sort", ["item", "-code", "on_hand", "-days_of_stock", "runs_out_on", "updated_at"])
def test_every_order_goes_by_page_and_cursor(nurse, clinic, sort):
    made = {stocked(number, clinic=clinic).item.code for number in range(3)}
    by_page = codes(nurse.get(LEVELS, {"sort": sort}))
    assert codes(nurse.get(LEVELS, {"sort": sort, "cursor": ""})) == by_page
    assert set(by_page) == made


def test_a_list_costs_the_same_queries_for_any_number_of_levels(nurse, clinic, django_assert_max_num_queries):
    for number in range(20):
        stocked(number, clinic=clinic)
    with django_assert_max_num_queries(6):
        assert len(nurse.get(LEVELS).json()["results"]) == 20


def test_low_lists_what_is_at_or_under_its_threshold_the_most_urgent_first(nurse, clinic):
    stocked(21, clinic=clinic, reorder_level=20, item__code="OK")
    stocked(20, clinic=clinic, reorder_level=20, item__code="LOW")
    stocked(10, clinic=clinic, reorder_level=20, item__code="CRITICAL")
    emptied = stocked(5, clinic=clinic, reorder_level=20, item__code="OUT")
    moved(emptied, "issue", 5)
    vital = stocked(5, clinic=clinic, reorder_level=20, item__code="VITAL", item__vital=True)
    moved(vital, "issue", 5)
    stocked(0, clinic=clinic, item__code="UNKNOWN")
    wanted = ["VITAL", "OUT", "CRITICAL", "LOW"]
    assert codes(nurse.get(f"{LEVELS}/low")) == wanted
    assert codes(nurse.get(f"{LEVELS}/low", {"cursor": "", "limit": 3})) == wanted[:3]


def test_low_shows_only_the_callers_clinics(nurse):
    stocked(1, reorder_level=20)
    assert codes(nurse.get(f"{LEVELS}/low")) == []


def test_an_unknown_level_is_not_found(nurse):
    refused(nurse.get(f"{LEVELS}/{uuid4()}"), 404, "NOT_FOUND")


@pytest.mark.parametrize("known", [True, False])
def test_a_level_of_a_page_says_what_the_framework_would_say_of_it(level, known):
    today = timezone.now().date()
    dates = (
        {"runs_out_on": today, "next_expiry": today} if known else {"runs_out_on": None, "next_expiry": None}
    )
    StockLevel.objects.update(**dates)
    stored = StockLevel.objects.select_related("clinic", "item").get(pk=level.pk)
    assert LevelSerializer(stored).data == LevelFields(stored).data
