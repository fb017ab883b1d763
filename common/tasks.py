from django.utils import timezone

from common import heartbeat
from common.schedules import Every

SCHEDULES = [
    Every("heartbeat", "common.tasks.beat", minutes=1),
]


def beat() -> None:
    heartbeat.beat(heartbeat.WORKER, now=timezone.now())
