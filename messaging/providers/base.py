"""What every provider is: one class that sends, and says in the same few words what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import ClassVar
from uuid import UUID

from django.core.checks import CheckMessage


class Result(Enum):
    """What a provider's answer means for the message."""

    ACCEPTED = "accepted"
    PERMANENT = "permanent"  # never to this number, by nobody
    TRANSIENT = "transient"  # not taken now: later again
    ROUTE = "route"  # not by this provider to this number: another may
    CONFIGURATION = "configuration"  # the account is set up wrong: another provider may
    UNKNOWN = "unknown"  # it may have been taken: ask before anything is sent again


# What our own client says when no request reached the provider.
UNREACHABLE = frozenset(
    {"HOST_NOT_FOUND", "TLS_FAILED", "CONNECTION_REFUSED", "CONNECTION_TIMEOUT", "BAD_URL", "NO_PROVIDER"}
)


# What our own worker says of a text that it did not begin to send.
NOT_STARTED = "NOT_STARTED"


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """All that a provider is told."""

    message_id: UUID
    to: str  # E.164; a mail's address
    body: str
    valid_for: timedelta  # of no use after that
    # Of a mail alone.
    subject: str = ""
    html: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    result: Result
    provider_message_id: str = ""
    code: str = ""
    message: str = ""  # the provider's words; never a name or a phone
    retry_after: timedelta | None = None
    opted_out: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What a provider says became of one message, by a receipt or when asked."""

    provider_message_id: str
    status: str  # a MessageStatus: sent, delivered, undelivered or failed
    at: datetime | None = None  # by the provider's clock, if it says
    code: str = ""
    message: str = ""
    permanent: bool = False
    # Our own number of the message, where the provider gives it back.
    message_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class InboundText:
    """A text that a phone sent to the clinic's number."""

    provider_message_id: str
    sender: str  # as the provider writes it
    body: str
    at: datetime | None = None  # by the provider's clock, if it says


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """A call that claims to be the provider's, as it came."""

    path: str  # with the query string; without what a proxy puts before it
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in any case
    body: bytes

    def header(self, name: str) -> str:
        """Empty where it is missing."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


@dataclass(frozen=True, slots=True)
class Balance:
    """The money that is left with a provider."""

    amount: Decimal
    currency: str  # ISO 4217


class CannotTell(Exception):
    """The provider could not be asked, or did not answer the question."""


class ForgedWebhook(Exception):
    """A call that claims to be the provider's and is not signed by it."""


class Provider:
    """One instance lives for one pass, within one event loop."""

    name: ClassVar[str]
    # What it carries: "sms" or "email".
    channel: ClassVar[str] = "sms"
    # Whether the provider can be asked later what became of a message.
    can_look_up: ClassVar[bool] = False
    # Whether it tells when a phone got the text.
    gives_receipts: ClassVar[bool] = False
    # Whether the same text handed over twice is taken once, by our own number of it.
    takes_once: ClassVar[bool] = False
    in_flight: ClassVar[int] = 64
    # So many rounds of these are carried by a worker: enough that it never waits for the database.
    rounds_ahead: ClassVar[int] = 8
    # Each try counts, whatever became of it.
    most_attempts: ClassVar[int] = 8
    # Refusals that hold for every text: the account is closed, the password wrong.
    account_codes: ClassVar[frozenset[str]] = frozenset({"HTTP_401", "HTTP_403"})
    # Refusals that mean: not so many at once. None of these texts was taken.
    too_fast_codes: ClassVar[frozenset[str]] = frozenset({"HTTP_429"})

    # Refusals that mean: this number is none, or gets no texts. Whoever's it is should be asked for another.
    number_codes: ClassVar[frozenset[str]] = frozenset()
    # Refusals of the text's words, not of the phone: the same text would be refused again.
    text_codes: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def is_local(cls) -> bool:
        """Whether texts stay on this machine: then a pass may run at a future time."""
        return False

    @classmethod
    def checks(cls) -> list[CheckMessage]:
        """What is missing or contradicts in this provider's own settings."""
        return []

    async def send(self, text: OutgoingText) -> Outcome:
        """Hands one text over. Raises nothing for what the provider answers; that is an Outcome."""
        raise NotImplementedError

    async def ask(self, provider_message_id: str) -> StatusReport:  # noqa: ARG002
        """What became of a message that the provider took. CannotTell when it does not say."""
        raise CannotTell

    async def look_up(self, text: OutgoingText, *, since: datetime) -> list[StatusReport]:  # noqa: ARG002
        """Every message to that phone with that text that the provider took after `since`.

        `since` is the real time of the claim. An empty list means: it is not there. CannotTell otherwise.
        """
        raise CannotTell

    async def balance(self) -> Balance:
        """The money that is left. CannotTell when the provider does not say."""
        raise CannotTell

    @classmethod
    def result_of(cls, code: str) -> Result:  # noqa: ARG003
        """What the code of a failure that was told later means for another try."""
        return Result.UNKNOWN

    @classmethod
    def read_webhook(cls, kind: str, call: WebhookCall) -> list[StatusReport | InboundText]:  # noqa: ARG003
        """What a signed call says; `kind` is the last part of its address. Nothing for what is not for us.

        It must be safe to call with anything. Raises ForgedWebhook before anything is read, and CannotTell
        for what can't be understood.
        """
        raise ForgedWebhook

    @classmethod
    def webhook_answer(cls, kind: str) -> tuple[str, bytes]:  # noqa: ARG003
        """What a signed call is answered: its content type and body. Empty is 204, else 200."""
        return "", b""

    async def close(self) -> None:
        """Lets go of connections."""
