"""A worker of the fault suite: passes of dispatch() in a process of its own, until nothing is left for now.

It says "ready". Then each line on its standard input is a round: how many seconds its clock is ahead. It says
"sending" each time it has claimed some texts and "idle" at the round's end, and ends with its standard input.
Its argument is what `Pace` sets, as JSON.
"""

import json
import os
import queue
import sys
from dataclasses import asdict, dataclass
from datetime import timedelta
from threading import Thread
from time import sleep
from typing import Self

PASS_SECONDS = 25
# What comes due so soon is waited for within the round.
SOON = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds where the site's own are minutes, for what goes by the real clock; and what else differs."""

    rest: float = 1  # of a provider that the breaker leaves alone, at first
    longest_rest: float = 4
    trial: float = 5
    ask_again: float = 1  # after a look-up that told nothing
    poll_after: float | None = 2  # until a text without a receipt is asked about; None: as the site does
    answer_within: float | None = None  # of one request; None: as the site does
    in_flight: int | None = None  # requests at once of one worker; None: as the site does

    def as_argument(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, argument: str) -> Self:
        return cls(**json.loads(argument))

    def set(self) -> None:
        from messaging import breaker, reconciling
        from messaging.providers.twilio import TwilioProvider

        breaker.FIRST_REST = timedelta(seconds=self.rest)
        breaker.LONGEST_REST = timedelta(seconds=self.longest_rest)
        breaker.TRIAL = timedelta(seconds=self.trial)
        reconciling.FIRST_WAIT = timedelta(seconds=self.ask_again)
        reconciling.LONGEST_WAIT = timedelta(seconds=4 * self.ask_again)
        if self.poll_after is not None:
            waits = (self.poll_after * 2**n for n in range(8))
            reconciling.POLL_AFTER = tuple(timedelta(seconds=wait) for wait in waits)
        if self.answer_within is not None:
            TwilioProvider.total_seconds = self.answer_within
        if self.in_flight is not None:
            TwilioProvider.in_flight = self.in_flight


def work(ahead: timedelta) -> None:
    """Passes, one after another, as long as there is something to do soon."""
    from messaging.dispatch import dispatch

    clock = _clock(ahead)
    while True:
        tally = dispatch(clock=clock, seconds=PASS_SECONDS)
        if not tally.reached.total():
            if not _something_soon(clock):
                return
            sleep(0.1)


def _tell_of_claims() -> None:
    from messaging import dispatch

    claim_due = dispatch.claim_due

    def telling(*arguments):
        claim = claim_due(*arguments)
        if claim.parcels:
            print("sending", flush=True)
        return claim

    dispatch.claim_due = telling


def _clock(ahead: timedelta):
    from django.utils import timezone

    from common.clock import Clock

    @dataclass(frozen=True, slots=True)
    class Ahead(Clock):
        def now(self):
            return timezone.now() + ahead

    return Ahead()


def _something_soon(clock) -> bool:
    from django.utils import timezone

    from messaging.models import Message

    real_soon = timezone.now() + SOON
    return (
        Message.objects.due(clock.now() + SOON).exists()
        or Message.objects.to_look_up(real_soon).exists()
        or Message.objects.without_receipt(real_soon).exists()
    )


def _read(lines: "queue.SimpleQueue[str]") -> None:
    for line in sys.stdin:
        lines.put(line)
    # Whoever started it is gone.
    os._exit(0)


def main() -> None:
    import django

    django.setup()
    Pace.read(sys.argv[1]).set()
    _tell_of_claims()
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    Thread(target=_read, args=[lines], daemon=True).start()
    print("ready", flush=True)
    while True:
        work(timedelta(seconds=float(lines.get())))
        print("idle", flush=True)


if __name__ == "__main__":
    main()
