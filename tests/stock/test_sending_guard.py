import pytest

from messaging import guards
from messaging.models import Message
from stock.digests import tell_at_once
from tests.clock import NOW
from tests.factories.accounts import AdminFactory, ClinicFactory
from tests.factories.stock import EVERY_DAY, ItemFactory, keeper, moved, stocked

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return ClinicFactory(opening_hours=EVERY_DAY)


def queued_for(clinic):
    level = stocked(5, clinic=clinic, item=ItemFactory(vital=True), reorder_level=20, now=NOW)
    moved(level, "issue", 5, now=NOW)
    tell_at_once(now=NOW)
    return list(Message.objects.all())


def test_who_is_a_manager_still_is_told(clinic):
    keeper(clinic)
    messages = queued_for(clinic)
    assert messages
    assert guards.ask(messages, NOW) == {}


@pytest.mark.parametrize("change", ["removed", "moved", "deactivated"])
def test_who_is_none_any_more_is_not_told_of_what_was_queued(clinic, change):
    manager = keeper(clinic)
    messages = queued_for(clinic)
    if change == "deactivated":
        manager.is_active = False
        manager.save()
    else:
        manager.stock_manager_of.set([ClinicFactory()] if change == "moved" else [])
    refusals = guards.ask(messages, NOW)
    assert {refusal.code for refusal in refusals.values()} == {"NO_LONGER_MANAGER"}
    assert len(refusals) == len(messages)


def test_an_administrator_is_told_of_all(clinic):
    AdminFactory(phone="+26772999999")
    messages = queued_for(clinic)
    assert messages
    assert guards.ask(messages, NOW) == {}
