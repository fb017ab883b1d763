"""Nudges to look at the table of messages. A task carries no message and no patient's data."""

from django_q.tasks import async_task

from common.after_commit import once
from common.clock import Clock
from messaging import dispatch

# Well under the cluster's timeout: a pass that is cut off leaves its batch unknown.
SECONDS = 25


def dispatch_due() -> None:
    dispatch.dispatch(clock=Clock(), seconds=SECONDS)


def nudge() -> None:
    """Has what is due sent as soon as the present transaction is committed."""
    once(_nudge)


def _nudge() -> None:
    async_task("messaging.tasks.dispatch_due")
