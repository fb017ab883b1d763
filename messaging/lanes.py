"""Which provider gets how many texts now: by the configured order, the breakers and the rates."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from messaging import breaker, pace
from messaging.models import Breaker, ProviderState
from messaging.order import MAIL


@dataclass(frozen=True, slots=True)
class Lane:
    """A provider that may be given `room` texts, of those whose turn it is with one of `takes`."""

    state: ProviderState
    takes: frozenset[str]
    room: int

    @property
    def name(self) -> str:
        return self.state.name


@dataclass(frozen=True, slots=True)
class Lanes:
    open: list[Lane]
    # When a provider that has no place now will have one: soon enough for this pass to wait for it.
    next_place_at: datetime | None


def lanes(room: Mapping[str, int], now: datetime) -> Lanes:
    """The lanes by the real time `now`, their states locked; `room` is what this worker can carry.

    Only providers that `room` names are given something. A text goes to its next provider, or, while that
    one is left alone, to the first after it that is not.
    """
    names: list[str] = settings.SMS_PROVIDERS if room.keys() - {MAIL} else []
    states = _locked([*names, *({MAIL} & room.keys())])
    allowed = {name: breaker.allowance(state, now) for name, state in states.items()}
    takes: dict[str, set[str]] = {}
    for index, name in enumerate(names):
        in_order = [*names[index:], *names[:index]]
        target = next((other for other in in_order if allowed[other] != 0), None)
        if target is not None:
            takes.setdefault(target, set()).add(name)
    if allowed.get(MAIL) != 0 and MAIL in room:
        takes[MAIL] = {MAIL}
    found, waits = [], []
    for name, wanted in takes.items():
        state = states[name]
        free = pace.places(state, now)
        limits = [room.get(name, 0), *(limit for limit in (allowed[name], free) if limit is not None)]
        if free == 0 and state.next_slot_at is not None:
            waits.append(state.next_slot_at)
        if min(limits) > 0:
            found.append(Lane(state, frozenset(wanted), min(limits)))
    return Lanes(found, min(waits, default=None))


def add_states(names: Collection[str]) -> None:
    """Has a state for each provider, also for one that was never used."""
    known = set(ProviderState.objects.filter(name__in=names).values_list("name", flat=True))
    missing = [name for name in names if name not in known]
    if missing:
        ProviderState.objects.bulk_create(
            (ProviderState(name=name) for name in missing), ignore_conflicts=True
        )


def _locked(names: list[str]) -> dict[str, ProviderState]:
    states = {s.name: s for s in ProviderState.objects.filter(name__in=names).select_for_update()}
    if len(states) < len(names):
        add_states(names)
        states = {s.name: s for s in ProviderState.objects.filter(name__in=names).select_for_update()}
    return states


def give(lane: Lane, count: int, now: datetime) -> list[datetime]:
    """The moments at which `count` texts may leave by this lane; notes what was given away."""
    state, before = lane.state, lane.state.next_slot_at
    if state.breaker != Breaker.CLOSED and not state.pin and count:
        breaker.begin_trial(state, now)
        state.save(update_fields=["breaker", "rest_until"])
    moments = pace.give_moments(state, count, now)
    if state.next_slot_at != before:
        state.save(update_fields=["next_slot_at"])
    return moments
