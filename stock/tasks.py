import logging
from uuid import UUID

from django.utils import timezone

from common.schedules import Every
from stock import alerts, digests
from stock.file_import import uploads
from stock.refreshing import refresh_stale

logger = logging.getLogger(__name__)


def refresh_figures() -> None:
    """Brings figures of an earlier day up to date, for less than a task may take; the next pass goes on."""
    refresh_stale(now=timezone.now())


def tell_of_alerts() -> None:
    """Tells stock managers what they don't know yet: what can't wait, and each one's digest at their hour."""
    now = timezone.now()
    failed: list[Exception] = []
    for step in (digests.tell_at_once, alerts.remind, alerts.escalate, digests.send_digests):
        try:
            step(now=now)
        except Exception as error:  # noqa: BLE001  one step's fault must not keep back what the others tell
            logger.error("Stock alerts: %s failed: %s", step.__name__, type(error).__name__)
            failed.append(error)
    if failed:
        raise failed[0]


def run_file(file_id: str) -> None:
    """Looks at or imports a long file that somebody brought."""
    uploads.run_waiting(UUID(file_id))


def run_waiting_files() -> None:
    uploads.nudge_waiting(now=timezone.now())


SCHEDULES = [
    # Most passes find nothing to do; the first ones after midnight, in each clinic's own time, do it all.
    Every("stock figures", "stock.tasks.refresh_figures", minutes=2),
    Every("stock alerts", "stock.tasks.tell_of_alerts", minutes=5),
    Every("stock files", "stock.tasks.run_waiting_files", minutes=1),
]
