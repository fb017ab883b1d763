"""What the stock managers are told of, and who was told what."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Clinic, User
from common.ids import new_id
from messaging.models import Message
from stock.models.levels import StockLevel


class AlertKind(models.TextChoices):
    LOW = "low", _("running low")
    EXPIRING = "expiring", _("will expire unused")


class AlertStatus(models.TextChoices):
    OUT = "out", _("out of stock")
    CRITICAL = "critical", _("critical: won't last until a delivery")
    LOW = "low", _("low: order now")
    EXPIRING = "expiring", _("will expire unused")


# The smaller, the worse.
RANKS: dict[str, int] = {status: rank for rank, status in enumerate(AlertStatus.values)}


class StockAlertQuerySet(models.QuerySet["StockAlert"]):
    def open(self) -> "StockAlertQuerySet":
        return self.filter(closed_at__isnull=True)

    def to_remind(self, now: datetime) -> "StockAlertQuerySet":
        return self.open().filter(remind_at__lte=now)

    def to_escalate(self, now: datetime) -> "StockAlertQuerySet":
        return self.open().filter(escalate_at__lte=now)


class StockAlert(models.Model):
    """One episode: from the day on which a level needed attention to the day on which it did no more."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    level = models.ForeignKey(
        StockLevel, verbose_name=_("item"), on_delete=models.CASCADE, related_name="alerts"
    )
    # As its level's: managers are asked for by clinic.
    clinic = models.ForeignKey(
        Clinic, verbose_name=_("clinic"), on_delete=models.CASCADE, related_name="+", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=8, choices=AlertKind.choices)
    opening_status = models.CharField(_("at first"), max_length=8, choices=AlertStatus.choices)
    status = models.CharField(_("status"), max_length=8, choices=AlertStatus.choices)
    opened_at = models.DateTimeField(_("since"))
    worsened_at = models.DateTimeField(_("worse since"), null=True)
    acknowledged_at = models.DateTimeField(_("seen"), null=True)
    acknowledged_by = models.CharField(_("seen by"), max_length=150, blank=True, default="")
    ordered = models.BooleanField(_("ordered"), default=False)
    snoozed_until = models.DateTimeField(_("put off until"), null=True)
    # When somebody is reminded if nobody acts before, and when the administrators are told.
    remind_at = models.DateTimeField(null=True)
    escalate_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(_("reminded"), null=True)
    escalated_at = models.DateTimeField(_("administrators told"), null=True)
    # A vital item that is out: told at once, once.
    told_at_once_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(_("over since"), null=True)

    objects: ClassVar[models.Manager["StockAlert"]] = StockAlertQuerySet.as_manager()

    if TYPE_CHECKING:
        level_id: UUID
        clinic_id: UUID

    class Meta:
        verbose_name = _("stock alert")
        verbose_name_plural = _("stock alerts")
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                name="stockalert_one_open_a_level",
                fields=["level", "kind"],
                condition=Q(closed_at__isnull=True),
            ),
            models.CheckConstraint(name="stockalert_kind_known", condition=Q(kind__in=AlertKind.values)),
            models.CheckConstraint(
                name="stockalert_status_of_its_kind",
                condition=Q(kind="expiring", status="expiring", opening_status="expiring")
                | Q(
                    kind="low",
                    status__in=["out", "critical", "low"],
                    opening_status__in=["out", "critical", "low"],
                ),
            ),
        ]
        indexes = [
            models.Index(
                fields=["clinic", "id"], name="stockalert_open", condition=Q(closed_at__isnull=True)
            ),
            models.Index(
                fields=["remind_at"],
                name="stockalert_remind",
                condition=Q(closed_at__isnull=True, remind_at__isnull=False),
            ),
            models.Index(
                fields=["escalate_at"],
                name="stockalert_escalate",
                condition=Q(closed_at__isnull=True, escalate_at__isnull=False),
            ),
            models.Index(
                fields=["clinic"],
                name="stockalert_at_once",
                condition=Q(closed_at__isnull=True, told_at_once_at__isnull=True, status="out"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.status}"


class AlertNotice(models.Model):
    """What a person was told of an alert last. What has changed since is news for their next digest."""

    id = models.BigAutoField(primary_key=True)
    alert = models.ForeignKey(StockAlert, on_delete=models.CASCADE, related_name="notices")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    told_at = models.DateTimeField()
    # The alert's own times, as they were then.
    worsened_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)
    escalated_at = models.DateTimeField(null=True)
    over = models.BooleanField(default=False)
    # By what they were told: if neither arrives, they were not.
    text = models.ForeignKey(Message, null=True, on_delete=models.SET_NULL, related_name="+")
    mail = models.ForeignKey(Message, null=True, on_delete=models.SET_NULL, related_name="+")

    if TYPE_CHECKING:
        alert_id: UUID
        user_id: UUID

    class Meta:
        verbose_name = _("notice of an alert")
        verbose_name_plural = _("notices of alerts")
        constraints = [models.UniqueConstraint(name="alertnotice_once", fields=["user", "alert"])]
        indexes = [models.Index(fields=["user"], name="alertnotice_not_over", condition=Q(over=False))]

    def __str__(self) -> str:
        return str(self.told_at)


class DigestTurn(models.Model):
    """Whose digest of which day was made last. Locked while one is made: one a person and day."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="+")
    # On the calendar of the person's time zone at that time.
    day = models.DateField()
    # Until that day has ended there, whatever the person changes in their preferences.
    not_before = models.DateTimeField()

    class Meta:
        verbose_name = _("turn of a digest")
        verbose_name_plural = _("turns of digests")

    def __str__(self) -> str:
        return str(self.day)
