"""The talk with providers: one event loop in a thread of its own, with no database connection held."""

import asyncio
import logging
import queue
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Thread
from time import monotonic
from types import TracebackType
from typing import Self
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from messaging.models import Channel, Message
from messaging.order import outlets
from messaging.providers import provider_class
from messaging.providers.base import NOT_STARTED, Outcome, OutgoingText, Provider, Result
from messaging.quiet_hours import next_quiet_start

logger = logging.getLogger(__name__)

# A text that its worker did not get to in this time stays: soon the claim is another's.
START_WITHIN = timedelta(seconds=90)
# One that waited so long for its turn is checked again first: its visit may have been cancelled since.
FRESH_FOR = 5.0
# No more is carried than what a provider answers in a second: no text waits long after its last check.
AHEAD_SECONDS = 1.0
# Answers that are written in one transaction.
MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Parcel:
    """A claimed message, and when it may leave by the real clock."""

    message: Message
    claim: UUID
    claimed_at: datetime
    moment: datetime
    text: OutgoingText


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    parcel: Parcel
    outcome: Outcome


def text_of(message: Message, now: datetime) -> OutgoingText:
    """What the provider is told; `now` is the clock by which the text has to arrive."""
    quiet = None
    # A provider that holds a text back must not bring it in the night, but for an answer.
    if message.clinic and message.channel == Channel.SMS and not message.answers_id:
        quiet = next_quiet_start(now, message.clinic)
    until = min(message.expires_at, quiet) if quiet else message.expires_at
    return OutgoingText(
        message.pk,
        message.to,
        message.body,
        valid_for=until - now,
        subject=message.subject,
        html=message.html,
    )


def made(name: str) -> Provider | None:
    """A provider that was renamed, removed or can't start must not stop the others' texts."""
    try:
        return provider_class(name)()
    except Exception as error:  # noqa: BLE001  a third party's class may fail in any way
        logger.error("Provider %s can't be used: %s", name, type(error).__name__)
        return None


@dataclass
class _Answered:
    """How many answers a provider has given since when, on the monotonic clock."""

    since: float
    count: int = 0


def _is_old(parcel: Parcel) -> bool:
    """Of a worker that was held up, perhaps a machine asleep."""
    return timezone.now() - parcel.claimed_at > START_WITHIN


def _takes(name: str) -> tuple[int, int]:
    """How many that provider takes at once, and how many rounds of these are carried for it at most."""
    try:
        provider = provider_class(name)
    except ImportError:
        return 1, Provider.rounds_ahead
    return provider.in_flight, provider.rounds_ahead


class Sender:
    """Sends what it is handed while its owner goes on; an answer for each parcel, whatever happens."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="sender", daemon=True)
        self._answers: queue.SimpleQueue[ProviderAnswer] = queue.SimpleQueue()
        self._providers: dict[str, tuple[Provider | None, asyncio.Semaphore]] = {}
        self._carried: Counter[str] = Counter()
        self._answered: dict[str, _Answered] = {}
        self._texts_stay = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def carried(self) -> int:
        """Parcels whose answer was not collected yet."""
        return self._carried.total()

    @property
    def waiting(self) -> int:
        """How many more answers there can be before some provider has a free place."""
        return min((count - _takes(name)[0] for name, count in self._carried.items() if count), default=0)

    @staticmethod
    def first_round(name: str) -> int:
        """How many texts that provider is given before it is known how fast it answers."""
        in_flight, rounds = _takes(name)
        return in_flight * min(rounds, 2)

    def room(self, name: str) -> int:
        """How many more can be carried now."""
        return max(self._capacity(name) - self._carried[name], 0)

    def _capacity(self, name: str) -> int:
        """What it takes at once, and what it answers in the next second going by the last ones."""
        (in_flight, rounds), answered = _takes(name), self._answered.get(name)
        if answered is None:
            return self.first_round(name)
        since = monotonic() - answered.since
        if since < 0.05:
            return self.first_round(name)
        ahead = int(answered.count / since * AHEAD_SECONDS)
        return in_flight + min(max(ahead, in_flight // 4), in_flight * (rounds - 1))

    def wants_more(self) -> bool:
        """Whether some provider would soon have nothing to do."""
        # Mails are few: while texts are carried, room for a mail is no reason to ask.
        names: Sequence[str] = settings.SMS_PROVIDERS
        if not any(self._carried[name] for name in names):
            names = outlets()
        return any(3 * self.room(name) >= self._capacity(name) for name in names)

    def hold_back(self) -> None:
        """Texts that have not begun to leave stay; mails go on."""
        self._texts_stay = True

    def hand_over(self, parcels: Sequence[Parcel]) -> None:
        for parcel in parcels:
            self._carried[parcel.message.provider] += 1
            self._answered.setdefault(parcel.message.provider, _Answered(monotonic()))
        self._loop.call_soon_threadsafe(self._start, parcels)

    def collect(self, *, at_least: int, seconds: float) -> list[ProviderAnswer]:
        """What has been answered: waits for `at_least` answers, but for no more than `seconds`."""
        answers: list[ProviderAnswer] = []
        ends = monotonic() + seconds
        while len(answers) < MOST_AT_ONCE:
            # What is there already is taken along without waiting.
            wait = ends - monotonic() if len(answers) < at_least else 0
            try:
                answers.append(self._answers.get(timeout=wait) if wait > 0 else self._answers.get_nowait())
            except queue.Empty:
                break
        self._take_note(answers)
        return answers

    def _take_note(self, answers: Sequence[ProviderAnswer]) -> None:
        for name, count in Counter(answer.parcel.message.provider for answer in answers).items():
            self._carried[name] -= count
            answered = self._answered[name]
            if monotonic() - answered.since > 2 * AHEAD_SECONDS:
                # The last second or two count, not the whole pass.
                answered.since = (answered.since + monotonic()) / 2
                answered.count //= 2
            answered.count += count

    def _start(self, parcels: Sequence[Parcel]) -> None:
        for parcel in parcels:
            self._loop.create_task(self._carry(parcel))

    async def _carry(self, parcel: Parcel) -> None:
        outcome = await self._outcome(parcel)
        self._answers.put(ProviderAnswer(parcel, outcome))

    async def _outcome(self, parcel: Parcel) -> Outcome:
        provider, places = self._provider(parcel.message.provider)
        if provider is None:
            return Outcome(Result.ROUTE, code="NO_PROVIDER")
        wait = (parcel.moment - timezone.now()).total_seconds()
        if wait > 0:
            await asyncio.sleep(wait)
        asked = monotonic()
        async with places:
            stays = self._texts_stay and parcel.message.channel == Channel.SMS
            if stays or monotonic() - asked > FRESH_FOR or _is_old(parcel):
                return Outcome(Result.TRANSIENT, code=NOT_STARTED)
            try:
                return await provider.send(parcel.text)
            except Exception as error:  # noqa: BLE001  one text's fault must not cost the others their result
                # It may have left before the fault. Only the fault's kind is logged: it may quote the text.
                logger.error("Provider %s failed in send(): %s", provider.name, type(error).__name__)
                return Outcome(Result.UNKNOWN, code="PROVIDER_FAULT")

    def _provider(self, name: str) -> tuple[Provider | None, asyncio.Semaphore]:
        if name not in self._providers:
            provider = made(name)
            self._providers[name] = (provider, asyncio.Semaphore(provider.in_flight if provider else 1))
        return self._providers[name]

    async def _close(self) -> None:
        for provider, _places in self._providers.values():
            if provider is not None:
                await provider.close()
