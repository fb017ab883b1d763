"""The whole road to the phone and back while everything that can go wrong does."""

from collections import Counter

import pytest

from common.clock import Clock
from messaging.breaker import MINIMUM
from messaging.dispatch import dispatch
from messaging.models import Message, Pin, ProviderState
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MessageFactory
from tests.messaging.test_twilio_in_trouble import run_passes

pytestmark = pytest.mark.django_db(transaction=True)

TROUBLE = [
    {"share": 0.1, "do": "http", "code": 503},
    {"share": 0.1, "do": "error", "code": 503},
    {"share": 0.1, "do": "accept_then_http", "code": 500},
    {"share": 0.1, "do": "drop"},
    {"share": 0.1, "do": "accept_then_drop"},
    {"share": 0.1, "do": "accept_unreadably"},
]


@pytest.fixture
def queued(settings) -> list[Message]:
    # So much trouble would have it left alone for longer than a test takes.
    ProviderState.objects.create(name="smsgate", pin=Pin.USE)
    clinic = ClinicFactory(quiet_from=None, quiet_to=None)
    return MessageFactory.create_batch(100, clinic=clinic)


@pytest.fixture
def few() -> list[Message]:
    """Too few for the breaker to leave the phone alone."""
    clinic = ClinicFactory(quiet_from=None, quiet_to=None)
    return MessageFactory.create_batch(MINIMUM - 1, clinic=clinic)


def test_every_phone_gets_its_text_once_under_our_own_number(smsgate, queued, settings):
    smsgate.behave(rules=TROUBLE, seed=3)
    run_passes(settings)
    taken = Counter((entry["id"], entry["to"]) for entry in smsgate.accepted())
    assert taken == Counter((str(message.pk), message.to) for message in queued)
    assert set(Message.objects.values_list("status", flat=True)) <= {"sent", "delivered"}


def test_a_text_that_the_phone_had_although_it_said_no_is_known_again_and_not_sent_twice(
    smsgate, few, settings
):
    # The look-up comes before the late text does: the phone has it only when it is tried again.
    smsgate.behave(rules=[{"do": "accept_then_drop", "times": len(few)}], lookups=503)
    dispatch(clock=Clock())
    Message.objects.update(status="queued", claim=None, look_up_at=None)
    dispatch(clock=Clock())
    assert set(Message.objects.values_list("status", flat=True)) == {"sent"}
    assert (len(smsgate.accepted()), smsgate.requests()["known"]) == (len(few), len(few))


def test_while_the_phone_can_not_be_asked_nothing_of_unknown_fate_is_sent_again(smsgate, few, settings):
    smsgate.behave(rules=[{"do": "accept_then_drop"}], lookups="drop")
    run_passes(settings)
    assert set(Message.objects.values_list("status", flat=True)) == {"unknown"}
    assert smsgate.requests()["create"] == len(few)
