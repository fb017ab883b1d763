"""The talk with providers: many texts at once in one event loop, with no database connection held."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone

from messaging.models import Message
from messaging.providers import provider_class
from messaging.providers.base import CannotTell, Outcome, OutgoingText, Provider, Result, StatusReport
from messaging.quiet_hours import next_quiet_start

logger = logging.getLogger(__name__)

# A text that its worker did not get to in this time stays: soon the claim is another's.
START_WITHIN = timedelta(seconds=90)
LOOK_UPS_IN_FLIGHT = 32


def send_all(messages: Sequence[Message], *, claimed_at: datetime, now: datetime) -> dict[UUID, Outcome]:
    """Sends each message through its provider; an outcome for each of them, whatever happens."""
    _let_go_of_the_database()
    return asyncio.run(_send_all(_by_provider(messages), claimed_at, now))


Reports = list[StatusReport] | None
Finds = dict[UUID, Reports]


def look_up_all(messages: Sequence[Message]) -> Finds:
    """What the providers have of each message; None where that can't be told."""
    _let_go_of_the_database()
    return asyncio.run(_look_up_all(_by_provider(messages)))


def _let_go_of_the_database() -> None:
    if not connection.in_atomic_block:
        connection.close()


def _by_provider(messages: Sequence[Message]) -> Mapping[str, list[Message]]:
    groups: dict[str, list[Message]] = {}
    for message in messages:
        groups.setdefault(message.provider, []).append(message)
    return groups


def _text(message: Message, now: datetime) -> OutgoingText:
    return OutgoingText(message.pk, message.to, message.body, valid_for=_valid_until(message, now) - now)


def _valid_until(message: Message, now: datetime) -> datetime:
    # A provider that holds a text back must not bring it in the night, but for an answer.
    quiet = None if message.answers_id else next_quiet_start(now, message.clinic)
    return min(message.expires_at, quiet) if quiet else message.expires_at


def _made(name: str) -> Provider | None:
    """A provider that was renamed, removed or can't start must not stop the others' texts."""
    try:
        return provider_class(name)()
    except Exception as error:  # noqa: BLE001  a third party's class may fail in any way
        logger.error("Provider %s can't be used: %s", name, type(error).__name__)
        return None


async def _send_all(
    groups: Mapping[str, list[Message]], claimed_at: datetime, now: datetime
) -> dict[UUID, Outcome]:
    async def send_group(name: str, messages: list[Message]) -> list[tuple[UUID, Outcome]]:
        provider = _made(name)
        if provider is None:
            return [(message.pk, Outcome(Result.ROUTE, code="NO_PROVIDER")) for message in messages]
        places = asyncio.Semaphore(provider.in_flight)
        try:
            return await asyncio.gather(*(_send(provider, places, m, claimed_at, now) for m in messages))
        finally:
            await provider.close()

    sent = await asyncio.gather(*(send_group(name, messages) for name, messages in groups.items()))
    return {pk: outcome for group in sent for pk, outcome in group}


async def _send(
    provider: Provider, places: asyncio.Semaphore, message: Message, claimed_at: datetime, now: datetime
) -> tuple[UUID, Outcome]:
    async with places:
        # A worker that was held up (a machine asleep) must not send what is no longer its own.
        if timezone.now() - claimed_at > START_WITHIN:
            return message.pk, Outcome(Result.TRANSIENT, code="NOT_STARTED")
        try:
            return message.pk, await provider.send(_text(message, now))
        except Exception as error:  # noqa: BLE001  one text's fault must not cost the others their result
            # The text may have left before the fault. Only the fault's kind is logged: it may quote the text.
            logger.error("Provider %s failed in send(): %s", provider.name, type(error).__name__)
            return message.pk, Outcome(Result.UNKNOWN, code="PROVIDER_FAULT")


async def _look_up_all(groups: Mapping[str, list[Message]]) -> dict[UUID, list[StatusReport] | None]:
    async def look_up_group(
        name: str, messages: list[Message]
    ) -> list[tuple[UUID, list[StatusReport] | None]]:
        provider = _made(name)
        if provider is None:
            return [(message.pk, None) for message in messages]
        places = asyncio.Semaphore(LOOK_UPS_IN_FLIGHT)
        try:
            return await asyncio.gather(*(_look_up(provider, places, message) for message in messages))
        finally:
            await provider.close()

    found = await asyncio.gather(*(look_up_group(name, messages) for name, messages in groups.items()))
    return {pk: reports for group in found for pk, reports in group}


async def _look_up(provider: Provider, places: asyncio.Semaphore, message: Message) -> tuple[UUID, Reports]:
    async with places:
        since = message.claimed_at or message.created_at
        try:
            return message.pk, await provider.look_up(_text(message, since), since=since)
        except CannotTell:
            return message.pk, None
        except Exception as error:  # noqa: BLE001  as in sending
            logger.error("Provider %s failed in look_up(): %s", provider.name, type(error).__name__)
            return message.pk, None
