"""Signs of life of the worker, written through its whole pipeline: schedule, queue, process, database.

Its main process may look alive while nothing runs any more.
"""

from datetime import datetime

from common.models import Heartbeat

WORKER = "worker"


def beat(name: str, *, now: datetime) -> None:
    Heartbeat.objects.update_or_create(name=name, defaults={"at": now})


def last_beat(name: str) -> datetime | None:
    return Heartbeat.objects.filter(name=name).values_list("at", flat=True).first()
