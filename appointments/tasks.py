from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from appointments import replanning
from appointments.file_import import background, uploads
from appointments.reminding import queue_due_reminders
from common.schedules import Every
from messaging.tasks import dispatch_due


def remind() -> None:
    """One pass: queue what is due, send what waits."""
    queue_due_reminders(now=timezone.now())
    dispatch_due()


def plan_by_new_rules(clinic_id: str) -> None:
    replanning.plan_by_new_rules(UUID(clinic_id), now=timezone.now())


def run_upload(upload_id: str) -> None:
    background.run_upload(UUID(upload_id))


def nudge_uploads() -> None:
    background.nudge_waiting(now=timezone.now())


def forget_old_uploads() -> None:
    uploads.forget_old_uploads(now=timezone.now())


# The cluster looks at its schedules every 30 seconds and each runs every minute: two that take
# turns make the pass come twice a minute, so that a reminder leaves within a minute of being due.
SCHEDULES = [
    Every("reminders", "appointments.tasks.remind", minutes=1),
    Every("reminders, in between", "appointments.tasks.remind", minutes=1, offset=timedelta(seconds=30)),
    Every("uploads that wait", "appointments.tasks.nudge_uploads", minutes=1),
    Every("old uploads", "appointments.tasks.forget_old_uploads", minutes=24 * 60),
]
