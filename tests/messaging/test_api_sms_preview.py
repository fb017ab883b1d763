from decimal import Decimal

import pytest

from messaging.models import Message
from tests.factories.accounts import AdminFactory, ClinicFactory, ViewerFactory
from tests.factories.messaging import MessageTemplateFactory

pytestmark = pytest.mark.django_db
PREVIEW = "/api/v1/sms/preview"


@pytest.fixture
def clinic():
    return ClinicFactory(name="Bontleng Clinic", default_language="tn")


def preview(caller, **body):
    answer = caller.post(PREVIEW, body, format="json")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_template_is_shown_in_each_language_and_first_in_the_clinics(caller):
    shown = preview(caller, template="reminder")
    assert set(shown["languages"]) == {"en", "tn"}
    assert "Hello Kabo Molefe, please come to Bontleng Clinic" in shown["languages"]["en"]["text"]
    assert (shown["language"], shown["text"]) == ("tn", shown["languages"]["tn"]["text"])
    assert (shown["encoding"], shown["segments"]) == ("GSM-7", 1)


def test_a_clinics_own_template_is_shown(caller, clinic):
    MessageTemplateFactory(clinic=clinic, language="en", body="Own text for {name}")
    shown = preview(caller, template="reminder", language="en", context={"name": "Neo"})
    assert shown["text"] == "Own text for Neo"
    assert set(shown["languages"]) == {"en"}


def test_who_has_several_clinics_may_leave_them_open(api, clinic):
    ClinicFactory()
    assert preview(api(AdminFactory()), template="reminder")["language"] == "en"
    assert preview(api(AdminFactory()), template="reminder", clinic_id=str(clinic.pk))["language"] == "tn"


def test_characters_that_cost_are_named(caller):
    shown = preview(caller, body="[ok] 😀")
    assert (shown["encoding"], shown["costly"], shown["double"]) == ("UCS-2", ["😀"], ["😀"])
    shown = preview(caller, body="[ok] š")
    assert (shown["encoding"], shown["double"]) == ("GSM-7", ["[", "]"])
    assert shown["replaced"] == [{"character": "š", "sent_as": "s"}]


def test_diacritics_are_kept_where_asked(caller):
    assert preview(caller, body="š", keep_diacritics=True)["encoding"] == "UCS-2"


def test_characters_that_cannot_be_sent_are_named(caller):
    shown = preview(caller, body="bell \x07")
    assert shown["unsendable"] == ["U+0007"]
    assert shown["problems"]


def test_a_text_that_is_too_long_says_so(caller):
    shown = preview(caller, body="a" * 1601)
    assert shown["segments"] == 11
    assert shown["problems"]


def test_words_that_tell_too_much_are_warned_of(caller):
    [warning] = preview(caller, body="Your TB result is here")["warnings"]
    assert (warning["code"], warning["words"]) == ("TELLING_WORD", ["TB"])


def test_a_body_with_placeholders_is_filled_in(caller):
    assert preview(caller, body="Hello {name}")["text"] == "Hello Kabo Molefe"


def test_prices_are_told_where_they_are_known(caller, settings):
    settings.SMS_PRICE_PER_PART = {"twilio": (Decimal("0.05"), "USD")}
    assert preview(caller, body="a" * 161)["prices"] == [
        {"provider": "twilio", "amount": "0.10", "currency": "USD"}
    ]


def test_a_viewer_may_look_and_nothing_is_sent(api, clinic):
    assert preview(api(ViewerFactory(clinics=[clinic])), body="Hello")["text"] == "Hello"
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "body"),
        ({"body": "a", "template": "reminder"}, "body"),
        ({"body": "{name} {nmae}"}, "body"),
        ({"body": ""}, "body"),
        ({"body": {}}, "body"),
        ({"template": "nonsense"}, "template"),
        ({"template": "reminder", "context": {"age": "1"}}, "context.age"),
        ({"template": "reminder", "context": "Kabo"}, "context"),
        ({"body": "a", "language": []}, "language"),
        ({"body": "a", "clinic_id": 1.5}, "clinic_id"),
        ({"body": "a", "to": "+26771234567"}, "to"),
    ],
)
def test_what_cannot_be_read_is_refused(caller, given, field):
    answer = caller.post(PREVIEW, given, format="json")
    assert answer.status_code == 400
    assert field in answer.json()["error"]["details"]


def test_another_clinics_texts_are_not_shown(caller):
    answer = caller.post(
        PREVIEW, {"template": "reminder", "clinic_id": str(ClinicFactory().pk)}, format="json"
    )
    assert "clinic_id" in answer.json()["error"]["details"]
