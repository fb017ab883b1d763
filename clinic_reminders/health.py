"""Whether the site can do its work, part by part. Nothing here tells of a patient."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from django.core.cache import cache
from django.db import DatabaseError, InterfaceError, connection

from common import heartbeat
from common.shared_cache import CACHE_ERRORS
from messaging.dispatch import sending_is_on
from messaging.models import Message, MessageQuerySet

logger = logging.getLogger(__name__)

# The heartbeat comes every minute, behind a long import a little later.
WORKER_SILENT = timedelta(minutes=5)
# What waits longer did not leave when it should have.
QUEUE_LATE = timedelta(minutes=15)
UNKNOWN = "not known without the database"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that the site needs. `ok` is None where it can't be told."""

    name: str
    ok: bool | None
    said: str


def parts(*, now: datetime) -> list[Part]:
    """Database, cache, worker and queue."""
    database = _database()
    looks: list[tuple[str, Callable[[datetime], Part]]] = [("worker", _worker), ("queue", _queue)]
    if database.ok:
        rest = [_look(name, look, now) for name, look in looks]
    else:
        rest = [Part(name, None, UNKNOWN) for name, _look_ in looks]
    return [database, _cache(), *rest]


def worker_silent_for(now: datetime) -> timedelta | None:
    """Since its last heartbeat; None if there never was one."""
    last = heartbeat.last_beat(heartbeat.WORKER)
    return None if last is None else max(now - last, timedelta())


def worker_is_missed(now: datetime) -> bool:
    """Whether it has been silent for too long; one that never was is missed when a text is late."""
    silent = worker_silent_for(now)
    if silent is None:
        return (oldest_due(now) or timedelta()) > QUEUE_LATE
    return silent > WORKER_SILENT


def oldest_due(now: datetime) -> timedelta | None:
    """How long the text has waited that should have left first; None if none waits. Mails may wait."""
    first = MessageQuerySet(Message).texts().due(now).values_list("send_at", flat=True).first()
    return None if first is None else now - first


def _look(name: str, look: Callable[[datetime], Part], now: datetime) -> Part:
    try:
        return look(now)
    except (DatabaseError, InterfaceError):
        logger.exception("readyz can't look at the %s.", name)
        return Part(name, False, "the database refuses to tell")


def _database() -> Part:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return Part("database", False, "does not answer")
    return Part("database", True, "answers")


def _cache() -> Part:
    probe = f"readyz:{uuid4()}"
    try:
        cache.set(probe, 1, timeout=10)
        kept = cache.get(probe) == 1
        cache.delete(probe)
    except CACHE_ERRORS:
        return Part("cache", False, "does not answer: the API goes on without limits")
    return Part("cache", kept, "answers" if kept else "does not keep what it is given")


def _worker(now: datetime) -> Part:
    silent = worker_silent_for(now)
    if silent is None:
        return Part("worker", False, "has never run a task")
    return Part("worker", silent <= WORKER_SILENT, f"ran a task {silent.total_seconds():.0f} s ago")


def _queue(now: datetime) -> Part:
    late = oldest_due(now)
    if late is None:
        return Part("queue", True, "nothing is late")
    said = f"the oldest text is due for {late.total_seconds():.0f} s"
    if not sending_is_on():
        return Part("queue", True, f"sending is switched off; {said}")
    return Part("queue", late <= QUEUE_LATE, said)
