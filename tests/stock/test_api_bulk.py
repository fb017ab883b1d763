import pytest

from stock.models import Movement, StockLevel
from stock.reconciling import differences
from tests.factories.accounts import StaffFactory, ViewerFactory
from tests.factories.stock import stocked
from tests.stock.api_calls import LEVELS, refused

pytestmark = pytest.mark.django_db
BULK = f"{LEVELS}/bulk"


@pytest.fixture
def nurse(api, clinic):
    return api(StaffFactory(clinics=[clinic]))


@pytest.fixture
def level(clinic):
    return stocked(10, clinic=clinic)


def bulk(caller, items, **options):
    answer = caller.post(BULK, {"items": items, **options}, format="json")
    assert answer.status_code == 200, answer.content
    return answer.json()


def item(level, kind="issue", quantity=1, **fields):
    return {"stock_id": str(level.pk), "kind": kind, "quantity": quantity, **fields}


def results(answer):
    return [result.get("error", {}).get("code", result["status"]) for result in answer["results"]]


def test_each_item_has_its_own_result_in_order(nurse, level):
    wanted = [item(level, quantity=6), item(level, quantity=6), 5, item(level, kind="gift"), item(level)]
    answer = bulk(nurse, wanted)
    assert results(answer) == [201, "INSUFFICIENT_STOCK", "VALIDATION_ERROR", "VALIDATION_ERROR", 201]
    assert [result["index"] for result in answer["results"]] == [0, 1, 2, 3, 4]
    assert (answer["succeeded"], answer["failed"]) == (2, 3)
    assert [answer["results"][n]["object"]["balance_after"] for n in (0, 4)] == [4, 3]
    assert answer["results"][1]["error"]["details"]["available"] == 4


def test_all_or_none_takes_back_what_was_fine(nurse, level):
    answer = bulk(nurse, [item(level), item(level, quantity=99), item(level)], atomic=True)
    assert results(answer) == ["STATE_CONFLICT", "INSUFFICIENT_STOCK", "STATE_CONFLICT"]
    assert StockLevel.objects.get().on_hand == 10
    assert Movement.objects.count() == 1


def test_all_or_none_writes_nothing_where_an_item_can_not_be_read(nurse, level):
    answer = bulk(nurse, [item(level), {}], atomic=True)
    assert results(answer) == ["STATE_CONFLICT", "VALIDATION_ERROR"]
    assert StockLevel.objects.get().on_hand == 10


def test_all_or_none_writes_all(nurse, level):
    assert results(bulk(nurse, [item(level)] * 3, atomic=True)) == [201] * 3
    assert StockLevel.objects.get().on_hand == 7
    assert not list(differences())


def test_a_thousand_entries_are_one_call(nurse, clinic, django_assert_max_num_queries):
    levels = [stocked(1, clinic=clinic) for _number in range(10)]
    wanted = [item(level, kind="receipt", lot="B") for level in levels for _number in range(100)]
    with django_assert_max_num_queries(60):
        assert set(results(bulk(nurse, wanted))) == {201}
    assert set(StockLevel.objects.values_list("on_hand", flat=True)) == {101}


def test_another_clinics_level_is_refused_for_its_item(nurse, level):
    elsewhere = stocked(5)
    answer = bulk(nurse, [item(elsewhere), {**item(level), "stock_id": "x"}, item(level)])
    assert results(answer) == ["VALIDATION_ERROR", "VALIDATION_ERROR", 201]
    assert "stock_id" in answer["results"][0]["error"]["details"]
    assert StockLevel.objects.get(pk=elsewhere.pk).on_hand == 5


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "items"),
        ({"items": []}, "items"),
        ({"items": "x"}, "items"),
        ({"items": {"a": 1}}, "items"),
        ({"items": [1] * 1001}, "items"),
        ({"items": [1], "atomic": "perhaps"}, "atomic"),
        ({"items": [1], "dry_run": True}, "dry_run"),
    ],
)
def test_a_request_that_can_not_be_taken_is_refused_whole(nurse, body, field):
    assert field in refused(nurse.post(BULK, body, format="json"), 400)


def test_a_viewer_writes_nothing(api, clinic, level):
    viewer = api(ViewerFactory(clinics=[clinic]))
    refused(viewer.post(BULK, {"items": [item(level)]}, format="json"), 403, "PERMISSION_DENIED")
