"""What the `reconcile` command compares: each app says what in its books differs from what it should be."""

from collections.abc import Callable, Iterable
from datetime import datetime

# A line for each difference that was found: numbers and ids, never a patient's data. May mend what it can.
Check = Callable[[datetime], Iterable[str]]

_checks: dict[str, Check] = {}


def register(name: str, check: Check) -> None:
    """`name` says what is compared: "texts"."""
    _checks[name] = check


def checks() -> dict[str, Check]:
    """In the order in which they are run."""
    return dict(_checks)
