"""What is on order."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.ids import new_id
from stock.models.levels import StockLevel


class OrderState(models.TextChoices):
    OPEN = "open", _("on order")
    RECEIVED = "received", _("received")
    CANCELLED = "cancelled", _("cancelled")


class Order(models.Model):
    """So many units of a level's item, ordered; received in one part or several."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    level = models.ForeignKey(
        StockLevel, verbose_name=_("level"), on_delete=models.PROTECT, related_name="orders"
    )
    quantity = models.BigIntegerField(_("quantity"))
    received = models.BigIntegerField(_("received"), default=0)
    ordered_on = models.DateField(_("ordered"))
    expected_on = models.DateField(_("expected"), null=True, blank=True)
    received_on = models.DateField(_("received on"), null=True)
    state = models.CharField(_("state"), max_length=10, choices=OrderState.choices, default=OrderState.OPEN)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"))
    updated_at = models.DateTimeField(_("changed"))

    if TYPE_CHECKING:
        level_id: UUID

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-ordered_on", "-id"]
        constraints = [
            models.CheckConstraint(name="order_state_known", condition=Q(state__in=OrderState.values)),
            models.CheckConstraint(
                name="order_quantities_sane", condition=Q(quantity__gt=0, received__gte=0)
            ),
            models.CheckConstraint(
                name="order_open_while_something_is_to_come",
                condition=~Q(state="open") | Q(received__lt=F("quantity")),
            ),
            models.CheckConstraint(
                name="order_received_has_a_day",
                condition=Q(state="received", received_on__isnull=False)
                | ~Q(state="received") & Q(received_on__isnull=True),
            ),
        ]
        indexes = [
            models.Index(fields=["level"], name="order_open", condition=Q(state="open")),
            models.Index(
                fields=["level", "received_on"], name="order_lead_times", condition=Q(state="received")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity}"

    @property
    def outstanding(self) -> int:
        """Units still to come."""
        return max(self.quantity - self.received, 0) if self.state == OrderState.OPEN else 0
