from django.utils import timezone

from common import heartbeat, idempotency
from common.schedules import Every

SCHEDULES = [
    Every("heartbeat", "common.tasks.beat", minutes=1),
    Every("old idempotency keys", "common.tasks.forget_idempotency_keys", minutes=10),
]


def beat() -> None:
    heartbeat.beat(heartbeat.WORKER, now=timezone.now())


def forget_idempotency_keys() -> None:
    idempotency.forget_expired(now=timezone.now())
