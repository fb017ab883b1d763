from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Clinic
from common.ids import new_id


class AlarmKind(models.TextChoices):
    NOTHING_LEAVES = "nothing_leaves", _("no text leaves")
    TOO_SLOW = "too_slow", _("texts wait for too long")
    SENDING_OFF = "sending_off", _("sending is switched off and texts wait")
    REMINDERS_LATE = "reminders_late", _("reminders are due and none is made")
    NONE_ARRIVES = "none_arrives", _("no reminder of the last day arrived")
    PROVIDER_DOWN = "provider_down", _("a provider does not work")
    ACCOUNT_CLOSED = "account_closed", _("a provider refuses our account")
    SET_UP_WRONG = "set_up_wrong", _("a provider is set up wrong")
    FILTERED = "filtered", _("texts are being filtered")
    BALANCE_LOW = "balance_low", _("little money is left at a provider")
    UNKNOWN_STAYS = "unknown_stays", _("nobody can say what became of texts")
    MANY_FAIL = "many_fail", _("many texts do not arrive")


class Alarm(models.Model):
    """Something that a person has to look after: open while it is true, one a kind and subject."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(_("alarm"), max_length=20, choices=AlarmKind.choices)
    # A provider, a provider and its code, or a clinic's code. Never anything of a patient.
    subject = models.CharField(_("about"), max_length=150, blank=True, default="")
    # Numbers and codes for the words.
    facts = models.JSONField(default=dict)
    # Whose staff see it; null: everybody's.
    clinic = models.ForeignKey(
        Clinic, verbose_name=_("clinic"), null=True, on_delete=models.PROTECT, related_name="alarms"
    )
    opened_at = models.DateTimeField(_("since"))
    seen_at = models.DateTimeField(_("last seen"))
    acknowledged_at = models.DateTimeField(_("taken on"), null=True)
    acknowledged_by = models.CharField(_("by"), max_length=150, blank=True, default="")
    closed_at = models.DateTimeField(_("over"), null=True)

    if TYPE_CHECKING:
        clinic_id: UUID | None

    class Meta:
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")
        ordering = [F("closed_at").desc(nulls_first=True), "-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                name="alarm_one_open_a_subject",
                fields=["kind", "subject"],
                condition=Q(closed_at__isnull=True),
            ),
            models.CheckConstraint(name="alarm_kind_known", condition=Q(kind__in=AlarmKind.values)),
            models.CheckConstraint(
                name="alarm_closed_after_opening",
                condition=Q(closed_at__isnull=True) | Q(closed_at__gte=F("opened_at")),
            ),
        ]
        indexes = [models.Index(fields=["opened_at"], name="alarm_open", condition=Q(closed_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}" if self.subject else self.get_kind_display()
