"""What the phone's words for a failure mean. They are Android's, the network's or the app's own."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from messaging.models import MessageStatus
from messaging.providers.base import Result, StatusReport
from messaging.providers.calls import storable, without_numbers

INVALID_NUMBER = "INVALID_NUMBER"
DELIVERY = "DELIVERY_"
LONGEST_CODE, LONGEST_WORDS = 40, 300

_ANDROID = re.compile(r"\bRESULT_(?:ERROR_|RIL_)?([A-Z_]+)")
_NETWORK = re.compile(r"^Delivery result\b.*?(\d{1,3})$")
_OTHERS = [
    (re.compile(r"TTL expired", re.IGNORECASE), "TTL_EXPIRED"),
    (re.compile(r"cancelled|canceled", re.IGNORECASE), "CANCELLED"),
    (re.compile(r"no sims? found|sim \d+ not found", re.IGNORECASE), "NO_SIM"),
    (re.compile(r"permission", re.IGNORECASE), "NO_PERMISSION"),
    (re.compile(r"invalid phone number|not seem to be a phone number", re.IGNORECASE), INVALID_NUMBER),
]
# 65, 67 and 69 are the network's "incompatible", "not obtainable", "no interworking".
NUMBER_CODES = frozenset({INVALID_NUMBER, "DELIVERY_65", "DELIVERY_67", "DELIVERY_69"})
_CODES: dict[Result, set[str]] = {
    Result.PERMANENT: set(NUMBER_CODES),
    # The text or the route does not go from this phone. A generic failure is mostly a SIM without airtime.
    Result.ROUTE: {
        *("GENERIC_FAILURE", "GENERIC_ERROR", "NO_SERVICE", "RADIO_OFF", "RADIO_NOT_AVAILABLE"),
        *("NETWORK_REJECT", "ACCESS_BARRED", "INVALID_SMS_FORMAT", "ENCODING_ERROR", "ENCODING_ERR"),
        "TTL_EXPIRED",
    },
    Result.CONFIGURATION: {
        *("NO_SIM", "SIM_ABSENT", "NO_PERMISSION", "NO_DEFAULT_SMS_APP", "OPERATION_NOT_ALLOWED"),
        *("FDN_CHECK_FAILURE", "SHORT_CODE_NOT_ALLOWED", "SHORT_CODE_NEVER_ALLOWED"),
        *("INVALID_SMSC_ADDRESS", "UNEXPECTED_EVENT_STOP_SENDING"),
    },
    Result.TRANSIENT: {
        *("LIMIT_EXCEEDED", "REQUEST_RATE_LIMITED", "NO_MEMORY", "NO_RESOURCES"),
        *("NETWORK_ERROR", "NETWORK_ERR", "NETWORK_NOT_READY", "BLOCKED_DUE_TO_CALL"),
        *("SMS_SEND_RETRY_FAILED", "SMS_SEND_FAIL_RETRY", "SMS_BLOCKED_DURING_EMERGENCY"),
        *("MODEM_ERROR", "MODEM_ERR", "SYSTEM_ERROR", "SYSTEM_ERR", "INTERNAL_ERROR", "INTERNAL_ERR"),
    },
}
RESULTS: dict[str, Result] = {code: result for result, codes in _CODES.items() for code in codes}


def code_of(reason: str) -> str:
    """Android's name without its prefix, the network's number as DELIVERY_n, or a word of ours."""
    reason = reason.strip()
    if found := _ANDROID.search(reason):
        return found[1][:LONGEST_CODE]
    if found := _NETWORK.match(reason):
        return DELIVERY + found[1]
    return next((code for pattern, code in _OTHERS if pattern.search(reason)), "FAILED")


def result_of(code: str) -> Result:
    """The phone was off or out of reach for too long where the network gives any other number."""
    return RESULTS.get(code, Result.TRANSIENT if code.startswith(DELIVERY) else Result.UNKNOWN)


def failure(number: str, reason: str, *, at: datetime | None, message_id: UUID) -> StatusReport:
    """Of a text that the phone could not send, or that did not arrive."""
    code = code_of(reason)
    left = code.startswith(DELIVERY)
    return StatusReport(
        number,
        MessageStatus.UNDELIVERED if left else MessageStatus.FAILED,
        at=at,
        code=code,
        message=without_numbers(storable(reason))[:LONGEST_WORDS],
        permanent=result_of(code) is Result.PERMANENT,
        message_id=message_id,
    )


def moment(text: Any) -> datetime | None:
    """By the phone's clock; None where it says none, or one that has not come yet."""
    try:
        found = parse_datetime(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if found is None or timezone.is_naive(found) or found > timezone.now():
        return None
    return found
