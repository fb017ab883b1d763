"""The whole road to Twilio and back while everything that can go wrong does."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from common.clock import Clock
from messaging.dispatch import dispatch
from messaging.models import Message
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)

TROUBLE = [
    {"share": 0.1, "do": "http", "code": 503},
    {"share": 0.1, "do": "accept_then_http", "code": 500},
    {"share": 0.1, "do": "drop"},
    {"share": 0.1, "do": "accept_then_drop"},
    {"share": 0.1, "do": "accept_unreadably"},
    {"share": 0.1, "do": "error", "code": 20429, "retry_after": 1},
]
PASSES = 12


def run_passes(settings) -> None:
    settings.SMS_LOOKUP_GRACE_SECONDS = 0
    start = timezone.now()
    for number in range(PASSES):
        dispatch(clock=Clock(start + timedelta(hours=number)))


@pytest.fixture
def queued(settings) -> list[Message]:
    clinic = ClinicFactory(quiet_from=None, quiet_to=None)
    return MessageFactory.create_batch(150, clinic=clinic)


def test_every_phone_gets_its_text_once(twilio, queued, settings):
    twilio.behave(rules=TROUBLE, seed=3)
    run_passes(settings)
    taken = Counter(entry["to"] for entry in twilio.accepted())
    assert taken == Counter(message.to for message in queued)


def test_every_text_ends_with_the_number_that_twilio_gave_it(twilio, queued, settings):
    twilio.behave(rules=TROUBLE, seed=4)
    run_passes(settings)
    ours = set(Message.objects.values_list("to", "provider_message_id"))
    assert ours == {(entry["to"], entry["sid"]) for entry in twilio.accepted()}


def test_while_twilio_can_not_be_asked_nothing_of_unknown_fate_is_sent_again(twilio, queued, settings):
    twilio.behave(rules=[{"do": "accept_then_drop"}], lookups=503)
    run_passes(settings)
    assert set(Message.objects.values_list("status", flat=True)) == {"unknown"}
    assert len(twilio.accepted()) == len(queued)
