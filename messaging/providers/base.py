"""What every provider is: one class that sends, and says in the same few words what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar
from uuid import UUID


class Result(Enum):
    """What a provider's answer means for the message."""

    ACCEPTED = "accepted"
    PERMANENT = "permanent"  # never to this number, by nobody
    TRANSIENT = "transient"  # not taken now: later again
    ROUTE = "route"  # not by this provider to this number: another may
    CONFIGURATION = "configuration"  # the account is set up wrong: another provider may
    UNKNOWN = "unknown"  # it may have been taken: ask before anything is sent again


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """All that a provider is told."""

    message_id: UUID
    to: str  # E.164
    body: str
    valid_for: timedelta  # of no use after that


@dataclass(frozen=True, slots=True)
class Outcome:
    result: Result
    provider_message_id: str = ""
    code: str = ""
    message: str = ""  # the provider's words; never a name or a phone
    retry_after: timedelta | None = None
    opted_out: bool = False
    at: datetime | None = None


class Provider:
    """One instance lives for one batch, within one event loop."""

    name: ClassVar[str]
    # Whether the provider can be asked later what became of a message.
    can_look_up: ClassVar[bool] = False
    # Whether it tells when a phone got the text.
    gives_receipts: ClassVar[bool] = False
    # Whether texts stay on this machine: then a pass may run at a future time.
    is_local: ClassVar[bool] = False
    in_flight: ClassVar[int] = 64

    async def send(self, text: OutgoingText) -> Outcome:
        """Hands one text over. Raises nothing for what the provider answers; that is an Outcome."""
        raise NotImplementedError

    async def close(self) -> None:
        """Lets go of connections."""


ProviderFactory = Callable[[], Provider]
