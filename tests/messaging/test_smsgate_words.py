"""What the phone's words for a failure mean for another try."""

from uuid import uuid4

import pytest

from messaging.providers.base import Result
from messaging.providers.smsgate import SmsgateProvider
from messaging.providers.smsgate_words import code_of, failure, moment

ANDROID = "Send result: RESULT_ERROR_NO_SERVICE (Failed because service is currently unavailable)"


@pytest.mark.parametrize(
    ("reason", "code", "result"),
    [
        (ANDROID, "NO_SERVICE", Result.ROUTE),
        ("Send result: RESULT_ERROR_GENERIC_FAILURE (Generic)", "GENERIC_FAILURE", Result.ROUTE),
        ("Send result: RESULT_ERROR_RADIO_OFF", "RADIO_OFF", Result.ROUTE),
        ("TTL expired", "TTL_EXPIRED", Result.ROUTE),
        ("Send result: RESULT_ERROR_LIMIT_EXCEEDED (x)", "LIMIT_EXCEEDED", Result.TRANSIENT),
        ("Send result: RESULT_RIL_NETWORK_ERR (x)", "NETWORK_ERR", Result.TRANSIENT),
        ("Send result: RESULT_RIL_SIM_ABSENT (x)", "SIM_ABSENT", Result.CONFIGURATION),
        ("Can't send message: No SIMs found", "NO_SIM", Result.CONFIGURATION),
        ("SIM selection requires READ_PHONE_STATE permission", "NO_PERMISSION", Result.CONFIGURATION),
        ("sendSMS: Invalid phone number", "INVALID_NUMBER", Result.PERMANENT),
        ("Delivery result from SC +26771000000: 65", "DELIVERY_65", Result.PERMANENT),
        ("Delivery result from SC +26771000000: 70", "DELIVERY_70", Result.TRANSIENT),
        ("Delivery result: 1", "DELIVERY_1", Result.TRANSIENT),
        ("Cancelled", "CANCELLED", Result.UNKNOWN),
        ("Send result: Unknown error code: 999", "FAILED", Result.UNKNOWN),
        ("", "FAILED", Result.UNKNOWN),
    ],
)
def test_a_reason_has_a_code_and_the_code_a_meaning(reason, code, result):
    assert (code_of(reason), SmsgateProvider.result_of(code)) == (code, result)


def test_a_code_fits_where_it_is_kept():
    assert len(code_of("RESULT_RIL_SIMULTANEOUS_SMS_AND_CALL_NOT_ALLOWED")) <= 40


@pytest.mark.parametrize(("reason", "permanent"), [("sendSMS: Invalid phone number", True), (ANDROID, False)])
def test_only_a_number_that_is_none_makes_a_failure_permanent(reason, permanent):
    assert failure("n", reason, at=None, message_id=uuid4()).permanent is permanent


def test_a_long_reason_with_a_patients_number_is_kept_short_and_without_it():
    told = failure("n", "Sending to +267 71 234 567 failed: " + "x" * 999, at=None, message_id=uuid4())
    assert told.message.startswith("Sending to ••• failed")
    assert len(told.message) <= 300


@pytest.mark.parametrize(
    "text", ["", None, 5, "soon", "2026-13-45T00:00:00Z", "2026-01-01T00:00:00", "2999-01-01T00:00:00Z"]
)
def test_a_time_that_can_not_be_is_no_time(text):
    assert moment(text) is None


def test_the_phones_time_is_read_with_its_offset():
    found = moment("2026-01-01T09:30:00.000+02:00")
    assert found is not None
    assert found.isoformat() == "2026-01-01T09:30:00+02:00"
