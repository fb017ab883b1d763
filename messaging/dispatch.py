"""How texts leave: claim and commit, send while more is claimed, write what came of it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic, sleep

from django.conf import settings
from django.db import connection
from django.utils import timezone

from common.clock import Clock
from messaging.claiming import Claim, claim_due, expire_overdue
from messaging.models import SendingSwitch
from messaging.order import outlets
from messaging.receipts import match_waiting
from messaging.reconciling import expire_leases, poll_sent, reconcile
from messaging.replies import read_waiting
from messaging.sending import ProviderAnswer, Sender
from messaging.settling import settle

# Results are written by so many, or after so long, whichever comes first.
SETTLE, SETTLE_AFTER = 200, 0.3
# Longer waits for a place are left to the next pass.
LONGEST_WAIT = 5.0


@dataclass
class Tally:
    """What one pass did: how many messages came to each state."""

    reached: Counter[str] = field(default_factory=Counter)
    sending_is_off: bool = False


def dispatch(*, clock: Clock, seconds: float | None = None) -> Tally:
    """Sends what is due until nothing is or `seconds` have passed.

    Several may run at once, in any number of processes: each message is claimed by one of them.
    """
    tally = Tally()
    ends = monotonic() + seconds if seconds is not None else None
    expire_leases(clock.now(), tally.reached)
    expire_overdue(clock.now(), tally.reached)
    match_waiting(now=clock.now())
    read_waiting(now=clock.now())
    while ends is None or monotonic() < ends:
        _Pass(clock, ends, tally).run()
        # What is due goes first: a provider that answers no questions must not hold it back.
        asked = reconcile(clock.now(), tally.reached)
        if not poll_sent(clock.now(), tally.reached) and not asked:
            break
    return tally


def sending_is_on() -> bool:
    """Whether texts are: the setting is the ceiling, the switch in the admin the brake. Mails go on."""
    return settings.SMS_SENDING_ENABLED and not SendingSwitch.objects.filter(pk=1, sending=False).exists()


class _Pass:
    """Claims ahead while texts are on their way, so that neither waits for the other."""

    def __init__(self, clock: Clock, ends: float | None, tally: Tally) -> None:
        self.clock, self.ends, self.tally = clock, ends, tally
        # Whether something that is due may still be there to be claimed.
        self.more = True
        # What the kill switch has held back must not be claimed round and round.
        self.texts = True

    def run(self) -> None:
        claim = self._claim(Sender.first_round)
        if not claim.parcels and claim.next_place_at is None:
            return
        with Sender() as sender:
            sender.hand_over(claim.parcels)
            while sender.carried or self.more:
                answers = self._collect(sender)
                if sender.carried and not self._texts_may_leave():
                    sender.hold_back()
                if self.more and sender.wants_more():
                    # Before the answers are written: the provider is not to wait for that.
                    claim = self._claim(sender.room)
                    sender.hand_over(claim.parcels)
                if answers and settle(answers, now=self.clock.now(), tally=self.tally.reached):
                    # Some are due again at once, with the next provider.
                    self.more = True
                if not sender.carried and claim.next_place_at is not None:
                    self._wait_until(claim.next_place_at)

    def _claim(self, room: Callable[[str], int]) -> Claim:
        while self.ends is None or monotonic() < self.ends:
            names = outlets(texts=self._texts_may_leave())
            full = any(room(name) == 0 for name in names)
            claim = claim_due(self.clock.now(), room, self.tally.reached, names)
            if claim.parcels or not claim.looked_at:
                self.more = bool(claim.parcels) or full or claim.next_place_at is not None
                return claim
            # All of it was decided otherwise: the next batch.
        self.more = False
        return Claim()

    def _texts_may_leave(self) -> bool:
        """Asked before each batch; once stopped, they stay so in this pass."""
        self.texts = self.texts and sending_is_on()
        self.tally.sending_is_off |= not self.texts
        return self.texts

    def _collect(self, sender: Sender) -> list[ProviderAnswer]:
        if not sender.carried:
            return []
        if not self.more and not connection.in_atomic_block:
            # Only waiting is left, perhaps for a provider that hangs.
            connection.close()
        enough = max(sender.waiting, 1) if self.more else sender.carried
        return sender.collect(at_least=min(SETTLE, enough), seconds=SETTLE_AFTER)

    def _wait_until(self, moment: datetime) -> None:
        wait = (moment - timezone.now()).total_seconds()
        if wait > LONGEST_WAIT or (self.ends is not None and monotonic() + wait > self.ends):
            self.more = False
        elif wait > 0:
            sleep(wait)
