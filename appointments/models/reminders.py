from datetime import datetime
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from appointments.models.visits import Appointment
from common.ids import new_id
from messaging.models import Message


class ReminderState(models.TextChoices):
    PLANNED = "planned", _("planned")
    QUEUED = "queued", _("handed to sending")
    SKIPPED = "skipped", _("skipped: another one is nearer to the visit")
    EXPIRED = "expired", _("too late to be of use")


class ReminderQuerySet(models.QuerySet["Reminder"]):
    def due(self, now: datetime) -> "ReminderQuerySet":
        return self.filter(state=ReminderState.PLANNED, due_at__lte=now).order_by("due_at", "pk")


class Reminder(models.Model):
    """One reminder of one appointment, by one rule, for one time of the visit: unique, for ever."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    appointment = models.ForeignKey(
        Appointment, verbose_name=_("appointment"), on_delete=models.CASCADE, related_name="reminders"
    )
    hours_before = models.PositiveSmallIntegerField(_("hours before"))
    # The visit's time this reminder was planned for; a moved visit gets new ones.
    visit_at = models.DateTimeField(_("visit"))
    due_at = models.DateTimeField(_("due"))
    state = models.CharField(
        _("state"), max_length=8, choices=ReminderState.choices, default=ReminderState.PLANNED
    )
    message = models.OneToOneField(
        Message, verbose_name=_("message"), null=True, on_delete=models.SET_NULL, related_name="reminder"
    )

    objects: ClassVar[models.Manager["Reminder"]] = ReminderQuerySet.as_manager()

    if TYPE_CHECKING:
        appointment_id: UUID
        message_id: UUID | None

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        ordering = ["due_at", "id"]
        constraints = [
            models.UniqueConstraint(
                name="reminder_once_for_rule_and_time", fields=["appointment", "hours_before", "visit_at"]
            ),
            models.CheckConstraint(name="reminder_state_known", condition=Q(state__in=ReminderState.values)),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], name="reminder_queue", condition=Q(state="planned")),
            models.Index(fields=["due_at", "id"], name="reminder_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.hours_before} h"
