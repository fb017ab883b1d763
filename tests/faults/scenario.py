"""One scenario: messages are queued, workers work through rounds, and the books are compared."""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from django.db import connection
from django.utils import timezone

from messaging.models import Message, MessageStatus
from messaging.services import Draft, enqueue
from messaging.template_book import Text
from tests.doubles.twilio import TwilioDouble
from tests.factories.accounts import ClinicFactory
from tests.faults.crew import Crew
from tests.faults.figures import Figures, counts
from tests.faults.worker import Pace

MESSAGES = int(os.environ.get("FAULT_MESSAGES", "150"))
# A scenario that has not come to its end by then never will.
MOST_SECONDS = 300 + MESSAGES // 5
MOST_ROUNDS = 12
# Between two rounds a dead worker's claims run out, and what waits to be tried again comes due.
BETWEEN_ROUNDS = timedelta(hours=1)

WAITING = (MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.UNKNOWN)
NOT_ENDED = (*WAITING, MessageStatus.SENT)


class Double(Protocol):
    def accepted(self) -> list[dict[str, Any]]: ...


class Scenario:
    """The providers are Twilio and then the `others`; their books count as one."""

    def __init__(
        self, name: str, environment: dict[str, str], twilio: TwilioDouble, others: Sequence[Double]
    ) -> None:
        self.name, self._environment = name, environment
        self._doubles = [twilio, *others]
        self.workers = 1 if connection.vendor == "sqlite" else 3
        self.kills = self._rounds = 0
        self._began = monotonic()

    def queue(self, count: int = MESSAGES) -> None:
        """Each to a phone of its own, with a text of its own."""
        now = timezone.now()
        clinic = ClinicFactory(quiet_from=None, quiet_to=None)
        drafts = [self._draft(clinic.pk, number, now) for number in range(count)]
        enqueue(drafts, now=now)
        self._began = monotonic()

    @staticmethod
    def _draft(clinic_id: Any, number: int, now: datetime) -> Draft:
        text = Text.of(f"Dumela. Please come to the clinic tomorrow. Your number is {number:05d}.")
        phone = f"+26771{number:06d}"
        return Draft(clinic_id, "manual", phone, text, "en", now, now + timedelta(days=30))

    def work(
        self, pace: Pace | None = None, *, kills: int = 0, until_none_is: Sequence[str] = NOT_ENDED
    ) -> None:
        """Rounds until no message is in one of those states, and `kills` workers were killed meanwhile."""
        with Crew(self.workers, pace or Pace(), self._environment, seconds=MOST_SECONDS) as crew:
            crew.get_ready()
            while Message.objects.filter(status__in=until_none_is).exists() and self._rounds < MOST_ROUNDS:
                crew.go_round(self._rounds * BETWEEN_ROUNDS, kills=kills - crew.kills)
                self._rounds += 1
            self.kills += crew.kills

    def figures(self, troubles: dict[str, int] | None = None) -> Figures:
        """As it is now; kept for the table where FAULT_RESULTS names a file."""
        books = [entry for double in self._doubles for entry in double.accepted()]
        found = Figures(
            scenario=self.name,
            database="SQLite" if connection.vendor == "sqlite" else "PostgreSQL",
            workers=self.workers,
            kills=self.kills,
            seconds=round(monotonic() - self._began, 1),
            troubles=troubles or {},
            **counts(list(Message.objects.all()), books),
        )
        print(f"\n{found}")
        if os.environ.get("FAULT_RESULTS"):
            found.add_to(Path(os.environ["FAULT_RESULTS"]))
        return found


def assert_nothing_lost_or_doubled(figures: Figures) -> None:
    names = ("lost", "doubled", "untrue", "unasked", "open")
    wrong = {name: getattr(figures, name) for name in names if getattr(figures, name)}
    assert not wrong, f"{wrong} in {figures}"
