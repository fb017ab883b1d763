from argparse import ArgumentParser
from collections import Counter
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from appointments.reminding import drafts_due, queue_due_reminders
from common.clock import Clock
from common.database import usable_database
from messaging.claiming import would_leave
from messaging.dispatch import Tally, dispatch, sending_is_on
from messaging.models import MessageStatus
from messaging.order import outlets
from messaging.providers import provider_class

# Beyond them dates run over when hours are added.
YEARS = range(2000, 2101)


class Command(BaseCommand):
    help = "One pass without a worker: queues the reminders that are due and sends what waits."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--at", metavar="ISO", help="the clock of the whole pass")
        parser.add_argument("--dry-run", action="store_true", help="print who would get which text")
        parser.add_argument("--force", action="store_true", help="use real providers at a future time")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        at = self._moment(options["at"])
        if at is not None and at > timezone.now() and not (options["force"] or options["dry_run"]):
            self._refuse_real_providers()
        with usable_database(afterwards="What was not sent still waits."):
            self._pass(Clock(at), dry_run=options["dry_run"])

    def _pass(self, clock: Clock, *, dry_run: bool) -> None:
        if dry_run:
            self._show(clock.now())
            return
        queued = queue_due_reminders(now=clock.now())
        self._tell(queued, dispatch(clock=clock))

    def _moment(self, text: str | None) -> datetime | None:
        if text is None:
            return None
        try:
            moment = parse_datetime(text)
        except ValueError:
            moment = None
        if moment is None:
            raise CommandError("--at: write the time like 2026-12-01T09:00 or 2026-12-01T09:00+02:00.")
        if moment.year not in YEARS:
            raise CommandError(f"--at: give a year from {YEARS[0]} to {YEARS[-1]}.")
        return moment if timezone.is_aware(moment) else timezone.make_aware(moment)

    def _refuse_real_providers(self) -> None:
        real = [provider.name for provider in map(provider_class, outlets()) if not provider.is_local()]
        if real:
            raise CommandError(
                f"--at is in the future, and {', '.join(real)} would really send the texts. "
                "Use --dry-run to look, or --force if you mean it."
            )

    def _show(self, now: datetime) -> None:
        shown = 0
        sending = sending_is_on()
        for message in would_leave(drafts_due(now), now):
            self.stdout.write(f"{message.to} ({message.language}, {message.segments}): {message.body}")
            shown += 1
        if sending:
            self.stdout.write(f"Dry run: {shown} texts would be sent. Nothing was changed.")
        else:
            self.stdout.write(
                f"Dry run: 0 texts would be sent: sending is switched off. Switched on, {shown} would be. "
                "Nothing was changed."
            )

    def _tell(self, queued: int, tally: Tally) -> None:
        reached = Counter({status: n for status, n in tally.reached.items() if n})
        self.stdout.write(f"queued {queued}, sent {reached.pop(MessageStatus.SENT, 0)}")
        for status, count in sorted(reached.items()):
            self.stdout.write(f"{status} {count}: {MessageStatus(status).label}")
        if tally.sending_is_off:
            self.stdout.write("Sending is switched off, so nothing has left. The admin has the kill switch.")
