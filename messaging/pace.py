"""How fast a provider is given texts, by all workers together: each text gets its own moment."""

from datetime import datetime, timedelta

from django.conf import settings

from messaging.models import ProviderState

# How far ahead moments are given away: what a worker takes with it must not be held for long.
AHEAD = timedelta(seconds=2)
# Slower than this nothing gets, however often a provider says "too many".
SLOWEST = 0.5
# After "too many" the pace falls at most so often: one crowd of refusals is one refusal.
FALLS_EVERY = timedelta(seconds=2)
RISE_A_SECOND = 1.03
FORGOTTEN_AFTER = timedelta(minutes=10)


def rate(state: ProviderState) -> float | None:
    """Texts a second at most: what is set, or what the provider seems to take; None is no limit."""
    limits = [limit for limit in (settings.SMS_MAX_PER_SECOND.get(state.name), state.pace) if limit]
    return min(limits) if limits else None


def places(state: ProviderState, now: datetime) -> int | None:
    """How many moments within AHEAD are still free; None where the provider has no rate."""
    wait = (state.next_slot_at - now) if state.next_slot_at else timedelta()
    limit = rate(state)
    if limit is None:
        # Without a rate there may still be a pause that the provider asked for.
        return 0 if wait > AHEAD else None
    free = AHEAD - max(wait, timedelta())
    # A phone that sends one text in three seconds has a moment too, when it has come.
    least = 1 if wait <= timedelta() else 0
    return max(int(free.total_seconds() * limit), least)


def give_moments(state: ProviderState, count: int, now: datetime) -> list[datetime]:
    """The moments of `count` texts, which nobody else gets."""
    start = max(now, state.next_slot_at or now)
    limit = rate(state)
    if limit is None:
        return [start] * count
    state.next_slot_at = start + timedelta(seconds=count / limit)
    return [start + timedelta(seconds=number / limit) for number in range(count)]


def learn(
    state: ProviderState, *, taken: int, refused: int, retry_after: timedelta | None, now: datetime
) -> None:
    """Slows down when texts were refused as too many, and rises slowly while none is.

    `taken` and `refused` are of one batch of results; `retry_after` is the longest wait asked for.
    """
    if refused:
        _fall(state, taken / (taken + refused), now)
        state.next_slot_at = max(state.next_slot_at or now, now + (retry_after or timedelta(seconds=1)))
    elif state.pace is not None and state.paced_at is not None and taken:
        passed = now - state.paced_at
        if passed > FORGOTTEN_AFTER:
            state.pace = state.paced_at = None
        elif passed >= FALLS_EVERY:
            state.pace = min(state.pace * RISE_A_SECOND ** min(passed.total_seconds(), 30), 10_000)
            state.paced_at = now


def _fall(state: ProviderState, share_taken: float, now: datetime) -> None:
    if state.paced_at is not None and now - state.paced_at < FALLS_EVERY:
        return
    measured = _measured(state, now)
    known = min(limit for limit in (state.pace, measured) if limit)
    state.pace = max(known * max(share_taken, 0.5) * 0.95, SLOWEST)
    state.paced_at = now


def _measured(state: ProviderState, now: datetime) -> float:
    """Answers a second of late: what the provider was asked to take."""
    passed = (now - state.halved_at).total_seconds() if state.halved_at else 1
    return max(state.answers / max(passed, 1), 1.0)
