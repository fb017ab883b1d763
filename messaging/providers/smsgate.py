"""SMS Gateway for Android (SMSGate): a phone with a local SIM, both directions.

A text's number at the phone is our own number of the message, so handing the same text over again is safe:
the phone answers 409 to a number that it has. That holds for every later try of one message, whatever came
of the try before. What the phone has taken and then failed to send ends the message here; a new try of that
is another message, with a number of its own. See docs/adr/0010-a-phone-as-a-provider.md.
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import aiohttp
from django.conf import settings
from django.core.checks import CheckMessage

from messaging.models import MessageStatus
from messaging.providers import smsgate_settings, smsgate_webhooks
from messaging.providers.base import (
    CannotTell,
    InboundText,
    Outcome,
    OutgoingText,
    Provider,
    Result,
    StatusReport,
    WebhookCall,
)
from messaging.providers.calls import Answer, get, is_on_this_machine, post, retry_after, without_numbers
from messaging.providers.smsgate_words import (
    INVALID_NUMBER,
    NUMBER_CODES,
    code_of,
    failure,
    moment,
    result_of,
)

SHORTEST_LIFE = 5  # seconds; the phone takes no less
STATES: dict[str, str] = {
    # Taken, and waiting in the phone's queue: it will leave without us.
    **dict.fromkeys(["Pending", "Processed", "Cancelling", "Sent"], MessageStatus.SENT),
    "Delivered": MessageStatus.DELIVERED,
}
_BY_HTTP_STATUS = {
    401: Result.CONFIGURATION,
    403: Result.CONFIGURATION,
    404: Result.CONFIGURATION,
    408: Result.UNKNOWN,
    429: Result.TRANSIENT,
}


class SmsgateProvider(Provider):
    name = "smsgate"
    can_look_up = True
    gives_receipts = True
    takes_once = True
    # A phone's small web server; it sends one text after another in any case.
    in_flight = 4
    number_codes = NUMBER_CODES
    connect_seconds: ClassVar[float] = 5
    total_seconds: ClassVar[float] = 10

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def is_local(cls) -> bool:
        return is_on_this_machine(settings.SMSGATE_BASE_URL)

    async def send(self, text: OutgoingText) -> Outcome:
        # The number was checked here already; the phone's own list of numbers may be years old.
        url = address("messages?skipPhoneValidation=true")
        answer = await post(self._open(), url, json=_message(text))
        return answer if isinstance(answer, Outcome) else _outcome(answer, str(text.message_id))

    async def look_up(self, text: OutgoingText, *, since: datetime) -> list[StatusReport]:  # noqa: ARG002
        found = await self._find(text.message_id)
        return [] if found is None else [found]

    async def ask(self, provider_message_id: str) -> StatusReport:
        try:
            found = await self._find(UUID(provider_message_id))
        except ValueError as error:
            raise CannotTell from error
        if found is None:
            raise CannotTell
        return found

    async def _find(self, message_id: UUID) -> StatusReport | None:
        answer = await get(self._open(), address(f"messages/{message_id}"))
        said = answer.fields()
        # The phone says so in JSON or with an empty body; a page of "not found" is something else's.
        if answer.status == 404 and (said or not answer.body.strip()):
            return None
        if answer.status != 200 or said.get("id") != str(message_id):
            raise CannotTell
        return _report(said, message_id)

    def _open(self) -> aiohttp.ClientSession:
        """One pool of connections for the batch."""
        if self._session is None:
            self._session = session(
                limit=self.in_flight, total=self.total_seconds, connect=self.connect_seconds
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    @classmethod
    def result_of(cls, code: str) -> Result:
        return result_of(code)

    @classmethod
    def read_webhook(cls, kind: str, call: WebhookCall) -> list[StatusReport | InboundText]:  # noqa: ARG003
        """One address for all events; those of texts are told, others (`system:ping`) are nothing."""
        smsgate_webhooks.check_signature(call)
        return smsgate_webhooks.read(call.body)

    @classmethod
    def checks(cls) -> list[CheckMessage]:
        return smsgate_settings.problems()


def address(path: str) -> str:
    return f"{settings.SMSGATE_BASE_URL.rstrip('/')}/{path}"


def session(*, limit: int, total: float, connect: float) -> aiohttp.ClientSession:
    """Connections to the phone, signed in; times in seconds."""
    username, password = settings.SMSGATE_USERNAME, settings.SMSGATE_PASSWORD
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=limit),
        headers={"Authorization": aiohttp.encode_basic_auth(username, password)},
        timeout=aiohttp.ClientTimeout(total=total, connect=connect),
    )


def _message(text: OutgoingText) -> dict[str, Any]:
    return {
        "id": str(text.message_id),
        "textMessage": {"text": text.body},
        "phoneNumbers": [text.to],
        # Seconds, not a time of day: the phone's clock may be wrong.
        "ttl": max(int(text.valid_for.total_seconds()), SHORTEST_LIFE),
        "withDeliveryReport": True,
        "priority": 0,
    }


def _outcome(answer: Answer, number: str) -> Outcome:
    status, said = answer.status, answer.fields()
    words = said.get("message")
    message = without_numbers(words)[:300] if isinstance(words, str) else ""
    if status == 409:
        # It has this text from an earlier try whose answer was lost.
        return Outcome(Result.ACCEPTED, provider_message_id=number)
    if 200 <= status < 300:
        if said.get("id") == number:
            return Outcome(Result.ACCEPTED, provider_message_id=number)
        return Outcome(Result.UNKNOWN, code="UNREADABLE_ANSWER")
    if status == 400 and isinstance(words, str) and code_of(words) == INVALID_NUMBER:
        return Outcome(Result.PERMANENT, code=INVALID_NUMBER, message=message)
    if status == 503 and message:
        # In the gateway's own words its queue is full. A proxy's 503 may come after the text was passed on.
        result = Result.TRANSIENT
    elif 400 <= status < 500:
        result = _BY_HTTP_STATUS.get(status, Result.ROUTE)
    else:
        result = Result.UNKNOWN
    wait = retry_after(answer.headers.get("Retry-After", ""))
    return Outcome(result, code=f"HTTP_{status}", message=message, retry_after=wait)


def _report(said: dict[str, Any], message_id: UUID) -> StatusReport:
    state, number = said.get("state"), str(message_id)
    states = said.get("states")
    at = moment(states.get(state)) if isinstance(states, dict) else None
    if state in ("Failed", "Cancelled"):
        return failure(number, _reason(said) or str(state), at=at, message_id=message_id)
    status = STATES.get(state) if isinstance(state, str) else None
    if status is None:
        raise CannotTell
    return StatusReport(number, status, at=at, message_id=message_id)


def _reason(said: dict[str, Any]) -> str:
    recipients = said.get("recipients")
    first = recipients[0] if isinstance(recipients, list) and recipients else None
    error = first.get("error") if isinstance(first, dict) else None
    return error if isinstance(error, str) else ""
