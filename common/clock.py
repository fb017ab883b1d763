from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone


@dataclass(frozen=True, slots=True)
class Clock:
    """The time that a pass goes by: the real one, or one that stands still at `at`."""

    at: datetime | None = None

    def now(self) -> datetime:
        return self.at or timezone.now()
