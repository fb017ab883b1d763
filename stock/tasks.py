from django.utils import timezone

from common.schedules import Every
from stock.refreshing import refresh_stale


def refresh_figures() -> None:
    """Brings figures of an earlier day up to date, for less than a task may take; the next pass goes on."""
    refresh_stale(now=timezone.now())


# Most passes find nothing to do; the first ones after midnight, in each clinic's own time, do it all.
SCHEDULES = [Every("stock figures", "stock.tasks.refresh_figures", minutes=2)]
