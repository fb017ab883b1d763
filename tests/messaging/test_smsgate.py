"""The provider against the double of a phone, over HTTP."""

from datetime import timedelta
from functools import partial

import pytest

from messaging.providers.base import Result
from messaging.providers.smsgate import SmsgateProvider
from tests.messaging.provider_calls import (
    PHONE,
    handed_over,
    only,
    port_that_never_answers,
    port_that_refuses,
    text,
)

send = partial(handed_over, by=SmsgateProvider)


class SoonTiredOfWaiting(SmsgateProvider):
    total_seconds = 1


class SoonTiredOfConnecting(SmsgateProvider):
    connect_seconds = 0.5


def test_a_texts_number_at_the_phone_is_our_own(smsgate):
    sent = text()
    outcome = only(send(sent))
    assert (outcome.result, outcome.provider_message_id) == (Result.ACCEPTED, str(sent.message_id))
    assert [taken["id"] for taken in smsgate.accepted()] == [str(sent.message_id)]


def test_the_phone_gets_the_number_the_text_and_asks_for_a_receipt(smsgate):
    send(text(body="Ke nako ê."))
    (taken,) = smsgate.accepted()
    assert (taken["to"], taken["body"]) == (PHONE, "Ke nako ê.")
    assert (taken["with_delivery_report"], taken["priority"]) == (True, 0)


@pytest.mark.parametrize(
    ("valid_for", "told"),
    [
        (timedelta(hours=2), 7200),
        (timedelta(seconds=9.9), 9),
        (timedelta(days=2), 172_800),
        (timedelta(seconds=0.2), 5),
    ],
)
def test_the_phone_is_told_for_how_long_a_text_is_of_use(smsgate, valid_for, told):
    send(text(valid_for=valid_for))
    assert [taken["ttl"] for taken in smsgate.accepted()] == [told]


@pytest.mark.parametrize("lost", ["accept_then_drop", "accept_then_hang", "accept_unreadably"])
def test_a_text_whose_answer_was_lost_may_be_handed_over_again(smsgate, lost):
    smsgate.behave(rules=[{"do": lost, "times": 1}])
    sent = text()
    first = only(send(sent, by=SoonTiredOfWaiting))
    again = only(send(sent))
    assert (first.result, again.result) == (Result.UNKNOWN, Result.ACCEPTED)
    assert again.provider_message_id == str(sent.message_id)
    assert len(smsgate.accepted()) == 1


def test_a_text_that_was_refused_may_be_handed_over_again(smsgate):
    smsgate.behave(rules=[{"do": "error", "code": 429, "times": 1}])
    sent = text()
    assert [only(send(sent)).result for _ in range(2)] == [Result.TRANSIENT, Result.ACCEPTED]
    assert len(smsgate.accepted()) == 1


@pytest.mark.parametrize(
    ("code", "result"),
    [
        (401, Result.CONFIGURATION),
        (403, Result.CONFIGURATION),
        (404, Result.CONFIGURATION),
        (408, Result.UNKNOWN),
        (413, Result.ROUTE),
        (429, Result.TRANSIENT),
        (500, Result.UNKNOWN),
        (503, Result.TRANSIENT),
    ],
)
def test_what_a_refusal_of_the_gateways_own_means(smsgate, code, result):
    smsgate.behave(rules=[{"do": "error", "code": code}])
    outcome = only(send(text()))
    assert (outcome.result, outcome.code) == (result, f"HTTP_{code}")
    assert smsgate.accepted() == []


def test_a_number_that_the_phone_does_not_take_is_no_number_for_anyone(smsgate):
    smsgate.behave(rules=[{"do": "error", "code": 400}])
    outcome = only(send(text()))
    assert (outcome.result, outcome.code) == (Result.PERMANENT, "INVALID_NUMBER")


def test_another_fault_that_the_phone_finds_may_be_none_for_the_next_provider(smsgate):
    outcome = only(send(text(body="")))
    assert (outcome.result, outcome.message) == (Result.ROUTE, "Text message is empty")


def test_a_wrong_password_is_a_fault_of_the_configuration(smsgate, settings):
    settings.SMSGATE_PASSWORD = "another"
    outcome = only(send(text()))
    assert (outcome.result, outcome.code) == (Result.CONFIGURATION, "HTTP_401")


def test_above_the_rate_a_text_may_come_again_after_what_the_gateway_says(smsgate):
    smsgate.behave(per_second=1, retry_after=7)
    first, second = sorted(send(text(), text()), key=lambda outcome: outcome.code)
    assert first.result == Result.ACCEPTED
    assert (second.result, second.retry_after) == (Result.TRANSIENT, timedelta(seconds=7))


@pytest.mark.parametrize(
    ("rule", "code", "taken"),
    [
        # A proxy's, which may have passed the text on before.
        ({"do": "http", "code": 503}, "HTTP_503", 0),
        ({"do": "accept_then_http", "code": 503}, "HTTP_503", 1),
        ({"do": "http", "code": 302}, "HTTP_302", 0),
        # A page to sign in to somebody's wireless network.
        ({"do": "http", "code": 200}, "UNREADABLE_ANSWER", 0),
        ({"do": "drop"}, "CONNECTION_BROKEN", 0),
        ({"do": "accept_then_drop"}, "CONNECTION_BROKEN", 1),
        ({"do": "hang"}, "READ_TIMEOUT", 0),
        ({"do": "accept_late", "late_ms": 5000}, "READ_TIMEOUT", 1),
        ({"do": "accept_unreadably"}, "UNREADABLE_ANSWER", 1),
    ],
)
def test_once_the_request_is_written_only_a_clear_answer_ends_the_doubt(smsgate, rule, code, taken):
    smsgate.behave(rules=[rule])
    outcome = only(send(text(), by=SoonTiredOfWaiting if code == "READ_TIMEOUT" else SmsgateProvider))
    assert (outcome.result, outcome.code) == (Result.UNKNOWN, code)
    assert (len(smsgate.accepted()), smsgate.requests()["create"]) == (taken, 1)


def test_a_phone_that_is_off_has_taken_nothing(smsgate, settings):
    with port_that_refuses() as port:
        settings.SMSGATE_BASE_URL = f"http://127.0.0.1:{port}"
        outcome = only(send(text()))
    assert (outcome.result, outcome.code) == (Result.ROUTE, "CONNECTION_REFUSED")


def test_a_phone_that_is_not_reached_has_taken_nothing(smsgate, settings):
    with port_that_never_answers() as port:
        settings.SMSGATE_BASE_URL = f"http://127.0.0.1:{port}"
        outcome = only(send(text(), by=SoonTiredOfConnecting))
    assert (outcome.result, outcome.code) == (Result.ROUTE, "CONNECTION_TIMEOUT")


def test_a_phone_whose_name_is_not_found_has_taken_nothing(smsgate, settings):
    settings.SMSGATE_BASE_URL = "http://phone.invalid"
    outcome = only(send(text()))
    assert (outcome.result, outcome.code) == (Result.ROUTE, "HOST_NOT_FOUND")


@pytest.mark.parametrize(
    ("address", "local"),
    [("http://127.0.0.1:8080", True), ("http://localhost/", True), ("http://192.168.1.50:8080", False)],
)
def test_only_a_double_on_this_machine_may_run_at_a_future_time(settings, address, local):
    settings.SMSGATE_BASE_URL = address
    assert SmsgateProvider.is_local() is local
