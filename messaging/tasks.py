"""Nudges to look at the table of messages. A task carries no message and no patient's data."""

from common.clock import Clock
from messaging import dispatch

# Well under the cluster's timeout: a pass that is cut off leaves its batch unknown.
SECONDS = 25


def dispatch_due() -> None:
    dispatch.dispatch(clock=Clock(), seconds=SECONDS)
