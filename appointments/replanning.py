"""A clinic's new rules of reminding, for the visits that are booked already."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django_q.tasks import async_task

from accounts.models import Clinic
from appointments.models import Appointment, Reminder, ReminderState
from appointments.reminding import nudge_if_due, reminders_for
from common.batches import batched
from common.locks import one_at_a_time

BATCH = 500
LONGEST_SECONDS = 3600


def take_note_of_new_rules(clinic: Clinic, fields: set[str], **_: object) -> None:
    """Leaves the work to the background: a clinic may have years of visits before it."""
    if "reminder_hours_before" in fields:
        # Stored with the change itself: neither is there without the other.
        async_task("appointments.tasks.plan_by_new_rules", str(clinic.pk), timeout=LONGEST_SECONDS)


def plan_by_new_rules(clinic_id: UUID, *, now: datetime) -> None:
    """Plans the clinic's visits to come by its present rules, in batches. A second time changes nothing.

    What has left stays, and no rule sends twice for one time of a visit.
    """
    to_come = Appointment.objects.live().filter(clinic=clinic_id, starts_at__gt=now)
    keys = list(to_come.order_by("starts_at").values_list("pk", flat=True))
    for batch in batched(keys, BATCH):
        with transaction.atomic():
            # Not while a pass hands these very reminders to sending.
            one_at_a_time("appointments.queue_due_reminders")
            clinic = Clinic.objects.get(pk=clinic_id)
            _plan(list(to_come.filter(pk__in=batch)), clinic.reminder_hours_before, now)


def _plan(appointments: Sequence[Appointment], hours_before: Sequence[int], now: datetime) -> None:
    present = Reminder.objects.filter(
        appointment__in=[appointment.pk for appointment in appointments],
        visit_at=F("appointment__starts_at"),
    )
    dropped = present.filter(state=ReminderState.PLANNED).exclude(hours_before__in=hours_before)
    Reminder.objects.filter(pk__in=list(dropped.values_list("pk", flat=True))).delete()
    provided = set(present.values_list("appointment_id", flat=True))
    wanted = [r for a in appointments for r in reminders_for(a, hours_before, now)]
    # A rule that is past is for visits that nobody has been or will be reminded of.
    new = [r for r in wanted if r.due_at >= now or r.appointment_id not in provided]
    Reminder.objects.bulk_create(new, ignore_conflicts=True, batch_size=1000)
    nudge_if_due(new, now)
