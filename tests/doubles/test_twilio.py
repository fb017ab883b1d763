"""The double is like Twilio: Twilio's own SDK and Twilio's own description of its API find no fault in it."""

import contextlib
import socket
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import jsonschema
import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from tests.doubles.twilio import running_twilio
from tests.doubles.twilio_callbacks import signature
from tests.doubles.twilio_description import published_description, schema_of

PHONE = "+26771234567"
ACCOUNT_PATH = "/2010-04-01/Accounts/{AccountSid}"


@pytest.fixture
def sdk(twilio) -> Client:
    client = Client(twilio.account, twilio.token)
    client.api.base_url = twilio.base_url
    yield client
    client.http_client.session.close()


def create(sdk, to=PHONE, body="Dumela", **fields):
    return sdk.messages.create(to=to, from_="Clinic", body=body, **fields)


def test_the_sdk_reads_what_the_double_took(sdk, twilio):
    made = create(sdk)
    assert (made.status, made.to, made.body, made.date_sent) == ("queued", PHONE, "Dumela", None)
    assert [taken["sid"] for taken in twilio.accepted()] == [made.sid]


def test_the_sdk_fetches_one_message_and_the_balance(sdk, twilio):
    made = create(sdk)
    assert sdk.messages(made.sid).fetch().status == "delivered"
    assert sdk.api.accounts(twilio.account).balance.fetch().currency == "USD"


def test_the_sdk_follows_the_pages_of_the_list_newest_first(sdk):
    made = [create(sdk, body=f"Dumela {n}").sid for n in range(5)]
    assert [found.sid for found in sdk.messages.list(to=PHONE, page_size=2)] == made[::-1]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"to": PHONE}, True),
        ({"to": "+26771999999"}, False),
        ({"from_": "Clinic"}, True),
        ({"from_": "Other"}, False),
        ({"date_sent": 0}, True),
        ({"date_sent": -1}, False),
        ({"date_sent_after": 0}, True),
        ({"date_sent_after": 1}, False),
        ({"date_sent_before": 0}, True),
        ({"date_sent_before": -1}, False),
    ],
)
def test_the_list_is_filtered_by_phone_sender_and_day(sdk, twilio, filters, found):
    create(sdk)
    day = {
        name: (datetime.now(UTC) + timedelta(days=v)).date().isoformat() if isinstance(v, int) else v
        for name, v in filters.items()
    }
    names = {
        "to": "To",
        "from_": "From",
        "date_sent": "DateSent",
        "date_sent_after": "DateSent>",
        "date_sent_before": "DateSent<",
    }
    url = f"{twilio.base_url}/2010-04-01/Accounts/{twilio.account}/Messages.json"
    with requests.get(
        url,
        {names[name]: value for name, value in day.items()},
        auth=(twilio.account, twilio.token),
        timeout=10,
    ) as answer:
        assert bool(answer.json()["messages"]) is found


@pytest.mark.parametrize(
    ("rule", "status", "code"),
    [
        ({"do": "error", "code": 21211}, 400, 21211),
        ({"do": "error", "code": 20429, "retry_after": 3}, 429, 20429),
    ],
)
def test_the_sdk_reads_its_errors(sdk, twilio, rule, status, code):
    twilio.behave(rules=[rule])
    with pytest.raises(TwilioRestException) as raised:
        create(sdk)
    assert (raised.value.status, raised.value.code) == (status, code)


def test_a_wrong_password_is_twilios_20003(sdk, twilio):
    sdk.password = "wrong"
    sdk.auth = (twilio.account, "wrong")
    with pytest.raises(TwilioRestException) as raised:
        create(sdk)
    assert (raised.value.status, raised.value.code) == (401, 20003)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"to": ""}, 21604),
        ({"body": ""}, 21602),
        ({"body": "x" * 1601}, 21617),
        ({"validity_period": 36001}, 21621),
    ],
)
def test_what_twilio_would_not_take_the_double_does_not_take(sdk, twilio, fields, code):
    with pytest.raises(TwilioRestException) as raised:
        create(sdk, **fields)
    assert (raised.value.code, twilio.accepted()) == (code, [])


def test_a_rule_holds_for_its_phones_and_its_number_of_times(sdk, twilio):
    twilio.behave(rules=[{"do": "error", "code": 21610, "to": [PHONE], "times": 1}])
    create(sdk, to="+26771999999")
    with pytest.raises(TwilioRestException):
        create(sdk)
    create(sdk)
    assert len(twilio.accepted()) == 2


def test_the_same_seed_brings_the_same_trouble(sdk, twilio):
    def pattern() -> list[bool]:
        twilio.behave(rules=[{"do": "error", "code": 20429, "share": 0.5}], seed=7)
        before = len(twilio.accepted())
        for n in range(20):
            try:
                create(sdk, body=str(n))
            except TwilioRestException:
                continue
        return [taken["body"] for taken in twilio.accepted()[before:]]

    first = pattern()
    assert 0 < len(first) < 20
    assert pattern() == first


def test_the_sdk_finds_the_doubles_signatures_right():
    url, params = "https://clinic.example/hook?message=1", {"B": "2 ê", "A": "1"}
    assert RequestValidator("token").validate(url, params, signature(url, params, "token"))


def test_a_word_that_the_double_does_not_know_is_refused(twilio):
    with pytest.raises(OSError, match="400"):
        twilio.behave(slowness=3)


def test_while_it_is_down_its_port_refuses_and_its_books_are_kept(sdk, twilio):
    twilio.behave(latency_ms=200, down_after=1, down_seconds=3)
    with pytest.raises(requests.ConnectionError):
        create(sdk)
    with pytest.raises(requests.ConnectionError):
        create(sdk)
    wait_until_it_answers(twilio)
    assert (len(twilio.accepted()), twilio.tally()["troubles"]) == (1, {"down": 1})


def wait_until_it_answers(twilio) -> None:
    for _ in range(200):
        try:
            twilio.tally()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("The double stays down.")


def test_it_counts_what_it_did_wrong(sdk, twilio):
    twilio.behave(rules=[{"do": "error", "code": 21610, "to": [PHONE]}], per_second=2)
    for phone in (PHONE, "+26771999999", "+26771999999"):
        with contextlib.suppress(TwilioRestException):
            create(sdk, to=phone)
    assert twilio.tally() == {"accepted": 1, "troubles": {"error": 1, "too_many": 1}, "calling": 0}


def test_forgeries_say_the_opposite_and_are_signed_by_someone_else(sdk, twilio):
    told = {"forgeries": True, "statuses": ["delivered"]}
    twilio.behave(callbacks=told)
    create(sdk, status_callback=f"{twilio.base_url}/nowhere")
    calls = [(call["MessageStatus"], call["forged"]) for call in twilio.callbacks()]
    assert calls == [("undelivered", True), ("delivered", False)]


def test_the_double_is_gone_after_its_block():
    with running_twilio() as double:
        address = urlsplit(double.base_url)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port))


@pytest.fixture(scope="module")
def description(tmp_path_factory):
    found = published_description(tmp_path_factory.mktemp("description"))
    if found is None:
        pytest.skip("Twilio's description is out of reach: npm, or its registry")
    return found


@pytest.mark.parametrize(
    ("call", "path", "method", "status"),
    [
        ("create", "/Messages.json", "post", "201"),
        ("list", "/Messages.json", "get", "200"),
        ("fetch", "/Messages/{Sid}.json", "get", "200"),
        ("balance", "/Balance.json", "get", "200"),
    ],
)
def test_answers_are_as_twilio_describes_them(twilio, description, call, path, method, status):
    answer = ask(twilio, call)
    schema = schema_of(description, ACCOUNT_PATH + path, method, status)
    jsonschema.validate(answer, schema)
    assert set(answer) == set(described(schema)["properties"])


def described(schema):
    return schema["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def ask(twilio, call: str):
    account = f"{twilio.base_url}/2010-04-01/Accounts/{twilio.account}"
    form = {"To": PHONE, "From": "+26771000000", "Body": "Dumela"}
    with requests.Session() as session:
        session.auth = (twilio.account, twilio.token)
        made = session.post(f"{account}/Messages.json", form, timeout=10).json()
        if call == "create":
            return made
        paths = {"list": "Messages.json", "fetch": f"Messages/{made['sid']}.json", "balance": "Balance.json"}
        return session.get(f"{account}/{paths[call]}", timeout=10).json()
