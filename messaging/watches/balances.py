"""The money that is left with the providers that tell it, asked once an hour."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from messaging.alarms import Finding
from messaging.lanes import add_states
from messaging.models import AlarmKind, ProviderState
from messaging.providers.base import Balance, CannotTell
from messaging.sending import made

logger = logging.getLogger(__name__)

KINDS = {AlarmKind.BALANCE_LOW}
# Every round comes some minutes after the last.
ASKED_EVERY = timedelta(minutes=58)
LONGEST_ANSWER = 30.0  # seconds


def check(_now: datetime) -> Iterator[Finding]:
    """What the providers said last, asked anew where that is an hour ago."""
    names = [name for name in settings.SMS_BALANCE_WARNING if name in settings.SMS_PROVIDERS]
    add_states(names)
    _ask_anew(names)
    for state in ProviderState.objects.filter(name__in=names, balance__isnull=False):
        if state.balance is not None and state.balance <= _least(state.name):
            facts = {"amount": f"{state.balance:.2f}", "currency": state.balance_currency}
            yield Finding(AlarmKind.BALANCE_LOW, state.name, facts)


def _least(name: str) -> Decimal:
    return Decimal(str(settings.SMS_BALANCE_WARNING[name]))


def _ask_anew(names: Sequence[str]) -> None:
    now = timezone.now()
    stale = Q(balance_asked_at__isnull=True) | Q(balance_asked_at__lte=now - ASKED_EVERY)
    # Whoever writes the time is the one who asks.
    mine = [
        name for name in names if ProviderState.objects.filter(stale, name=name).update(balance_asked_at=now)
    ]
    if not mine:
        return
    if not connection.in_atomic_block:
        connection.close()
    for name, balance in asyncio.run(_ask_all(mine)).items():
        ProviderState.objects.filter(name=name).update(
            balance=balance.amount, balance_currency=balance.currency
        )


async def _ask_all(names: Sequence[str]) -> dict[str, Balance]:
    answers = await asyncio.gather(*(_ask(name) for name in names))
    return {name: answer for name, answer in zip(names, answers, strict=True) if answer is not None}


async def _ask(name: str) -> Balance | None:
    provider = made(name)
    if provider is None:
        return None
    try:
        return await asyncio.wait_for(provider.balance(), LONGEST_ANSWER)
    except (CannotTell, TimeoutError):
        return None
    except Exception as error:  # noqa: BLE001  a third party's class may fail in any way
        logger.error("Provider %s can't tell its balance: %s", name, type(error).__name__)
        return None
    finally:
        await provider.close()
