from datetime import UTC, datetime, timedelta

import pytest

from accounts.audit import SYSTEM
from common.errors import StateConflict, ValidationFailed
from stock.ledger import reverse
from stock.models import Order, StockLevel
from stock.orders import cancel_order, place_order, receive_order
from stock.reconciling import differences
from tests.factories.stock import StockLevelFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


@pytest.fixture
def order():
    return place_order(level_id=StockLevelFactory().pk, quantity=10, actor=SYSTEM, now=NOW)


def level(order):
    found = StockLevel.objects.get(pk=order.level_id)
    return found.on_hand, found.on_order


def receive(order, quantity=None):
    return receive_order(order_id=order.pk, quantity=quantity, actor=SYSTEM, now=NOW)


def test_what_is_ordered_is_on_order(order):
    assert level(order) == (0, 10)
    assert not list(differences())


def test_a_delivery_of_all_closes_the_order(order):
    receive(order)
    assert level(order) == (10, 0)
    assert Order.objects.get().state == "received"


def test_a_delivery_of_a_part_leaves_the_rest_on_order(order):
    receive(order, 4)
    assert level(order) == (4, 6)
    assert Order.objects.get().state == "open"


def test_more_than_was_ordered_is_taken_too(order):
    receive(order, 12)
    assert level(order) == (12, 0)


def test_a_cancelled_rest_is_not_on_order(order):
    receive(order, 4)
    cancel_order(order_id=order.pk, actor=SYSTEM, now=NOW)
    assert level(order) == (4, 0)
    with pytest.raises(StateConflict):
        receive(order)


def test_an_order_is_cancelled_once(order):
    cancel_order(order_id=order.pk, actor=SYSTEM, now=NOW)
    cancel_order(order_id=order.pk, actor=SYSTEM, now=NOW)
    assert level(order) == (0, 0)


def test_a_delivery_taken_back_is_to_come_again(order):
    reverse(movement_id=receive(order).pk, actor=SYSTEM, now=NOW)
    assert level(order) == (0, 10)
    assert Order.objects.get().state == "open"
    assert not list(differences())


def test_nothing_is_expected_before_it_was_ordered(order):
    with pytest.raises(ValidationFailed):
        place_order(
            level_id=order.level_id,
            quantity=1,
            expected_on=NOW.date() - timedelta(days=1),
            actor=SYSTEM,
            now=NOW,
        )
