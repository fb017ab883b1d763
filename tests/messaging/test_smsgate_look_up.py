"""What is asked of the phone before a text of unknown fate is sent again."""

import pytest
from django.utils import timezone

from messaging.providers.base import CannotTell, OutgoingText, StatusReport
from messaging.providers.smsgate import SmsgateProvider
from tests.messaging.provider_calls import looked_up, text
from tests.messaging.test_smsgate import SoonTiredOfWaiting, send


def look_up(wanted: OutgoingText, *, by=SmsgateProvider) -> list[StatusReport]:
    return looked_up(wanted, since=timezone.now(), by=by)


def test_a_text_that_was_taken_although_the_connection_broke_is_found(smsgate):
    smsgate.behave(rules=[{"do": "accept_then_drop"}])
    wanted = text()
    send(wanted)
    (report,) = look_up(wanted)
    assert (report.provider_message_id, report.message_id) == (str(wanted.message_id), wanted.message_id)


def test_a_text_that_was_never_taken_is_not_there(smsgate):
    smsgate.behave(rules=[{"do": "drop"}])
    wanted = text()
    send(wanted)
    assert look_up(wanted) == []


def test_the_same_text_to_the_same_phone_is_not_it(smsgate):
    send(text())
    assert look_up(text()) == []


@pytest.mark.parametrize(
    ("phones", "ours"),
    [
        ("pending", "sent"),
        ("processed", "sent"),
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("failed", "failed"),
        ("cancelled", "failed"),
    ],
)
def test_each_of_the_phones_states_has_its_own_here(smsgate, phones, ours):
    smsgate.behave(ends_as=phones)
    wanted = text()
    send(wanted)
    (report,) = look_up(wanted)
    assert report.status == ours
    assert report.at is not None


def test_a_failure_is_told_with_its_reason_and_without_numbers(smsgate):
    smsgate.call_for_all_events("http://127.0.0.1:9/")
    reason = "Delivery result from SC +26771000000: 70"
    smsgate.behave(callbacks={"how": "never", "statuses": ["sent", "failed"], "error_code": reason})
    wanted = text()
    send(wanted)
    smsgate.callbacks()
    (report,) = look_up(wanted)
    assert (report.status, report.code) == ("undelivered", "DELIVERY_70")
    assert report.message == "Delivery result from SC •••: 70"


@pytest.mark.parametrize("trouble", [503, 404, 200, "hang", "drop"])
def test_a_look_up_that_the_phone_does_not_answer_tells_nothing(smsgate, trouble):
    wanted = text()
    send(wanted)
    smsgate.behave(lookups=trouble)
    with pytest.raises(CannotTell):
        look_up(wanted, by=SoonTiredOfWaiting if trouble == "hang" else SmsgateProvider)


def test_a_look_up_with_a_wrong_password_tells_nothing(smsgate, settings):
    settings.SMSGATE_PASSWORD = "another"
    with pytest.raises(CannotTell):
        look_up(text())
