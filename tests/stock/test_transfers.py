from datetime import UTC, datetime, timedelta

import pytest

from accounts.audit import SYSTEM
from common.errors import StateConflict, ValidationFailed
from stock.ledger import reverse
from stock.models import Lot, Movement, StockLevel, Transfer
from stock.reconciling import differences
from stock.transfers import receive_transfer, transfer_out
from tests.factories.accounts import ClinicFactory
from tests.factories.stock import StockLevelFactory, moved, stocked

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def sent():
    level = StockLevelFactory()
    moved(level, "receipt", 4, lot="A", expires_on=NOW.date() + 5 * DAY, now=NOW)
    moved(level, "receipt", 6, lot="B", expires_on=NOW.date() + 9 * DAY, now=NOW)
    return transfer_out(level_id=level.pk, to_clinic=ClinicFactory(), quantity=7, actor=SYSTEM, now=NOW)


def received(sent, quantity=None):
    return receive_transfer(movement_id=sent.pk, quantity=quantity, actor=SYSTEM, now=NOW)


def target(sent):
    return Transfer.objects.get(sent=sent).to_level


def test_what_is_sent_leaves_at_once_and_is_on_order_there(sent):
    assert StockLevel.objects.get(pk=sent.level_id).on_hand == 3
    assert (target(sent).on_hand, target(sent).on_order) == (0, 7)
    assert not list(differences())


def test_what_arrives_whole_keeps_its_lots(sent):
    assert received(sent).quantity == 7
    assert (target(sent).on_hand, target(sent).on_order) == (7, 0)
    lots = Lot.objects.filter(level=target(sent)).values_list("code", "expires_on", "quantity")
    assert set(lots) == {("A", NOW.date() + 5 * DAY, 4), ("B", NOW.date() + 9 * DAY, 3)}


def test_what_is_lost_on_the_way_is_an_entry_of_its_own(sent):
    received(sent, 5)
    entries = Movement.objects.filter(level=target(sent)).values_list("kind", "quantity", "change")
    assert list(entries) == [("transfer_in", 5, 5), ("transit_loss", 2, 0)]
    assert target(sent).on_hand == 5
    assert not list(differences())


def test_a_transfer_of_which_nothing_arrives_is_all_lost(sent):
    assert received(sent, 0).kind == "transit_loss"
    assert target(sent).on_hand == 0


def test_a_transfer_is_taken_in_once(sent):
    received(sent)
    with pytest.raises(StateConflict):
        received(sent)


def test_more_than_was_sent_does_not_arrive(sent):
    with pytest.raises(StateConflict):
        received(sent, 8)


def test_a_transfer_on_its_way_is_taken_back(sent):
    reverse(movement_id=sent.pk, actor=SYSTEM, now=NOW)
    assert StockLevel.objects.get(pk=sent.level_id).on_hand == 10
    assert target(sent).on_order == 0
    with pytest.raises(StateConflict):
        received(sent)
    assert not list(differences())


def test_a_transfer_that_has_arrived_is_not_taken_back_by_its_sender(sent):
    received(sent)
    with pytest.raises(StateConflict):
        reverse(movement_id=sent.pk, actor=SYSTEM, now=NOW)


def test_an_arrival_that_was_wrong_is_taken_back_and_taken_in_again(sent):
    reverse(movement_id=received(sent, 5).pk, actor=SYSTEM, now=NOW)
    assert (target(sent).on_hand, target(sent).on_order) == (0, 7)
    received(sent, 6)
    assert target(sent).on_hand == 6
    assert not list(differences())


def test_nobody_sends_to_their_own_clinic():
    level = stocked(5)
    with pytest.raises(ValidationFailed) as refusal:
        transfer_out(level_id=level.pk, to_clinic=level.clinic, quantity=1, actor=SYSTEM, now=NOW)
    assert set(refusal.value.details) == {"to_clinic_id"}


def test_a_transfer_taken_in_as_nothing_by_mistake_is_on_its_way_again(sent):
    reverse(movement_id=received(sent, 0).pk, actor=SYSTEM, now=NOW)
    transfer = Transfer.objects.get(sent=sent)
    assert (transfer.state, transfer.received, transfer.loss) == ("in_transit", None, None)
    assert (target(sent).on_hand, target(sent).on_order) == (0, 7)
    assert received(sent).quantity == 7
    assert target(sent).on_hand == 7
    assert not list(differences())


def test_a_loss_of_everything_is_taken_back_once(sent):
    loss = received(sent, 0)
    reverse(movement_id=loss.pk, actor=SYSTEM, now=NOW)
    with pytest.raises(StateConflict):
        reverse(movement_id=loss.pk, actor=SYSTEM, now=NOW)
    assert target(sent).on_order == 7


def test_a_loss_beside_an_arrival_is_taken_back_with_the_arrival_alone(sent):
    received(sent, 5)
    loss = Movement.objects.get(kind="transit_loss")
    with pytest.raises(StateConflict):
        reverse(movement_id=loss.pk, actor=SYSTEM, now=NOW)
    assert (target(sent).on_hand, target(sent).on_order) == (5, 0)
