"""Twilio, both directions: texts out, look-ups, and what its calls say.

Plain aiohttp for the calls, Twilio's SDK for signatures: see docs/adr/0005-how-twilio-is-called.md.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlencode, urljoin
from uuid import UUID

import aiohttp
from django.conf import settings
from django.core.checks import CheckMessage
from django.core.exceptions import TooManyFieldsSent
from django.http import QueryDict
from django.utils import timezone
from twilio.request_validator import RequestValidator

from messaging.models import MessageStatus
from messaging.providers import twilio_settings
from messaging.providers.base import (
    Balance,
    CannotTell,
    ForgedWebhook,
    InboundText,
    Outcome,
    OutgoingText,
    Provider,
    Result,
    StatusReport,
    WebhookCall,
)
from messaging.providers.calls import (
    Answer,
    balance_of,
    get,
    is_on_this_machine,
    post_form,
    retry_after,
    storable,
    without_numbers,
)

CALLBACK_PATH = "/api/v1/sms/webhooks/twilio/status"
INBOUND = "inbound"
MAX_VALIDITY = 36_000  # Twilio's own limit, and its default: ten hours, into the night
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
    number_codes = frozenset({"21211", "21614", "30005", "30006"})
    text_codes = frozenset({"30004", "30007"})
    connect_seconds: ClassVar[float] = 5
    total_seconds: ClassVar[float] = 10

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def is_local(cls) -> bool:
        return is_on_this_machine(settings.TWILIO_API_BASE_URL)

    async def send(self, text: OutgoingText) -> Outcome:
        answer = await post_form(self._open(), _messages_url(), _form(text))
        return answer if isinstance(answer, Outcome) else _outcome(answer)

    async def ask(self, provider_message_id: str) -> StatusReport:
        url = f"{_messages_url().removesuffix('.json')}/{quote(provider_message_id, safe='')}.json"
        answer = await get(self._open(), url)
        found = answer.fields()
        if answer.status != 200 or found.get("sid") != provider_message_id:
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
        answer = await get(self._open(), str(url))
        page, date = answer.fields(), answer.headers.get("Date")
        if answer.status != 200 or not isinstance(page.get("messages"), list):
            raise CannotTell
        try:
            return page, parsedate_to_datetime(date) - timezone.now() if date else timedelta()
        except ValueError as error:
            raise CannotTell from error

    async def balance(self) -> Balance:
        return balance_of(await get(self._open(), _account_url("Balance.json")))

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
    def result_of(cls, code: str) -> Result:
        return RESULTS.get(int(code), Result.UNKNOWN) if code.isdecimal() else Result.UNKNOWN

    @classmethod
    def read_webhook(cls, kind: str, call: WebhookCall) -> list[StatusReport | InboundText]:
        """`status` of a text that was sent, or an `inbound` one."""
        params = _signed(call)
        return [_inbound(params) if kind == INBOUND else _status(params, call.query.get("message", ""))]

    @classmethod
    def webhook_answer(cls, kind: str) -> tuple[str, bytes]:
        # Twilio does what the answer to an inbound text says: nothing.
        return ("text/xml", b"<Response/>") if kind == INBOUND else ("", b"")

    @classmethod
    def checks(cls) -> list[CheckMessage]:
        return twilio_settings.problems()


def _messages_url() -> str:
    return _account_url("Messages.json")


def _account_url(what: str) -> str:
    base = settings.TWILIO_API_BASE_URL.rstrip("/")
    return f"{base}/2010-04-01/Accounts/{settings.TWILIO_ACCOUNT_SID}/{what}"


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


def _outcome(answer: Answer) -> Outcome:
    said, status = answer.fields(), answer.status
    if 200 <= status < 300:
        sid = said.get("sid")
        if isinstance(sid, str) and sid:
            return Outcome(Result.ACCEPTED, provider_message_id=sid)
        return Outcome(Result.UNKNOWN, code="UNREADABLE_ANSWER")
    if not 400 <= status < 500:
        return Outcome(Result.UNKNOWN, code=f"HTTP_{status}")
    code = said.get("code")
    known = code if isinstance(code, int) and not isinstance(code, bool) else None
    # A refusal that Twilio's list above does not name: another provider may take the text.
    otherwise = _BY_HTTP_STATUS.get(status, Result.ROUTE)
    return Outcome(
        otherwise if known is None else RESULTS.get(known, otherwise),
        code=f"HTTP_{status}" if known is None else str(known),
        message=without_numbers(str(said.get("message") or "")),
        retry_after=retry_after(answer.headers.get("Retry-After", "")),
        opted_out=known == OPTED_OUT,
    )


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
    return TwilioProvider.result_of(code) is Result.PERMANENT


def _signed(call: WebhookCall) -> dict[str, str]:
    """The call's parameters. Raises ForgedWebhook unless Twilio signed it.

    What is signed is the public address: behind a proxy Django sees another scheme and host.
    """
    token, signature = settings.TWILIO_AUTH_TOKEN, call.header("X-Twilio-Signature")
    # An empty token would be a key that everyone has.
    if not (token and settings.PUBLIC_BASE_URL and signature):
        raise ForgedWebhook
    try:
        params = QueryDict(call.body, encoding="utf-8")
    except TooManyFieldsSent as error:
        raise ForgedWebhook from error
    if not RequestValidator(token).validate(_public(call.path), params, signature):
        raise ForgedWebhook
    return {name: storable(str(value)) for name, value in params.dict().items()}


def _status(params: Mapping[str, str], own_number: str) -> StatusReport:
    status = STATUSES.get(params.get("MessageStatus") or params.get("SmsStatus") or "")
    sid = params.get("MessageSid") or params.get("SmsSid") or ""
    if status is None or not sid:
        raise CannotTell
    code = (params.get("ErrorCode") or "")[:10]
    try:
        message_id = UUID(own_number)
    except ValueError:
        message_id = None
    return StatusReport(
        sid,
        status,
        code="" if code == "0" else code,
        message=without_numbers(params.get("ErrorMessage") or ""),
        permanent=_permanent(code),
        message_id=message_id,
    )


def _inbound(params: Mapping[str, str]) -> InboundText:
    sid, sender = params.get("MessageSid") or params.get("SmsSid") or "", params.get("From", "")
    if not (sid and sender):
        raise CannotTell
    return InboundText(sid, sender, params.get("Body", ""))
