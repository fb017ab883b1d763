"""The provider against the double, over HTTP."""

from datetime import timedelta
from functools import partial

import pytest

from messaging.providers.base import Result
from messaging.providers.twilio import TwilioProvider
from tests.messaging.provider_calls import (
    PHONE,
    handed_over,
    only,
    port_that_never_answers,
    port_that_refuses,
    text,
)

send = partial(handed_over, by=TwilioProvider)


class SoonTiredOfWaiting(TwilioProvider):
    total_seconds = 1


class SoonTiredOfConnecting(TwilioProvider):
    connect_seconds = 0.5


def test_an_accepted_text_has_twilios_number(twilio):
    outcome = only(send(text()))
    (taken,) = twilio.accepted()
    assert (outcome.result, outcome.provider_message_id) == (Result.ACCEPTED, taken["sid"])


def test_twilio_gets_the_phone_the_text_and_the_sender(twilio):
    send(text(body="Ke nako ê."))
    (taken,) = twilio.accepted()
    assert (taken["to"], taken["body"], taken["from"], taken["service"]) == (
        PHONE,
        "Ke nako ê.",
        "Clinic",
        None,
    )


def test_a_messaging_service_chooses_the_sender_where_it_is_set(twilio, settings):
    settings.TWILIO_FROM, settings.TWILIO_MESSAGING_SERVICE_SID = "", "MG" + "0" * 32
    send(text())
    (taken,) = twilio.accepted()
    assert (taken["from"], taken["service"]) == (None, "MG" + "0" * 32)


@pytest.mark.parametrize(
    ("valid_for", "told"),
    [
        (timedelta(hours=2), "7200"),
        (timedelta(seconds=7.9), "7"),
        (timedelta(days=2), "36000"),
        (timedelta(seconds=0.2), "1"),
    ],
)
def test_twilio_is_told_for_how_long_a_text_is_of_use_within_its_own_limits(twilio, valid_for, told):
    send(text(valid_for=valid_for))
    assert [taken["validity_period"] for taken in twilio.accepted()] == [told]


def test_receipts_are_asked_for_at_the_public_address_with_our_own_number(twilio, settings):
    settings.PUBLIC_BASE_URL = "https://reminders.example/"
    twilio.behave(callbacks={"how": "never"})
    sent = text()
    send(sent)
    (taken,) = twilio.accepted()
    path = "/api/v1/sms/webhooks/twilio/status"
    assert taken["callback"] == f"https://reminders.example{path}?message={sent.message_id}"


def test_without_a_public_address_no_receipts_are_asked_for(twilio):
    send(text())
    assert [taken["callback"] for taken in twilio.accepted()] == [""]


def test_many_texts_go_through_one_provider_at_once(twilio):
    twilio.behave(latency_ms=20)
    outcomes = send(*(text(to=f"+26771{n:06d}") for n in range(200)))
    assert {outcome.provider_message_id for outcome in outcomes} == {m["sid"] for m in twilio.accepted()}
    assert len(twilio.accepted()) == 200


@pytest.mark.parametrize(
    ("code", "result"),
    [
        *(
            (code, Result.PERMANENT)
            for code in (21211, 21614, 21610, 30004, 30005, 30006, 30007, 21602, 21617)
        ),
        *((code, Result.CONFIGURATION) for code in (21408, 21606, 21612, 30018, 30042, 10001, 20003, 30002)),
        *((code, Result.TRANSIENT) for code in (20429, 21611, 30001, 30017, 14107, 30003)),
        (30008, Result.UNKNOWN),
        (29999, Result.ROUTE),
    ],
)
def test_what_each_of_twilios_codes_means(twilio, code, result):
    twilio.behave(rules=[{"do": "error", "code": code}])
    outcome = only(send(text()))
    assert (outcome.result, outcome.code) == (result, str(code))
    assert twilio.accepted() == []


def test_only_the_code_for_an_opt_out_is_an_opt_out(twilio):
    twilio.behave(rules=[{"do": "error", "code": 21610, "to": [PHONE]}, {"do": "error", "code": 21211}])
    outcomes = send(text(), text(to="+26771999999"))
    assert [outcome.opted_out for outcome in outcomes] == [True, False]


@pytest.mark.parametrize("code", [21211, 21408, 21612, 21614])
def test_twilios_words_are_kept_without_the_patients_number(twilio, code):
    twilio.behave(rules=[{"do": "error", "code": code}])
    outcome = only(send(text()))
    assert "number" in outcome.message.lower() or "parameters" in outcome.message
    assert PHONE[1:] not in outcome.message


def test_a_wrong_token_is_a_fault_of_the_account(twilio, settings):
    settings.TWILIO_AUTH_TOKEN = "another"
    outcome = only(send(text()))
    assert (outcome.result, outcome.code) == (Result.CONFIGURATION, "20003")


def test_above_the_rate_a_text_is_not_taken_and_may_come_again_after_what_twilio_says(twilio):
    twilio.behave(per_second=1, retry_after=7)
    first, second = sorted(send(text(), text()), key=lambda outcome: outcome.code)
    assert first.result == Result.ACCEPTED
    assert (second.result, second.retry_after) == (Result.TRANSIENT, timedelta(seconds=7))
    assert len(twilio.accepted()) == 1


@pytest.mark.parametrize(
    ("status", "result"), [(403, Result.CONFIGURATION), (429, Result.TRANSIENT), (400, Result.ROUTE)]
)
def test_a_refusal_that_is_not_twilios_own_is_read_by_its_http_status(twilio, status, result):
    twilio.behave(rules=[{"do": "http", "code": status}])
    outcome = only(send(text()))
    assert (outcome.result, outcome.code) == (result, f"HTTP_{status}")


@pytest.mark.parametrize(
    ("rule", "code", "taken"),
    [
        ({"do": "http", "code": 503}, "HTTP_503", 0),
        ({"do": "accept_then_http", "code": 500}, "HTTP_500", 1),
        ({"do": "http", "code": 302}, "HTTP_302", 0),
        ({"do": "drop"}, "CONNECTION_BROKEN", 0),
        ({"do": "accept_then_drop"}, "CONNECTION_BROKEN", 1),
        ({"do": "hang"}, "READ_TIMEOUT", 0),
        ({"do": "accept_then_hang"}, "READ_TIMEOUT", 1),
        ({"do": "accept_late", "late_ms": 5000}, "READ_TIMEOUT", 1),
        ({"do": "accept_unreadably"}, "UNREADABLE_ANSWER", 1),
    ],
)
def test_once_the_request_is_written_only_a_clear_answer_ends_the_doubt(twilio, rule, code, taken):
    twilio.behave(rules=[rule])
    outcome = only(send(text(), by=SoonTiredOfWaiting if code == "READ_TIMEOUT" else TwilioProvider))
    assert (outcome.result, outcome.code) == (Result.UNKNOWN, code)
    assert (len(twilio.accepted()), twilio.requests()["create"]) == (taken, 1)


def test_a_refused_connection_means_that_nothing_was_taken(twilio, settings):
    with port_that_refuses() as port:
        settings.TWILIO_API_BASE_URL = f"http://127.0.0.1:{port}"
        outcome = only(send(text()))
    assert (outcome.result, outcome.code) == (Result.ROUTE, "CONNECTION_REFUSED")


def test_a_connection_that_is_never_made_means_that_nothing_was_taken(twilio, settings):
    with port_that_never_answers() as port:
        settings.TWILIO_API_BASE_URL = f"http://127.0.0.1:{port}"
        outcome = only(send(text(), by=SoonTiredOfConnecting))
    assert (outcome.result, outcome.code) == (Result.ROUTE, "CONNECTION_TIMEOUT")


def test_a_host_that_is_not_found_means_that_nothing_was_taken(twilio, settings):
    settings.TWILIO_API_BASE_URL = "http://twilio.invalid"
    outcome = only(send(text()))
    assert (outcome.result, outcome.code) == (Result.ROUTE, "HOST_NOT_FOUND")


def test_a_server_that_does_not_prove_itself_gets_no_text(twilio, settings):
    settings.TWILIO_API_BASE_URL = twilio.base_url.replace("http:", "https:")
    outcome = only(send(text()))
    assert (outcome.result, outcome.code) == (Result.ROUTE, "TLS_FAILED")
    assert twilio.accepted() == []


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://localhost", True),
        ("http://[::1]:8080", True),
        ("https://api.twilio.com", False),
        ("https://127.0.0.1.example.org", False),
    ],
)
def test_only_a_double_on_this_machine_may_run_at_a_future_time(settings, address, local):
    settings.TWILIO_API_BASE_URL = address
    assert TwilioProvider.is_local() is local
