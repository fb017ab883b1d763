from datetime import timedelta

import pytest

from common.clock import Clock
from messaging.dispatch import dispatch
from messaging.models import Alarm, BadNumber
from messaging.providers.base import StatusReport
from messaging.receipts import take, take_all
from tests.clock import NOW
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import BadNumberFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clinic():
    return ClinicFactory(code="MAIN", quiet_from=None, quiet_to=None)


@pytest.fixture
def queued(clinic):
    return MessageFactory.create_batch(3, clinic=clinic)


def sent(clinic, number="SM1", **fields):
    given = {"status": "sent", "sent_at": NOW, "provider": "twilio", "provider_message_id": number}
    return MessageFactory(**{"clinic": clinic, "created_at": NOW, **given, **fields})


def told(number, status, code="", at=None):
    return "twilio", StatusReport(number, status, code=code, at=at)


def alarms():
    return set(Alarm.objects.filter(closed_at__isnull=True).values_list("kind", "subject"))


def answer_with(twilio, code, **more):
    twilio.behave(rules=[{"do": "error", "code": code, **more}])


def test_a_sender_that_may_not_send_is_one_alarm_for_all_its_texts(twilio, queued):
    answer_with(twilio, 21606)
    dispatch(clock=Clock())
    assert alarms() == {("set_up_wrong", "twilio 21606")}


def test_a_missing_registration_that_a_receipt_tells_of_is_an_alarm(clinic):
    sent(clinic)
    take_all([told("SM1", "undelivered", "30018")], now=NOW)
    assert alarms() == {("set_up_wrong", "twilio 30018")}


def test_an_account_that_is_closed_is_an_alarm_at_once(twilio, queued):
    answer_with(twilio, 20003)
    dispatch(clock=Clock())
    assert alarms() == {("account_closed", "twilio")}


def test_texts_that_the_network_filters_are_an_alarm_of_their_clinic_and_template(clinic):
    sent(clinic)
    take_all([told("SM1", "undelivered", "30007")], now=NOW)
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.subject, alarm.clinic_id) == ("filtered", "MAIN reminder", clinic.pk)


def test_a_phone_that_was_off_is_no_alarm(clinic):
    sent(clinic)
    take_all([told("SM1", "undelivered", "30003")], now=NOW)
    assert alarms() == set()


@pytest.mark.parametrize("code", [21211, 21614])
def test_a_number_that_the_provider_refuses_is_flagged(twilio, queued, code):
    bad = queued[1].to
    answer_with(twilio, code, to=[bad])
    dispatch(clock=Clock())
    flag = BadNumber.objects.get()
    assert (flag.phone, flag.provider, flag.code) == (bad, "twilio", str(code))


@pytest.mark.parametrize("code", ["30005", "30006"])
def test_a_number_that_a_receipt_tells_of_is_flagged(clinic, code):
    message = sent(clinic)
    take_all([told("SM1", "undelivered", code)], now=NOW)
    assert BadNumber.objects.get().phone == message.to


@pytest.mark.parametrize("code", ["21610", "30003", "30007", "30008"])
def test_what_says_nothing_of_the_number_flags_none(clinic, code):
    sent(clinic)
    take_all([told("SM1", "undelivered", code)], now=NOW)
    assert not BadNumber.objects.exists()


def test_a_number_is_flagged_once_however_often_it_fails(clinic):
    phone = sent(clinic, "SM1").to
    sent(clinic, "SM2", to=phone)
    take(told("SM1", "undelivered", "30005")[1], provider="twilio", now=NOW)
    take(told("SM2", "undelivered", "30006")[1], provider="twilio", now=NOW + timedelta(days=1))
    flag = BadNumber.objects.get()
    assert (flag.code, flag.since) == ("30005", NOW)


def test_a_text_that_gets_through_takes_the_flag_off_that_phone_alone(clinic):
    message, other = sent(clinic), BadNumberFactory()
    BadNumberFactory(phone=message.to)
    take_all([told("SM1", "delivered")], now=NOW)
    assert list(BadNumber.objects.all()) == [other]


def test_an_old_failure_told_late_does_not_flag_a_number_that_has_got_a_text_since(clinic):
    old = sent(clinic, "SM1", sent_at=NOW - timedelta(hours=5))
    sent(clinic, "SM2", to=old.to, status="delivered", delivered_at=NOW)
    take_all([told("SM1", "undelivered", "30005")], now=NOW)
    assert not BadNumber.objects.exists()


def test_an_invalid_number_of_the_phone_gateway_is_flagged(clinic):
    message = sent(clinic, provider="smsgate")
    take_all([("smsgate", StatusReport("SM1", "failed", code="INVALID_NUMBER", permanent=True))], now=NOW)
    assert BadNumber.objects.get().phone == message.to
