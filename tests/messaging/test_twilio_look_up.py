"""What is asked of Twilio before a text of unknown fate is sent again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from messaging.providers.base import CannotTell, OutgoingText, StatusReport
from messaging.providers.twilio import TwilioProvider
from tests.messaging.provider_calls import PHONE, looked_up, text
from tests.messaging.test_twilio import SoonTiredOfWaiting, send


def look_up(wanted: OutgoingText, *, since=None, by=TwilioProvider) -> list[StatusReport]:
    return looked_up(wanted, since=since or timezone.now() - timedelta(seconds=1), by=by)


def numbers(reports: list[StatusReport]) -> list[str]:
    return [report.provider_message_id for report in reports]


def taken(twilio) -> list[str]:
    return [entry["sid"] for entry in twilio.accepted()]


def test_a_text_that_was_taken_although_the_connection_broke_is_found(twilio):
    twilio.behave(rules=[{"do": "accept_then_drop"}])
    wanted = text()
    send(wanted)
    assert numbers(look_up(wanted)) == taken(twilio)


def test_a_text_that_was_never_taken_is_not_there(twilio):
    twilio.behave(rules=[{"do": "drop"}])
    wanted = text()
    send(wanted)
    assert look_up(wanted) == []


def test_a_text_that_twilio_has_not_passed_on_yet_is_found(twilio):
    twilio.behave(ends_as="queued")
    wanted = text()
    send(wanted)
    assert [report.status for report in look_up(wanted)] == ["sent"]


@pytest.mark.parametrize(
    "other", [{"to": "+26771999999"}, {"body": "Dumela. Another day."}], ids=["phone", "text"]
)
def test_another_phones_text_and_another_text_are_not_it(twilio, other):
    send(text(**other))
    assert look_up(text()) == []


def test_the_same_text_from_before_the_claim_is_not_it(twilio):
    twilio.behave(skew_seconds=-3600)
    wanted = text()
    send(wanted)
    twilio.behave(skew_seconds=0)
    send(wanted)
    assert numbers(look_up(wanted, since=timezone.now())) == taken(twilio)[1:]


def test_equal_texts_come_with_the_oldest_first(twilio):
    wanted = text()
    for minutes in (-30, -20, -10):
        twilio.behave(skew_seconds=minutes * 60)
        send(wanted)
    assert numbers(look_up(wanted, since=timezone.now() - timedelta(hours=1))) == taken(twilio)


def test_every_page_of_the_list_is_read(twilio):
    wanted = text()
    send(wanted)
    send(*(text(body=f"Dumela {n}.") for n in range(450)))
    assert numbers(look_up(wanted)) == taken(twilio)[:1]


def test_the_words_that_a_trial_account_puts_before_a_text_do_not_hide_it(twilio):
    send(text(body="Sent from your Twilio trial account - Ke nako."))
    assert numbers(look_up(text(body="Ke nako."))) == taken(twilio)


@pytest.mark.parametrize(
    ("twilios", "ours"),
    [
        ("queued", "sent"),
        ("sending", "sent"),
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("undelivered", "undelivered"),
        ("failed", "failed"),
        ("canceled", "failed"),
    ],
)
def test_each_of_twilios_states_has_its_own_here(twilio, twilios, ours):
    twilio.behave(ends_as=twilios)
    wanted = text()
    send(wanted)
    assert [report.status for report in look_up(wanted)] == [ours]


@pytest.mark.parametrize("trouble", [503, 404, 200, "hang", "drop"])
def test_a_look_up_that_is_not_answered_tells_nothing(twilio, trouble):
    wanted = text()
    send(wanted)
    twilio.behave(lookups=trouble)
    with pytest.raises(CannotTell):
        look_up(wanted, by=SoonTiredOfWaiting if trouble == "hang" else TwilioProvider)


def test_a_look_up_with_a_wrong_token_tells_nothing(twilio, settings):
    settings.TWILIO_AUTH_TOKEN = "another"
    with pytest.raises(CannotTell):
        look_up(text())


def test_a_text_that_was_blotted_out_at_twilio_tells_nothing(twilio):
    twilio.behave(redact=True)
    wanted = text()
    send(wanted)
    with pytest.raises(CannotTell):
        look_up(wanted)


def test_a_record_of_another_phone_that_was_blotted_out_does_not_matter(twilio):
    twilio.behave(redact=True)
    send(text(to="+26771999999"))
    assert look_up(text(to=PHONE)) == []
