"""What is looked at every few minutes, so that trouble is noticed before the patients do."""

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from messaging.alarms import Finding, close_over, close_silent, raise_all
from messaging.models import AlarmKind

logger = logging.getLogger(__name__)

# All that is wrong now, of the check's own kinds. Bounded queries, over what is due or recent.
Check = Callable[[datetime], Iterable[Finding]]
# Found as texts come to their ends, see messaging/lessons.py: over when it was not found for so long.
TOLD = {AlarmKind.SET_UP_WRONG, AlarmKind.FILTERED}
FORGOTTEN_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Watch:
    kinds: frozenset[AlarmKind]
    check: Check


_watches: dict[str, Watch] = {}


def register(name: str, kinds: Collection[AlarmKind], check: Check) -> None:
    """Has `check` asked at each round; it alone opens and closes alarms of `kinds`."""
    _watches[name] = Watch(frozenset(kinds), check)


def watch(*, now: datetime) -> None:
    """One round: opens the alarms of what is wrong, closes those of what is over."""
    for name, each in _watches.items():
        try:
            findings = list(each.check(now))
        except Exception:  # a check that fails must not hide what the others find
            logger.exception("The watch over %s fails.", name)
            continue
        raise_all(findings, now=now)
        close_over(each.kinds, {(finding.kind, finding.subject) for finding in findings}, now=now)
    close_silent(TOLD, unseen_since=now - FORGOTTEN_AFTER, now=now)
