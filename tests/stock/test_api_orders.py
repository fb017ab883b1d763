import pytest

from tests.factories.accounts import StaffFactory, ViewerFactory
from tests.factories.stock import StockLevelFactory, stocked
from tests.stock.api_calls import LEVELS, refused, seen

pytestmark = pytest.mark.django_db
ORDERS = f"{LEVELS}/orders"


@pytest.fixture
def nurse(api, clinic):
    return api(StaffFactory(clinics=[clinic]))


@pytest.fixture
def level(clinic):
    return StockLevelFactory(clinic=clinic, item__pack_size=10)


def place(caller, level, **body):
    return caller.post(f"{LEVELS}/{level.pk}/orders", body, format="json")


def placed(caller, level, **body):
    answer = place(caller, level, **body)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_what_is_ordered_is_on_order(nurse, level):
    order = placed(nurse, level, quantity=40, expected_on="2999-01-01")
    assert (order["state"], order["outstanding"], order["expected_on"]) == ("open", 40, "2999-01-01")
    assert seen(nurse, level)["on_order"] == 40
    assert nurse.get(f"{ORDERS}/{order['id']}").json() == order


def test_packs_are_ordered_as_units(nurse, level):
    assert placed(nurse, level, packs=4)["quantity"] == 40


def test_a_delivery_comes_in_parts(nurse, level):
    order = placed(nurse, level, quantity=40)
    path = f"{ORDERS}/{order['id']}/receive"
    first = nurse.post(path, {"quantity": 30, "lot": "B1", "expires_on": "2028-01-31"}, format="json")
    assert first.status_code == 200, first.content
    assert (first.json()["state"], first.json()["outstanding"]) == ("open", 10)
    assert first.json()["movement"]["lots"][0]["lot"] == "B1"
    assert nurse.post(path, {}, format="json").json()["state"] == "received"
    refused(nurse.post(path, {}, format="json"), 409, "STATE_CONFLICT")
    assert (seen(nurse, level)["on_hand"], seen(nurse, level)["on_order"]) == (40, 0)


def test_what_is_still_to_come_is_cancelled_once(nurse, level):
    order = placed(nurse, level, quantity=40)
    path = f"{ORDERS}/{order['id']}/cancel"
    assert nurse.post(path).json()["state"] == "cancelled"
    assert nurse.post(path).status_code == 200
    assert seen(nurse, level)["on_order"] == 0


def test_a_cancellation_takes_no_fields(nurse, level):
    path = f"{ORDERS}/{placed(nurse, level, quantity=40)['id']}"
    assert "reason" in refused(nurse.post(f"{path}/cancel", {"reason": "x"}, format="json"), 400)
    assert nurse.get(path).json()["state"] == "open"


def test_orders_are_listed_by_level_and_for_all(nurse, level):
    order = placed(nurse, level, quantity=40)
    for path in (f"{LEVELS}/{level.pk}/orders", ORDERS):
        rows = nurse.get(path, {"state": "open"}).json()["results"]
        assert [row["id"] for row in rows] == [order["id"]]
        assert nurse.get(path, {"state": "received"}).json()["count"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "quantity"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": False}, "quantity"),
        ({"quantity": 1.5}, "quantity"),
        ({"quantity": 10**20}, "quantity"),
        ({"quantity": 1, "expected_on": "2020-01-01"}, "expected_on"),
        ({"quantity": 1, "expected_on": 5}, "expected_on"),
        ({"quantity": 1, "supplier": "x"}, "supplier"),
    ],
)
def test_an_order_that_can_not_be_taken_names_its_field(nurse, level, body, field):
    assert field in refused(place(nurse, level, **body), 400)


def test_another_clinics_order_is_not_there(api, nurse, level):
    order = placed(nurse, level, quantity=40)
    stranger = api(StaffFactory(clinics=[stocked(1).clinic]))
    refused(stranger.get(f"{ORDERS}/{order['id']}"), 404, "NOT_FOUND")
    refused(stranger.post(f"{ORDERS}/{order['id']}/receive", {}, format="json"), 404, "NOT_FOUND")
    refused(stranger.post(f"{ORDERS}/{order['id']}/cancel"), 404, "NOT_FOUND")
    assert stranger.get(ORDERS).json()["count"] == 0


def test_a_viewer_orders_nothing(api, nurse, clinic, level):
    order = placed(nurse, level, quantity=40)
    viewer = api(ViewerFactory(clinics=[clinic]))
    assert viewer.get(f"{ORDERS}/{order['id']}").status_code == 200
    refused(place(viewer, level, quantity=1), 403, "PERMISSION_DENIED")
    refused(viewer.post(f"{ORDERS}/{order['id']}/receive", {}, format="json"), 403, "PERMISSION_DENIED")
    refused(viewer.post(f"{ORDERS}/{order['id']}/cancel"), 403, "PERMISSION_DENIED")
