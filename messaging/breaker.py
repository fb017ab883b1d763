"""Whether a provider is used: left alone after repeated trouble, then tried with one text."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum

from django.db import transaction

from accounts.audit import Actor, Change, record
from common.ids import named_id
from messaging.models import Breaker, Pin, ProviderState
from messaging.providers.base import NOT_STARTED, UNREACHABLE, Outcome, Provider, Result

# So many answers, and such a share of them trouble, before a provider is left alone.
MINIMUM = 20
SHARE = 0.6
HALVE_AFTER = timedelta(minutes=2)
FIRST_REST = timedelta(seconds=30)
LONGEST_REST = timedelta(minutes=10)
# The one text that tries it out has so long; its worker may have died.
TRIAL = timedelta(minutes=2)


class Health(Enum):
    """What an answer says of the provider itself, whoever the text was for."""

    WELL = "well"
    TROUBLED = "troubled"
    CLOSED = "closed"  # it takes nothing for anyone
    SILENT = "silent"  # it was not asked


def health(provider: type[Provider], outcome: Outcome) -> Health:
    if outcome.code == NOT_STARTED:
        return Health.SILENT
    if outcome.code in provider.account_codes:
        return Health.CLOSED
    if outcome.result is Result.UNKNOWN or outcome.code in UNREACHABLE:
        return Health.TROUBLED
    return Health.WELL


def allowance(state: ProviderState, now: datetime) -> int | None:
    """How many texts it may be given now: none, one to try it out, or None: any number."""
    if state.pin == Pin.LEAVE:
        return 0
    if state.pin == Pin.USE or state.breaker == Breaker.CLOSED:
        return None
    return 1 if state.rest_until is None or now >= state.rest_until else 0


def begin_trial(state: ProviderState, now: datetime) -> None:
    """The one text is on its way; until it has an answer, or its time is over, there is no other."""
    state.breaker = Breaker.HALF_OPEN
    state.rest_until = now + TRIAL


def learn(state: ProviderState, answers: Iterable[tuple[Health, str]], now: datetime) -> None:
    """Steps the state by what was answered: (health, error code) each."""
    told = [answer for answer in answers if answer[0] is not Health.SILENT]
    if not told:
        return
    bad = [code for found, code in told if found is not Health.WELL]
    state.last_error = bad[-1][:40] if bad else state.last_error
    if any(found is Health.CLOSED for found, _ in told):
        _open(state, now)
    elif state.breaker == Breaker.HALF_OPEN:
        if bad:
            _open(state, now)
        else:
            _close(state)
    elif state.breaker == Breaker.CLOSED:
        _count(state, len(told), len(bad), now)
        # Good news alone opens nothing, however bad the news before was.
        if bad and state.answers >= MINIMUM and state.troubles >= SHARE * state.answers:
            _open(state, now)


def _count(state: ProviderState, answers: int, troubles: int, now: datetime) -> None:
    if state.halved_at is None or now - state.halved_at >= HALVE_AFTER:
        state.answers, state.troubles, state.halved_at = state.answers // 2, state.troubles // 2, now
    state.answers += answers
    state.troubles += troubles


def _open(state: ProviderState, now: datetime) -> None:
    # What was sent before it opened may still be answered: that is no new trouble.
    if state.breaker != Breaker.OPEN:
        state.trips = min(state.trips + 1, 30)
        state.opened_at = state.opened_at or now
    state.breaker = Breaker.OPEN
    state.rest_until = now + min(FIRST_REST * 2 ** (state.trips - 1), LONGEST_REST)
    state.answers = state.troubles = 0


def _close(state: ProviderState) -> None:
    state.breaker, state.rest_until, state.opened_at = Breaker.CLOSED, None, None
    state.answers = state.troubles = state.trips = 0


def pin(name: str, value: str, *, actor: Actor, now: datetime) -> None:
    """Sets by hand whether a provider is used: a Pin. Back to "by itself", it starts with a clean slate."""
    with transaction.atomic():
        state, _created = ProviderState.objects.select_for_update().get_or_create(name=name)
        if state.pin == value:
            return
        before, state.pin = state.pin, value
        if value != Pin.LEAVE:
            _close(state)
        state.save()
        changes = {"pin": [before, value]}
        record(actor, [Change("pinned", "messaging.providerstate", named_id(name), None, changes)], now=now)
