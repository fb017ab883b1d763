"""What is asked upward at the moment of sending: who queued a text says whether it may still leave."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from messaging.models import Message


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a text must not leave, and the final state that this means."""

    status: str
    code: str
    reason: str


# Given the texts of one batch that are about its kind of subject, in a bounded number of queries.
Guard = Callable[[Sequence[Message], datetime], dict[UUID, Refusal]]

_guards: dict[str, Guard] = {}


def register(subject_type: str, guard: Guard) -> None:
    _guards[subject_type] = guard


def ask(messages: Sequence[Message], now: datetime) -> dict[UUID, Refusal]:
    """Refusals by message id."""
    refusals: dict[UUID, Refusal] = {}
    for subject_type in {message.subject_type for message in messages if message.subject_type}:
        guard = _guards.get(subject_type)
        if guard is not None:
            refusals |= guard([m for m in messages if m.subject_type == subject_type], now)
    return refusals
