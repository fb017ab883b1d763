"""What came of a scenario: our book held against the providers' own."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from messaging.models import FINAL, Message, MessageStatus

# What says that a phone may have the text, or that a provider has it.
_GONE = {MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.UNDELIVERED}


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one scenario on one database."""

    scenario: str
    database: str
    workers: int
    messages: int
    accepted: int  # texts that the providers took, each counted as often as it was taken
    lost: int  # no provider took it, and nobody can see that
    doubled: int  # taken more than once, by all providers together
    untrue: int  # its state is not what the provider knows of it
    unasked: int  # texts in the providers' books that are nobody's
    states: dict[str, int]
    kills: int = 0
    seconds: float = 0
    troubles: dict[str, int] = field(default_factory=dict)

    @property
    def unknown(self) -> int:
        return self.states.get(MessageStatus.UNKNOWN, 0)

    @property
    def open(self) -> int:
        """Neither in a final state nor visibly unknown."""
        ended = FINAL | {MessageStatus.UNKNOWN}
        return sum(count for state, count in self.states.items() if state not in ended)

    def add_to(self, path: Path) -> None:
        with path.open("a") as out:
            out.write(json.dumps(asdict(self)) + "\n")


def counts(messages: Sequence[Message], books: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Those fields of Figures that our messages and what the providers say they took make together."""
    taken: dict[tuple[str, str], list[str]] = {}
    for entry in books:
        state = str(entry.get("status") or entry["state"]).lower()
        taken.setdefault((entry["to"], entry["body"]), []).append(state)
    ours = {(message.to, message.body): message for message in messages}
    assert len(ours) == len(messages), "The messages of a scenario differ from each other."
    lost = untrue = 0
    for key, message in ours.items():
        told = taken.get(key, [])
        if not told:
            # A text that is said to have left and that nobody took is as lost as one that hangs.
            visible = (FINAL - _GONE) | {MessageStatus.UNKNOWN}
            lost += message.status not in visible
        elif message.status != MessageStatus.UNKNOWN:
            untrue += message.status not in told
    return {
        "messages": len(messages),
        "accepted": sum(map(len, taken.values())),
        "lost": lost,
        "doubled": sum(len(told) > 1 for told in taken.values()),
        "untrue": untrue,
        "unasked": len(taken.keys() - ours.keys()),
        "states": dict(Counter(message.status for message in messages)),
    }


HEAD = (
    "| what goes wrong | database (workers) | messages | taken by the providers | lost | doubled "
    "| final states | unknown | kills | seconds |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


def table(all_figures: Iterable[Figures]) -> str:
    """For docs/reliability.md."""
    return "\n".join([HEAD, *map(_row, all_figures)])


def _row(figures: Figures) -> str:
    final = (f"{state} {count:,}" for state, count in sorted(figures.states.items()) if state in FINAL)
    cells = [
        figures.scenario,
        f"{figures.database} ({figures.workers})",
        f"{figures.messages:,}",
        f"{figures.accepted:,}",
        f"{figures.lost:,}",
        f"{figures.doubled:,}",
        ", ".join(final),
        f"{figures.unknown:,}",
        str(figures.kills or "–"),
        f"{figures.seconds:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def read(path: Path) -> list[Figures]:
    return [Figures(**json.loads(line)) for line in path.read_text().splitlines()]
