"""Questions to providers: what became of these messages? Many at once, with no database connection held."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from django.db import connection

from messaging.models import Message
from messaging.providers.base import CannotTell, Provider, StatusReport
from messaging.sending import made, text_of

logger = logging.getLogger(__name__)

IN_FLIGHT = 32
T = TypeVar("T")
Question = Callable[[Provider, Message], Awaitable[T]]

Finds = dict[UUID, list[StatusReport] | None]


def look_up_all(messages: Sequence[Message]) -> Finds:
    """What the providers have that may be each message; None where that can't be told."""

    async def look_up(provider: Provider, message: Message) -> list[StatusReport]:
        since = message.claimed_at or message.created_at
        return await provider.look_up(text_of(message, since), since=since)

    return _ask_all(messages, look_up)


def ask_all(messages: Sequence[Message]) -> dict[UUID, StatusReport | None]:
    """What became of each message whose provider's number is known; None where that can't be told."""
    return _ask_all(messages, lambda provider, message: provider.ask(message.provider_message_id))


def _ask_all(messages: Sequence[Message], question: "Question[T]") -> "dict[UUID, T | None]":
    if not connection.in_atomic_block:
        connection.close()
    groups: dict[str, list[Message]] = {}
    for message in messages:
        groups.setdefault(message.provider, []).append(message)
    return asyncio.run(_ask_groups(groups, question))


async def _ask_groups(groups: Mapping[str, list[Message]], question: "Question[T]") -> "dict[UUID, T | None]":
    async def ask_group(name: str, messages: list[Message]) -> "list[tuple[UUID, T | None]]":
        provider = made(name)
        if provider is None:
            return [(message.pk, None) for message in messages]
        places = asyncio.Semaphore(IN_FLIGHT)
        try:
            return await asyncio.gather(*(_ask(provider, places, m, question) for m in messages))
        finally:
            await provider.close()

    told = await asyncio.gather(*(ask_group(name, messages) for name, messages in groups.items()))
    return {pk: answer for group in told for pk, answer in group}


async def _ask(
    provider: Provider, places: asyncio.Semaphore, message: Message, question: "Question[T]"
) -> "tuple[UUID, T | None]":
    async with places:
        try:
            return message.pk, await question(provider, message)
        except CannotTell:
            return message.pk, None
        except Exception as error:  # noqa: BLE001  a third party's class may fail in any way
            logger.error("Provider %s can't be asked: %s", provider.name, type(error).__name__)
            return message.pk, None
