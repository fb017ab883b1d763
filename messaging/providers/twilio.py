"""Twilio, both directions: texts out, look-ups, and what its status callbacks say.

Plain aiohttp for the calls, Twilio's SDK for signatures: see docs/adr/0005-how-twilio-is-called.md.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlencode, urljoin, urlsplit
from uuid import UUID

import aiohttp
from django.conf import settings
from django.core.checks import CheckMessage
from django.utils import timezone
from twilio.request_validator import RequestValidator

from messaging.models import MessageStatus
from messaging.providers import twilio_settings
from messaging.providers.base import (
    CannotTell,
    ForgedWebhook,
    Outcome,
    OutgoingText,
    Provider,
    Result,
    StatusReport,
)

CALLBACK_PATH = "/api/v1/sms/webhooks/twilio/status"
MAX_VALIDITY = 36_000  # Twilio's own limit, and its default: ten hours, into the night
LONGEST_RETRY_AFTER = timedelta(hours=1)
PAGE_SIZE, MAX_PAGES = 200, 10
# Twilio dates in whole seconds; the rest is for a clock that was set between the claim and the look-up.
TOLERANCE = timedelta(seconds=5)

OPTED_OUT = 21610
# The account is inactive, suspended or its password wrong: nothing will be taken for anyone.
ACCOUNT_CODES = frozenset({10001, 20003, 30002})
_CODES: dict[Result, set[int]] = {
    # 30004 and 30007 block the text, not the phone: the same text again would be blocked again.
    Result.PERMANENT: {21211, 21614, OPTED_OUT, 30004, 30005, 30006, 30007, 21602, 21617},
    Result.CONFIGURATION: {21408, 21606, 21612, 30018, 30042, *ACCOUNT_CODES},
    Result.TRANSIENT: {20429, 21611, 30001, 30003, 30017, 14107},
    Result.UNKNOWN: {30008},
}
RESULTS: dict[int, Result] = {code: result for result, codes in _CODES.items() for code in codes}
_BY_HTTP_STATUS = {
    401: Result.CONFIGURATION,
    403: Result.CONFIGURATION,
    404: Result.CONFIGURATION,
    # Given by what stands between, when it did not wait for the end of the request.
    408: Result.UNKNOWN,
    429: Result.TRANSIENT,
}
STATUSES: dict[str, str] = {
    **dict.fromkeys(["accepted", "scheduled", "queued", "sending", "sent"], MessageStatus.SENT),
    **dict.fromkeys(["delivered", "read"], MessageStatus.DELIVERED),
    # Half a text is none: a nurse should look.
    **dict.fromkeys(["undelivered", "partially_delivered"], MessageStatus.UNDELIVERED),
    # Cancelled at Twilio, by someone in its console: it will never leave.
    **dict.fromkeys(["failed", "canceled"], MessageStatus.FAILED),
}


class TwilioProvider(Provider):
    name = "twilio"
    can_look_up = True
    gives_receipts = True
    account_codes = Provider.account_codes | {str(code) for code in ACCOUNT_CODES}
    too_fast_codes = Provider.too_fast_codes | {"20429", "14107"}
    connect_seconds: ClassVar[float] = 5
    total_seconds: ClassVar[float] = 10

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def is_local(cls) -> bool:
        return urlsplit(settings.TWILIO_API_BASE_URL).hostname in {"localhost", "127.0.0.1", "::1"}

    async def send(self, text: OutgoingText) -> Outcome:
        try:
            async with self._open().post(_messages_url(), data=_form(text)) as response:
                body = await response.read()
        except aiohttp.ClientConnectorDNSError:
            return Outcome(Result.ROUTE, code="HOST_NOT_FOUND")
        except aiohttp.ClientSSLError:
            return Outcome(Result.ROUTE, code="TLS_FAILED")
        except aiohttp.ClientConnectorError:
            return Outcome(Result.ROUTE, code="CONNECTION_REFUSED")
        except aiohttp.ConnectionTimeoutError:
            return Outcome(Result.ROUTE, code="CONNECTION_TIMEOUT")
        except aiohttp.InvalidURL:
            return Outcome(Result.CONFIGURATION, code="BAD_URL")
        # From here on the request, or a part of it, was written.
        except TimeoutError:
            return Outcome(Result.UNKNOWN, code="READ_TIMEOUT")
        except (aiohttp.ClientError, OSError):
            return Outcome(Result.UNKNOWN, code="CONNECTION_BROKEN")
        return _outcome(response.status, response.headers, body)

    async def ask(self, provider_message_id: str) -> StatusReport:
        url = f"{_messages_url().removesuffix('.json')}/{quote(provider_message_id, safe='')}.json"
        try:
            async with self._open().get(url) as response:
                found = await response.json(content_type=None)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise CannotTell from error
        if response.status != 200 or not isinstance(found, dict) or found.get("sid") != provider_message_id:
            raise CannotTell
        try:
            return _report(found)
        except (KeyError, TypeError, ValueError) as error:
            raise CannotTell from error

    async def look_up(self, text: OutgoingText, *, since: datetime) -> list[StatusReport]:
        # What Twilio has not passed on yet may have no date of sending, and a filter on it misses that:
        # "not there" needs the list without the filter as well.
        day = (since - timedelta(days=1)).astimezone(UTC).date().isoformat()
        for filters in ({"To": text.to, "DateSent>": day}, {"To": text.to}):
            found = await self._find(filters, text, since)
            if found:
                return found
        return []

    async def _find(self, filters: dict[str, str], text: OutgoingText, since: datetime) -> list[StatusReport]:
        found = []
        url: str | None = f"{_messages_url()}?{urlencode({**filters, 'PageSize': str(PAGE_SIZE)})}"
        for _page in range(MAX_PAGES):
            page, ahead = await self._get(url)
            found += [message for message in page["messages"] if _fits(message, text, since + ahead)]
            url = page.get("next_page_uri")
            if not url:
                return sorted((_report(message) for message in found), key=lambda r: r.at or since)
            url = urljoin(settings.TWILIO_API_BASE_URL, url)
        raise CannotTell

    async def _get(self, url: str | None) -> tuple[dict[str, Any], timedelta]:
        """A page of the list, and how far Twilio's clock is ahead of ours."""
        try:
            async with self._open().get(str(url)) as response:
                page = await response.json(content_type=None)
                date = response.headers.get("Date")
            ahead = parsedate_to_datetime(date) - timezone.now() if date else timedelta()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise CannotTell from error
        if response.status != 200 or not isinstance(page, dict) or not isinstance(page.get("messages"), list):
            raise CannotTell
        return page, ahead

    def _open(self) -> aiohttp.ClientSession:
        """One pool of connections for the batch."""
        if self._session is None:
            account, token = settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self.in_flight),
                headers={"Authorization": aiohttp.encode_basic_auth(account, token)},
                timeout=aiohttp.ClientTimeout(total=self.total_seconds, connect=self.connect_seconds),
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    @classmethod
    def check_signature(cls, path: str, params: Mapping[str, Any], signature: str) -> None:
        """Raises ForgedWebhook unless Twilio signed this call; `path` includes the query string.

        What is signed is the public address: behind a proxy Django sees another scheme and host.
        """
        token = settings.TWILIO_AUTH_TOKEN
        # An empty token would be a key that everyone has.
        if not (token and settings.PUBLIC_BASE_URL and signature):
            raise ForgedWebhook
        if not RequestValidator(token).validate(_public(path), params, signature):
            raise ForgedWebhook

    @classmethod
    def parse_status(cls, params: Mapping[str, str], message_id: UUID | None = None) -> StatusReport:
        """What a status callback says; CannotTell where it is about no message or no status of ours."""
        status = STATUSES.get(params.get("MessageStatus") or params.get("SmsStatus") or "")
        sid = params.get("MessageSid") or params.get("SmsSid") or ""
        if status is None or not sid:
            raise CannotTell
        code = (params.get("ErrorCode") or "")[:10]
        return StatusReport(
            sid,
            status,
            code="" if code == "0" else code,
            message=without_numbers(params.get("ErrorMessage") or ""),
            permanent=_permanent(code),
            message_id=message_id,
        )

    @classmethod
    def checks(cls) -> list[CheckMessage]:
        return twilio_settings.problems()


def without_numbers(words: str) -> str:
    """Twilio quotes the patient's phone in its messages."""
    return re.sub(r"\+?\d[\d\s().-]{2,}\d", "•••", words)


def _messages_url() -> str:
    base = settings.TWILIO_API_BASE_URL.rstrip("/")
    return f"{base}/2010-04-01/Accounts/{settings.TWILIO_ACCOUNT_SID}/Messages.json"


def _public(path: str) -> str:
    return settings.PUBLIC_BASE_URL.rstrip("/") + path


def _form(text: OutgoingText) -> dict[str, str]:
    validity = min(max(int(text.valid_for.total_seconds()), 1), MAX_VALIDITY)
    form = {"To": text.to, "Body": text.body, "ValidityPeriod": str(validity)}
    if settings.TWILIO_MESSAGING_SERVICE_SID:
        form["MessagingServiceSid"] = settings.TWILIO_MESSAGING_SERVICE_SID
    else:
        form["From"] = settings.TWILIO_FROM
    if settings.PUBLIC_BASE_URL:
        # Our own id comes back with each receipt: one finds its message even if Twilio's answer was lost.
        form["StatusCallback"] = _public(f"{CALLBACK_PATH}?{urlencode({'message': text.message_id})}")
    return form


def _outcome(status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    answer = _read(body)
    if 200 <= status < 300:
        sid = answer.get("sid")
        if isinstance(sid, str) and sid:
            return Outcome(Result.ACCEPTED, provider_message_id=sid)
        return Outcome(Result.UNKNOWN, code="UNREADABLE_ANSWER")
    if not 400 <= status < 500:
        return Outcome(Result.UNKNOWN, code=f"HTTP_{status}")
    code = answer.get("code")
    known = code if isinstance(code, int) and not isinstance(code, bool) else None
    # A refusal that Twilio's list above does not name: another provider may take the text.
    otherwise = _BY_HTTP_STATUS.get(status, Result.ROUTE)
    return Outcome(
        otherwise if known is None else RESULTS.get(known, otherwise),
        code=f"HTTP_{status}" if known is None else str(known),
        message=without_numbers(str(answer.get("message") or "")),
        retry_after=_retry_after(headers.get("Retry-After", "")),
        opted_out=known == OPTED_OUT,
    )


def _read(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _retry_after(text: str) -> timedelta | None:
    """In seconds or as a date."""
    if text.strip().isdecimal():
        return min(timedelta(seconds=min(int(text), 86_400)), LONGEST_RETRY_AFTER)
    try:
        wait = parsedate_to_datetime(text) - timezone.now()
    except (ValueError, TypeError):
        return None
    return min(max(wait, timedelta()), LONGEST_RETRY_AFTER)


def _fits(message: Any, text: OutgoingText, since: datetime) -> bool:
    """Whether a listed message is that text, taken after `since` (by Twilio's clock)."""
    try:
        created = parsedate_to_datetime(message["date_created"])
        listed, outbound = message["body"], message["direction"].startswith("outbound")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CannotTell from error
    if not outbound or created < since - TOLERANCE:
        return False
    if not listed:
        # Redacted in Twilio's records: it may be this one.
        raise CannotTell
    # A trial account puts its own words before the text.
    return listed.strip().endswith(text.body.strip())


def _report(message: dict[str, Any]) -> StatusReport:
    code = str(message.get("error_code") or "")
    at = message.get("date_sent") or message["date_created"]
    sid, status = message.get("sid"), STATUSES.get(message.get("status", ""))
    if not sid or status is None:
        raise CannotTell
    return StatusReport(
        sid,
        status,
        at=parsedate_to_datetime(at),
        code=code,
        message=without_numbers(message.get("error_message") or ""),
        permanent=_permanent(code),
    )


def _permanent(code: str) -> bool:
    return code.isdecimal() and RESULTS.get(int(code)) is Result.PERMANENT
