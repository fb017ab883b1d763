"""A request that is sent again gets the first answer: kept in the database, one turn at a time.

Whoever answers has a turn. What it does and the answer that is kept are one transaction, which also
proves that the turn is still its own: a process that dies leaves nothing half done, and the next one
takes the turn over when its time is up.
"""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import BoundedSemaphore
from uuid import UUID, uuid4

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

from common.errors import DomainError, Unavailable
from common.models import IdempotencyKey

KEPT = timedelta(hours=24)
# Longer than the web server lets a request run.
TURN = timedelta(seconds=90)
SHORT_WAIT, LONGEST_WAIT = 2.0, 30.0
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.4
# Of each process: whoever waits holds a thread, and the site needs the others.
_long_waits = BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to answer a key's request."""

    key: str
    token: UUID


class KeyReused(DomainError):
    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__(_("This idempotency key was used for another request. Take a new one."))


def begin(key: str, body: str) -> Turn | Answer:
    """The turn to answer, or the first answer, waited for while it is being made.

    `key` and `body` are digests. KeyReused for another body; Unavailable when the first takes too long,
    which is at once after SHORT_WAIT where enough others wait longer.
    """
    outcome = _waited_for(key, body, SHORT_WAIT)
    if outcome is not None:
        return outcome
    if not _long_waits.acquire(blocking=False):
        raise _still_running(retry_after=2)
    try:
        outcome = _waited_for(key, body, LONGEST_WAIT - SHORT_WAIT)
    finally:
        _long_waits.release()
    if outcome is None:
        raise _still_running(retry_after=5)
    return outcome


def _waited_for(key: str, body: str, seconds: float) -> Turn | Answer | None:
    outcome = _look(key, body, timezone.now())
    # From here: a database that is busy may have taken its time over the first look.
    ends, pause = time.monotonic() + seconds, FIRST_PAUSE
    while outcome is None and time.monotonic() < ends:
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
        outcome = _look(key, body, timezone.now())
    return outcome


def _still_running(*, retry_after: int) -> Unavailable:
    return Unavailable(_("The first request with this key is still running."), retry_after=retry_after)


def keep(turn: Turn, answer: Answer) -> None:
    """Part of the transaction of what was done. Unavailable, to roll that back, if the turn was lost."""
    kept = _running(turn).update(status=answer.status, body=answer.body, headers=answer.headers)
    if not kept:
        raise Unavailable(_("This took too long, and was asked for again meanwhile."), retry_after=1)


def give_up(turn: Turn) -> None:
    """Nothing is kept: the next request with this key begins anew."""
    _running(turn).delete()


def forget_expired(*, now: datetime) -> int:
    """Removes answers after their 24 hours; gives their number."""
    return IdempotencyKey.objects.filter(expires_at__lte=now).delete()[0]


def _running(turn: Turn) -> models.QuerySet[IdempotencyKey]:
    return IdempotencyKey.objects.filter(pk=turn.key, turn=turn.token, status=None)


def _look(key: str, body: str, now: datetime) -> Turn | Answer | None:
    """None: the first is running, or somebody was faster just now."""
    turn = Turn(key, uuid4())
    new = {
        "body_digest": body,
        "turn": turn.token,
        "turn_ends_at": now + TURN,
        "expires_at": now + KEPT,
        "status": None,
        "headers": {},
        "body": b"",
    }
    found = IdempotencyKey.objects.filter(pk=key).first()
    if found is None:
        IdempotencyKey.objects.bulk_create([IdempotencyKey(digest=key, **new)], ignore_conflicts=True)
        return turn if _running(turn).exists() else None
    if found.expires_at > now:
        if found.body_digest != body:
            raise KeyReused
        if found.status is not None:
            return Answer(found.status, bytes(found.body), found.headers)
        if found.turn_ends_at > now:
            return None
    taken = IdempotencyKey.objects.filter(pk=key, turn=found.turn, status=found.status).update(**new)
    return turn if taken else None
