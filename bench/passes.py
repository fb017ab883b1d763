"""`plan`: one pass with 1,000 reminders due among so many visits, beside itself among more of them.

Run by `python -m bench.run plan`, once a size; itself it works on the PostgreSQL database in DATABASE_URL, in
a process of its own. The texts go to `console`: no provider's time is in it.
"""

import io
import json
import logging
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from statistics import median
from time import perf_counter

import django

django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from appointments.reminding import queue_due_reminders
from bench.visits import book_with_reminders_due, fill
from common.clock import Clock
from messaging.dispatch import dispatch
from messaging.models import MessageStatus

DUE = 1000
PASSES = 7


class Counter:
    """Of the statements sent to the database."""

    def __init__(self) -> None:
        self.statements = 0

    def __call__(self, execute: Callable[..., object], *call: object) -> object:
        self.statements += 1
        return execute(*call)


def one_pass(due: int) -> dict[str, float]:
    """Milliseconds, and statements; what was due must have left."""
    counter = Counter()
    with connection.execute_wrapper(counter):
        begun = perf_counter()
        queued = queue_due_reminders(now=timezone.now())
        between = perf_counter()
        tally = dispatch(clock=Clock())
        ended = perf_counter()
    if not queued == tally.reached[MessageStatus.SENT] == due:
        raise RuntimeError(f"{due} were due, {queued} were queued, {dict(tally.reached)}")
    return {
        "queue": 1000 * (between - begun),
        "send": 1000 * (ended - between),
        "pass": 1000 * (ended - begun),
        "statements": counter.statements,
    }


def main(visits: int) -> dict[str, float]:
    logging.disable(logging.CRITICAL)
    settings.SMS_PROVIDERS = ["console"]
    call_command("migrate", verbosity=0, stdout=io.StringIO())
    clinics = fill(visits, timezone.now())
    full, idle = [], []
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        # The first one warms up.
        for number in range(PASSES + 1):
            book_with_reminders_due(clinics, DUE, timezone.now())
            done = one_pass(DUE), one_pass(0)
            if number:
                full.append(done[0])
                idle.append(done[1])
    return {
        f"{what}{name}": median(one[name] for one in some)
        for what, some in (("", full), ("idle ", idle))
        for name in some[0]
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
