from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from common import differences
from common.clock import Clock
from messaging.dispatch import dispatch
from messaging.models import Message
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clinic():
    return ClinicFactory(quiet_from=None, quiet_to=None)


def run() -> tuple[int, str]:
    """The command's exit code and what it printed."""
    out = StringIO()
    try:
        call_command("reconcile", stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def lost(twilio, clinic, do) -> Message:
    """Given to Twilio, which never answered; its next look-up is in an hour."""
    twilio.behave(rules=[{"do": do}], lookups=503)
    message = MessageFactory(clinic=clinic)
    dispatch(clock=Clock())
    now = timezone.now()
    Message.objects.update(
        look_up_at=now + timedelta(hours=1), claimed_at=now - timedelta(seconds=2), created_at=now
    )
    twilio.behave()
    return message


def test_when_nothing_differs_it_says_so(twilio, clinic):
    MessageFactory(clinic=clinic, status="delivered", provider="twilio")
    assert run() == (0, "texts: 0 differences\nstock balances: 0 differences\n")


def test_a_text_that_the_provider_had_is_taken_over_and_named_by_its_id(twilio, clinic):
    message = lost(twilio, clinic, "accept_then_drop")
    code, said = run()
    assert (code, f"texts: {message.pk}: here unknown, at twilio delivered" in said) == (1, True)
    assert message.to not in said
    assert Message.objects.get().status == "delivered"


def test_what_was_found_once_is_no_difference_any_more(twilio, clinic):
    lost(twilio, clinic, "accept_then_drop")
    assert [run()[0], run()[0]] == [1, 0]


def test_a_text_that_the_provider_does_not_have_is_queued_again(twilio, clinic, settings):
    settings.SMS_LOOKUP_GRACE_SECONDS = 1
    message = lost(twilio, clinic, "drop")
    assert f"{message.pk}: here unknown, at twilio it is not: queued again" in run()[1]


def test_a_sent_text_is_asked_about_before_its_turn(twilio, clinic):
    message = MessageFactory(clinic=clinic)
    dispatch(clock=Clock())
    assert Message.objects.get().status == "sent"
    assert f"{message.pk}: here sent, at twilio delivered" in run()[1]


def test_a_provider_that_does_not_answer_makes_no_difference(twilio, clinic):
    lost(twilio, clinic, "accept_then_drop")
    twilio.behave(lookups=503)
    assert run()[0] == 0
    assert Message.objects.get().status == "unknown"


def test_a_text_of_a_provider_that_is_gone_stays_as_it_is(twilio, clinic):
    MessageFactory(clinic=clinic, status="unknown", provider="no.such.Provider")
    assert run()[0] == 0


def test_other_books_are_compared_too(monkeypatch):
    monkeypatch.setattr(differences, "_checks", {})
    differences.register("balances", lambda _now: ["lot 7: 3 here, 4 in the ledger"])
    assert run() == (1, "balances: lot 7: 3 here, 4 in the ledger\nbalances: 1 differences\n")
