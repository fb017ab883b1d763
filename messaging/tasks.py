"""Nudges to look at the table of messages. A task carries no message and no patient's data."""

from django.utils import timezone

from common.clock import Clock
from common.schedules import Every
from messaging import dispatch, retention, watching

# Well under the cluster's timeout: a pass that is cut off leaves its batch unknown.
SECONDS = 25


def dispatch_due() -> None:
    dispatch.dispatch(clock=Clock(), seconds=SECONDS)


def watch() -> None:
    watching.watch(now=timezone.now())


def forget_old_texts() -> None:
    retention.forget_old(now=timezone.now())


SCHEDULES = [
    Every("alarms", "messaging.tasks.watch", minutes=5),
    Every("old texts", "messaging.tasks.forget_old_texts", minutes=24 * 60),
]
