"""How the double behaves: set by control calls while it runs."""

import random
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Do = Literal[
    "accept",
    "error",  # refuse with the Twilio error `code`
    "http",  # answer with the HTTP status `code` and a body that is not JSON
    "hang",  # take nothing, never answer
    "drop",  # take nothing, break the connection
    "accept_then_drop",
    "accept_then_hang",
    "accept_late",  # take it at once, answer after `late_ms`
    "accept_unreadably",  # 201 with a body that is not JSON
    "accept_then_http",  # take it, yet answer with the HTTP status `code`
]

# HTTP status and words by error code. Twilio quotes the number in some of them.
ERRORS: dict[int, tuple[int, str]] = {
    10001: (403, "Account is not active"),
    14107: (429, "Message rate exceeded"),
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    21211: (400, "Invalid 'To' Phone Number: {to}"),
    21408: (
        403,
        "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}",
    ),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number provided is not a valid message-capable Twilio phone number"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (429, "This 'From' number has exceeded the maximum number of queued messages"),
    21612: (
        400,
        "Message cannot be sent with the current combination of 'To' ({to}) and/or 'From' parameters",
    ),
    21614: (400, "'To' number {to} is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21621: (400, "The 'validity_period' must be between 1 and 36000"),
    30007: (400, "Message filtered"),
}


@dataclass(slots=True)
class Rule:
    """What happens to a message: the first rule that fits decides."""

    do: Do
    to: list[str] | None = None  # phones; None: any
    share: float = 1.0
    times: int | None = None  # how often at most
    code: int = 0
    late_ms: int = 0
    retry_after: int | None = None  # seconds


How = Literal["in_order", "doubled", "reversed", "forged", "never"]


@dataclass(slots=True)
class Callbacks:
    how: How | list[How] = "in_order"  # of several, one is drawn for each message
    statuses: list[str] = field(default_factory=lambda: ["queued", "sent", "delivered"])
    error_code: int | str | None = None  # told with the last status; by a phone in words
    before_the_answer: bool | float = False  # the share of messages of which it is told so early
    # Twilio's alone: the share of messages that end as undelivered with 30005 instead, and whether someone
    # without the key tells the opposite of each ending before the truth is told.
    undelivered: float = 0
    forgeries: bool = False

    def drawn(self, chance: random.Random) -> "Callbacks":
        """What this means for one message."""
        how = chance.choice(self.how) if isinstance(self.how, list) else self.how
        mine = replace(self, how=how, before_the_answer=chance.random() < self.before_the_answer)
        if chance.random() < self.undelivered:
            mine.statuses, mine.error_code = [*self.statuses[:-1], "undelivered"], 30005
        return mine


@dataclass(slots=True)
class Behaviour:
    latency_ms: float = 0
    rules: list[Rule] = field(default_factory=list)
    # What happens to look-ups: an HTTP status, "hang" or "drop".
    lookups: int | Literal["hang", "drop"] | None = None
    per_second: int | None = None  # above it 429
    retry_after: int = 1
    # Twilio's alone: having taken so many, it is down: its port refuses, open connections break.
    down_after: int | None = None
    down_seconds: float = 0
    callbacks: Callbacks = field(default_factory=Callbacks)
    # What becomes of an accepted message when no callback was asked for.
    ends_as: str = "delivered"
    skew_seconds: float = 0  # how far its clock is ahead
    balance: str | None = "12.34"  # None: a child account, which tells none
    redact: bool = False  # keeps no text in what it lists
    seed: int = 0

    @classmethod
    def read(cls, control: dict[str, Any]) -> "Behaviour":
        """TypeError for a word that it does not know."""
        control = dict(control)
        rules = [Rule(**rule) for rule in control.pop("rules", [])]
        callbacks = Callbacks(**control.pop("callbacks", {}))
        return cls(rules=rules, callbacks=callbacks, **control)


class Chance:
    """The state of the rules: what they drew, how often they were used, how many came this second."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._random = random.Random(behaviour.seed)
        # Of their own: what is told must not change which rule fits.
        self._of_calls = random.Random(behaviour.seed)
        self._used = [0] * len(behaviour.rules)
        self._arrivals: deque[float] = deque()
        self._went_down = False
        # How often each trouble came: by the rule's `do`, "too_many" and "down".
        self.troubles: Counter[str] = Counter()

    def decide(self, to: str) -> Rule:
        for number, rule in enumerate(self._behaviour.rules):
            if rule.to is not None and to not in rule.to:
                continue
            if rule.times is not None and self._used[number] >= rule.times:
                continue
            if rule.share < 1 and self._random.random() >= rule.share:
                continue
            self._used[number] += 1
            self.troubles[rule.do] += 1
            return rule
        return Rule("accept")

    def too_many(self, now: float) -> bool:
        """Whether one more request within a second is above the rate."""
        if self._behaviour.per_second is None:
            return False
        while self._arrivals and self._arrivals[0] <= now - 1:
            self._arrivals.popleft()
        if len(self._arrivals) >= self._behaviour.per_second:
            self.troubles["too_many"] += 1
            return True
        self._arrivals.append(now)
        return False

    def callbacks(self) -> Callbacks:
        """How the next message is told of."""
        return self._behaviour.callbacks.drawn(self._of_calls)

    def goes_down(self, taken: int) -> bool:
        """Whether this is the moment; it comes once."""
        after = self._behaviour.down_after
        if self._went_down or after is None or taken < after:
            return False
        self._went_down = True
        self.troubles["down"] += 1
        return True
