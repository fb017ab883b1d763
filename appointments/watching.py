"""The dead-man's switch of reminders: some are due, and nobody makes texts of them."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from appointments.models import Reminder
from messaging.alarms import Finding
from messaging.models import AlarmKind

KINDS = {AlarmKind.REMINDERS_LATE}
# They are handed over every minute: in quiet hours, and with sending switched off, as at any time.
LATE = timedelta(minutes=15)


def check(now: datetime) -> Iterator[Finding]:
    count = Reminder.objects.due(now - LATE).order_by().count()
    if count:
        yield Finding(AlarmKind.REMINDERS_LATE, facts={"count": count})
