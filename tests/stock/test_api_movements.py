from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from stock.models import Movement, StockLevel
from stock.reconciling import differences
from tests.factories.accounts import ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.stock import StockLevelFactory, moved, stocked
from tests.stock.api_calls import LEVELS, enter, entered, refused, seen

pytestmark = pytest.mark.django_db
MOVEMENTS = f"{LEVELS}/movements"


@pytest.fixture
def nurse(api, clinic):
    return api(StaffFactory(username="naledi", clinics=[clinic]))


@pytest.fixture
def level(clinic):
    return stocked(50, clinic=clinic)


def test_a_receipt_fills_a_lot(nurse, clinic):
    level = StockLevelFactory(clinic=clinic)
    entry = entered(nurse, level, "receipt", 30, lot="B12", expires_on="2028-05-31", reason="delivery")
    assert (entry["change"], entry["balance_after"], entry["reason"]) == (30, 30, "delivery")
    assert entry["lots"] == [{"lot": "B12", "expires_on": "2028-05-31", "quantity": 30}]
    assert entry["by"]["name"] == "naledi"
    assert (entry["level"]["on_hand"], entry["level"]["next_expiry"]) == (30, "2028-05-31")


@pytest.mark.parametrize(
    ("kind", "quantity", "left"),
    [
        ("issue", 20, 30),
        ("wastage", 20, 30),
        ("adjustment", -20, 30),
        ("adjustment", 20, 70),
        ("return", 20, 70),
        ("unmet", 20, 50),
    ],
)
def test_each_kind_does_what_it_says(nurse, level, kind, quantity, left):
    assert entered(nurse, level, kind, quantity)["balance_after"] == left
    assert seen(nurse, level)["on_hand"] == left


def test_every_entry_moves_the_version_on(nurse, level):
    first = entered(nurse, level, "issue", 1)["level"]["version"]
    assert entered(nurse, level, "unmet", 1)["level"]["version"] == first + 1


def test_packs_are_stored_as_units(nurse, clinic):
    level = StockLevelFactory(clinic=clinic, item__pack_size=100)
    answer = nurse.post(f"{LEVELS}/{level.pk}/movements", {"kind": "receipt", "packs": 3}, format="json")
    assert (answer.json()["quantity"], answer.json()["balance_after"]) == (300, 300)


def test_an_entry_may_be_of_an_earlier_day(nurse, level):
    day = (timezone.now() - timedelta(days=3)).date().isoformat()
    assert entered(nurse, level, "issue", 1, occurred_on=day)["occurred_on"] == day


def test_below_zero_is_refused_with_what_is_there(nurse, level):
    details = refused(enter(nurse, level, "issue", 51), 409, "INSUFFICIENT_STOCK")
    assert (details["asked"], details["available"], details["expired"]) == (51, 50, [])
    assert "50 can be taken" in details["quantity"][0]
    assert Movement.objects.count() == 1


def test_expired_lots_are_not_issued_and_named(nurse, clinic):
    level = StockLevelFactory(clinic=clinic)
    day = timezone.now().date() - timedelta(days=1)
    moved(level, "receipt", 9, lot="OLD", expires_on=day)
    details = refused(enter(nurse, level, "issue", 1), 409, "INSUFFICIENT_STOCK")
    assert details["available"] == 0
    assert details["expired"] == [{"lot": "OLD", "expires_on": day.isoformat(), "quantity": 9}]
    assert "OLD" in details["quantity"][1]


def test_an_issue_says_which_expired_lots_it_skipped(nurse, clinic):
    level = StockLevelFactory(clinic=clinic)
    day = timezone.now().date() - timedelta(days=1)
    moved(level, "receipt", 9, lot="OLD", expires_on=day)
    moved(level, "receipt", 40, lot="NEW")
    skipped = [{"lot": "OLD", "expires_on": day.isoformat(), "quantity": 9}]
    assert entered(nurse, level, "issue", 5)["expired"] == skipped
    assert entered(nurse, level, "wastage", 9)["expired"] == []
    assert entered(nurse, level, "issue", 5)["expired"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "kind"),
        ({"kind": "issue"}, "quantity"),
        ({"kind": "gift", "quantity": 1}, "kind"),
        ({"kind": ["issue"], "quantity": 1}, "kind"),
        ({"kind": "count", "quantity": 1}, "kind"),
        ({"kind": "reversal", "quantity": 1}, "kind"),
        ({"kind": "transfer_in", "quantity": 1}, "kind"),
        ({"kind": "issue", "quantity": 0}, "quantity"),
        ({"kind": "issue", "quantity": -5}, "quantity"),
        ({"kind": "issue", "quantity": True}, "quantity"),
        ({"kind": "issue", "quantity": 1.0}, "quantity"),
        ({"kind": "issue", "quantity": 1.5}, "quantity"),
        ({"kind": "issue", "quantity": "1"}, "quantity"),
        ({"kind": "issue", "quantity": None}, "quantity"),
        ({"kind": "issue", "quantity": [1]}, "quantity"),
        ({"kind": "issue", "quantity": {}}, "quantity"),
        ({"kind": "receipt", "quantity": 10**9 + 1}, "quantity"),
        ({"kind": "receipt", "quantity": 10**60}, "quantity"),
        ({"kind": "adjustment", "quantity": 0}, "quantity"),
        ({"kind": "receipt", "quantity": 1, "packs": 1}, "packs"),
        ({"kind": "receipt", "packs": True}, "packs"),
        ({"kind": "receipt", "quantity": 1, "lot": "a\0b"}, "lot"),
        ({"kind": "receipt", "quantity": 1, "lot": "a\u0007b"}, "lot"),
        ({"kind": "receipt", "quantity": 1, "lot": 5}, "lot"),
        ({"kind": "receipt", "quantity": 1, "lot": "x" * 61}, "lot"),
        ({"kind": "receipt", "quantity": 1, "expires_on": "0001-01-01"}, "expires_on"),
        ({"kind": "receipt", "quantity": 1, "expires_on": "9999-12-31"}, "expires_on"),
        ({"kind": "receipt", "quantity": 1, "expires_on": 20281231}, "expires_on"),
        ({"kind": "receipt", "quantity": 1, "expires_on": "2028-02-30"}, "expires_on"),
        ({"kind": "receipt", "quantity": 1, "reason": "x" * 201}, "reason"),
        ({"kind": "issue", "quantity": 1, "lot": "NOWHERE"}, "lot"),
        ({"kind": "issue", "quantity": 1, "occurred_on": "2999-01-01"}, "occurred_on"),
        ({"kind": "issue", "quantity": 1, "occurred_on": "1066-10-14"}, "occurred_on"),
        ({"kind": "issue", "quantity": 1, "occurred_on": []}, "occurred_on"),
        ({"kind": "transfer_out", "quantity": 1}, "to_clinic_id"),
        ({"kind": "transfer_out", "quantity": 1, "to_clinic_id": "x"}, "to_clinic_id"),
        ({"kind": "transfer_out", "quantity": 1, "to_clinic_id": str(uuid4())}, "to_clinic_id"),
        ({"kind": "issue", "quantity": 1, "to_clinic_id": str(uuid4())}, "to_clinic_id"),
        ({"kind": "issue", "quantity": 1, "patient": "x"}, "patient"),
    ],
)
def test_an_entry_that_can_not_be_taken_names_its_field(nurse, level, body, field):
    answer = nurse.post(f"{LEVELS}/{level.pk}/movements", body, format="json")
    assert field in refused(answer, 400)
    assert Movement.objects.count() == 1


@pytest.mark.parametrize("body", ["x", [1], 5, None])
def test_a_body_that_is_no_object_is_refused(nurse, level, body):
    refused(nurse.post(f"{LEVELS}/{level.pk}/movements", body, format="json"), 400)


def test_a_number_too_long_to_be_read_is_refused(nurse, level):
    body = '{"kind": "issue", "quantity": ' + "9" * 5000 + "}"
    answer = nurse.post(f"{LEVELS}/{level.pk}/movements", body, content_type="application/json")
    assert answer.status_code == 400


def test_null_for_what_may_be_left_out_says_nothing(nurse, level):
    nothing = dict.fromkeys(("lot", "expires_on", "reason", "occurred_on", "to_clinic_id"))
    assert entered(nurse, level, "issue", 1, **nothing)["balance_after"] == 49


def test_the_ledger_is_read_newest_first_by_cursor(nurse, level):
    for number in range(1, 5):
        entered(nurse, level, "issue", number)
    url, sequences = f"{LEVELS}/{level.pk}/movements?cursor=&limit=2", []
    while url:
        answer = nurse.get(url).json()
        sequences += [row["sequence"] for row in answer["results"]]
        url = answer["next"]
    assert sequences == [5, 4, 3, 2, 1]


def test_the_ledger_is_narrowed_to_kinds_and_days(nurse, level):
    yesterday = (timezone.now() - timedelta(days=1)).date()
    entered(nurse, level, "issue", 1, occurred_on=yesterday.isoformat())
    path = f"{LEVELS}/{level.pk}/movements"
    assert nurse.get(path, {"kind": "issue"}).json()["count"] == 1
    assert nurse.get(path, {"to": yesterday.isoformat()}).json()["count"] == 1
    assert nurse.get(path, {"from": yesterday.isoformat()}).json()["count"] == 2
    assert "from" in refused(nurse.get(path, {"from": "yesterday"}), 400)


def test_the_ledger_costs_the_same_queries_for_any_number_of_entries(
    nurse, level, django_assert_max_num_queries
):
    for _number in range(19):
        moved(level, "issue", 1)
    with django_assert_max_num_queries(8):
        assert len(nurse.get(f"{LEVELS}/{level.pk}/movements").json()["results"]) == 20


def test_an_entry_is_taken_back_once(nurse, level):
    issue = entered(nurse, level, "issue", 5)
    path = f"{MOVEMENTS}/{issue['id']}/reverse"
    answer = nurse.post(path, {"reason": "wrong item"}, format="json")
    assert answer.status_code == 201, answer.content
    back = answer.json()
    assert (back["kind"], back["reverses"], back["balance_after"]) == ("reversal", issue["id"], 50)
    refused(nurse.post(path, {}, format="json"), 409, "STATE_CONFLICT")
    listed = nurse.get(f"{LEVELS}/{level.pk}/movements").json()["results"]
    assert listed[1]["reversed_by"] == back["id"]


def test_a_receipt_whose_units_are_gone_can_not_be_taken_back(nurse, clinic):
    level = StockLevelFactory(clinic=clinic)
    receipt = entered(nurse, level, "receipt", 5)
    entered(nurse, level, "issue", 3)
    answer = nurse.post(f"{MOVEMENTS}/{receipt['id']}/reverse", {}, format="json")
    refused(answer, 409, "INSUFFICIENT_STOCK")


def test_another_clinics_entry_is_not_there(nurse):
    entry = moved(stocked(5), "issue", 1)
    refused(nurse.post(f"{MOVEMENTS}/{entry.pk}/reverse", {}, format="json"), 404, "NOT_FOUND")
    refused(nurse.post(f"{MOVEMENTS}/{entry.pk}/receive", {}, format="json"), 404, "NOT_FOUND")


def test_a_viewer_enters_nothing(api, clinic, level):
    viewer = api(ViewerFactory(clinics=[clinic]))
    entry = Movement.objects.get()
    refused(enter(viewer, level, "issue", 1), 403, "PERMISSION_DENIED")
    refused(viewer.post(f"{MOVEMENTS}/{entry.pk}/reverse", {}, format="json"), 403, "PERMISSION_DENIED")
    refused(viewer.post(f"{MOVEMENTS}/{entry.pk}/receive", {}, format="json"), 403, "PERMISSION_DENIED")


@pytest.fixture
def there():
    return ClinicFactory()


@pytest.fixture
def nurse_there(api, there):
    return api(StaffFactory(clinics=[there]))


@pytest.fixture
def sent(nurse, level, there):
    return entered(nurse, level, "transfer_out", 20, to_clinic_id=str(there.pk))


def test_a_transfer_is_on_its_way_until_it_is_taken_in(nurse, nurse_there, there, level, sent):
    assert (sent["balance_after"], sent["transfer"]["state"]) == (30, "in_transit")
    coming = nurse_there.get(LEVELS).json()["results"][0]
    assert (coming["on_hand"], coming["on_order"]) == (0, 20)
    answer = nurse_there.post(f"{MOVEMENTS}/{sent['id']}/receive", {}, format="json")
    assert answer.status_code == 201, answer.content
    arrived = answer.json()
    assert (arrived["kind"], arrived["balance_after"]) == ("transfer_in", 20)
    assert arrived["clinic_id"] == str(there.pk)
    assert arrived["transfer"]["from_clinic_id"] == str(level.clinic_id)
    again = nurse_there.post(f"{MOVEMENTS}/{sent['id']}/receive", {}, format="json")
    refused(again, 409, "STATE_CONFLICT")


def test_a_short_transfer_leaves_a_loss(nurse_there, sent):
    path = f"{MOVEMENTS}/{sent['id']}/receive"
    refused(nurse_there.post(path, {"quantity": 21}, format="json"), 409, "STATE_CONFLICT")
    assert "quantity" in refused(nurse_there.post(path, {"quantity": True}, format="json"), 400)
    arrived = nurse_there.post(path, {"quantity": 15}, format="json").json()
    assert (arrived["balance_after"], arrived["transfer"]["received"]) == (15, 15)
    assert Movement.objects.get(kind="transit_loss").quantity == 5
    assert not list(differences())


def test_the_sender_does_not_take_in_what_it_sent(nurse, sent):
    answer = nurse.post(f"{MOVEMENTS}/{sent['id']}/receive", {}, format="json")
    refused(answer, 403, "PERMISSION_DENIED")


def test_both_clinics_see_a_transfer_and_no_third_one(api, nurse, nurse_there, there, sent):
    for caller in (nurse, nurse_there):
        rows = caller.get(f"{LEVELS}/transfers", {"state": "in_transit"}).json()["results"]
        assert [row["movement_id"] for row in rows] == [sent["id"]]
        assert rows[0]["to_clinic_id"] == str(there.pk)
    stranger = api(StaffFactory(clinics=[ClinicFactory()]))
    assert stranger.get(f"{LEVELS}/transfers").json()["count"] == 0


def test_an_entry_that_is_sent_again_with_its_key_is_one_entry(nurse, level):
    def send():
        return nurse.post(
            f"{LEVELS}/{level.pk}/movements",
            {"kind": "issue", "quantity": 5},
            format="json",
            headers={"Idempotency-Key": "cart-7"},
        )

    first, again = send(), send()
    assert (first.status_code, again.json()) == (201, first.json())
    assert StockLevel.objects.get().on_hand == 45


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_64_callers_at_once_lose_nothing_and_each_refusal_is_clean(api):
    level = stocked(100)
    user = StaffFactory(clinics=[level.clinic])
    callers = [api(user) for _number in range(64)]

    def issue(caller):
        try:
            return enter(caller, level, "issue", 2)
        finally:
            connection.close()

    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(issue, callers))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(201), statuses.count(409)) == (50, 14)
    said = {answer.json()["error"]["code"] for answer in answers if answer.status_code == 409}
    assert said == {"INSUFFICIENT_STOCK"}
    assert StockLevel.objects.get().on_hand == 0
    assert not list(differences())
