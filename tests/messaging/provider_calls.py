"""A provider against its double, over HTTP: texts handed over and asked about, and dead ports."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from messaging.providers.base import Outcome, OutgoingText, Provider, StatusReport
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MessageFactory

PHONE = "+26771234567"
BODY = "Dumela. Please come to the clinic tomorrow."


def text(**fields: Any) -> OutgoingText:
    return OutgoingText(
        **{"message_id": uuid4(), "to": PHONE, "body": BODY, "valid_for": timedelta(hours=2)} | fields
    )


def handed_over(*texts: OutgoingText, by: type[Provider]) -> list[Outcome]:
    async def all_of_them() -> list[Outcome]:
        provider = by()
        try:
            return await asyncio.gather(*(provider.send(each) for each in texts))
        finally:
            await provider.close()

    return asyncio.run(all_of_them())


def only(outcomes: list[Outcome]) -> Outcome:
    (outcome,) = outcomes
    return outcome


def looked_up(wanted: OutgoingText, *, since: datetime, by: type[Provider]) -> list[StatusReport]:
    async def ask() -> list[StatusReport]:
        provider = by()
        try:
            return await provider.look_up(wanted, since=since)
        finally:
            await provider.close()

    return asyncio.run(ask())


@contextmanager
def port_that_refuses() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextmanager
def port_that_never_answers() -> Iterator[int]:
    """Listens with a queue that is full already."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def texts_waiting(count: int) -> None:
    """Of a clinic without quiet hours."""
    MessageFactory.create_batch(count, clinic=ClinicFactory(quiet_from=None, quiet_to=None))
