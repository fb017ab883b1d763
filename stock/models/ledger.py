"""The ledger: what happened to a level. Its rows are never changed and never deleted."""

from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.ids import new_id
from stock.models.levels import Lot, StockLevel
from stock.models.orders import Order


class MovementKind(models.TextChoices):
    RECEIPT = "receipt", _("received")
    ISSUE = "issue", _("issued to a patient")
    WASTAGE = "wastage", _("wasted: expired, broken, lost")
    ADJUSTMENT = "adjustment", _("corrected")
    COUNT = "count", _("counted")
    TRANSFER_OUT = "transfer_out", _("sent to another clinic")
    TRANSFER_IN = "transfer_in", _("came from another clinic")
    TRANSIT_LOSS = "transit_loss", _("lost on the way from another clinic")
    RETURN = "return", _("returned by a patient")
    UNMET = "unmet", _("asked for, not there")
    REVERSAL = "reversal", _("taken back")


ADDS = (MovementKind.RECEIPT, MovementKind.RETURN, MovementKind.TRANSFER_IN)
TAKES = (MovementKind.ISSUE, MovementKind.WASTAGE, MovementKind.TRANSFER_OUT)
TELLS = (MovementKind.UNMET, MovementKind.TRANSIT_LOSS)


class Movement(models.Model):
    """One entry. `quantity` is as it was told, `change` what it did to the balance.

    The balance is the sum of `change`; `balance_after` is that sum in the order of `sequence`, which is the
    order of recording. `occurred_on` is the day on which it happened, `demand` what it says of patients'
    demand on that day: issued and unmet count, returned and taken back count against.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    level = models.ForeignKey(
        StockLevel,
        verbose_name=_("level"),
        on_delete=models.PROTECT,
        related_name="movements",
        db_index=False,  # the constraint on `sequence` has its index
    )
    sequence = models.PositiveIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=12, choices=MovementKind.choices)
    quantity = models.BigIntegerField(_("quantity"))
    change = models.BigIntegerField(_("change"))
    balance_after = models.BigIntegerField(_("balance"))
    demand = models.BigIntegerField(default=0)
    occurred_on = models.DateField(_("day"))
    recorded_at = models.DateTimeField(_("recorded"))
    # Where a count stands among the entries of its day, if it was told; else as recorded.
    counted_at = models.DateTimeField(_("counted"), null=True)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.UUIDField(null=True)
    actor_name = models.CharField(_("who"), max_length=150)
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    reverses = models.OneToOneField(
        "self", verbose_name=_("takes back"), null=True, on_delete=models.PROTECT, related_name="reversed_by"
    )
    order = models.ForeignKey(
        Order, verbose_name=_("order"), null=True, on_delete=models.PROTECT, related_name="receipts"
    )
    # A repeat of the same request, or of the same row of a file, is no second entry.
    dedupe_key = models.CharField(max_length=100, null=True, unique=True)

    objects: ClassVar[models.Manager["Movement"]] = models.Manager()

    if TYPE_CHECKING:
        level_id: UUID
        reverses_id: UUID | None
        order_id: UUID | None

    class Meta:
        verbose_name = _("movement")
        verbose_name_plural = _("movements")
        ordering = ["level_id", "sequence"]
        constraints = [
            models.UniqueConstraint(name="movement_numbered_once", fields=["level", "sequence"]),
            models.CheckConstraint(name="movement_kind_known", condition=Q(kind__in=MovementKind.values)),
            models.CheckConstraint(
                name="movement_changes_as_its_kind_does",
                condition=Q(kind__in=ADDS, quantity__gt=0, change=F("quantity"))
                | Q(kind__in=TAKES, quantity__gt=0, change=-F("quantity"))
                | Q(kind__in=TELLS, quantity__gt=0, change=0)
                | Q(kind=MovementKind.ADJUSTMENT, change=F("quantity")) & ~Q(change=0)
                | Q(kind=MovementKind.COUNT, quantity__gte=0)
                | Q(kind=MovementKind.REVERSAL),
            ),
            models.CheckConstraint(name="movement_never_negative", condition=Q(balance_after__gte=0)),
            models.CheckConstraint(
                name="movement_reversal_takes_back_one",
                condition=Q(kind=MovementKind.REVERSAL, reverses__isnull=False)
                | ~Q(kind=MovementKind.REVERSAL) & Q(reverses__isnull=True),
            ),
        ]
        indexes = [
            models.Index(fields=["level", "occurred_on"], name="movement_by_day"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.quantity}"


class MovementLot(models.Model):
    """How an entry's change falls on lots: the picks can be traced. `quantity` is signed."""

    id = models.BigAutoField(primary_key=True)
    movement = models.ForeignKey(Movement, on_delete=models.PROTECT, related_name="lots", db_index=False)
    lot = models.ForeignKey(Lot, verbose_name=_("lot"), on_delete=models.PROTECT, related_name="movements")
    # As its movement says: usage reads a year of these in bulk.
    level = models.ForeignKey(StockLevel, on_delete=models.PROTECT, related_name="+", db_index=False)
    occurred_on = models.DateField()
    quantity = models.BigIntegerField(_("quantity"))

    if TYPE_CHECKING:
        movement_id: UUID
        lot_id: UUID
        level_id: UUID

    class Meta:
        verbose_name = _("lot of a movement")
        verbose_name_plural = _("lots of movements")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(name="movementlot_once", fields=["movement", "lot"]),
            models.CheckConstraint(name="movementlot_changes_something", condition=~Q(quantity=0)),
        ]
        indexes = [models.Index(fields=["level", "occurred_on"], name="movementlot_by_day")]

    def __str__(self) -> str:
        return f"{self.quantity}"


class TransferState(models.TextChoices):
    IN_TRANSIT = "in_transit", _("on the way")
    RECEIVED = "received", _("received")
    CANCELLED = "cancelled", _("taken back by the sender")


class Transfer(models.Model):
    """What a `transfer_out` sent, on its way to another clinic's level until that clinic takes it in."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    sent = models.OneToOneField(
        Movement, verbose_name=_("sent"), on_delete=models.PROTECT, related_name="transfer"
    )
    to_level = models.ForeignKey(
        StockLevel, verbose_name=_("to"), on_delete=models.PROTECT, related_name="incoming"
    )
    quantity = models.BigIntegerField(_("sent"))
    received = models.BigIntegerField(_("received"), null=True)
    # The entry of the receiving clinic; none where nothing arrived.
    arrival = models.OneToOneField(
        Movement, verbose_name=_("arrival"), null=True, on_delete=models.PROTECT, related_name="arrival_of"
    )
    loss = models.OneToOneField(
        Movement, verbose_name=_("loss"), null=True, on_delete=models.PROTECT, related_name="loss_of"
    )
    state = models.CharField(
        _("state"), max_length=10, choices=TransferState.choices, default=TransferState.IN_TRANSIT
    )
    updated_at = models.DateTimeField(_("changed"))

    if TYPE_CHECKING:
        sent_id: UUID
        to_level_id: UUID
        arrival_id: UUID | None
        loss_id: UUID | None

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="transfer_state_known", condition=Q(state__in=TransferState.values)),
            models.CheckConstraint(
                name="transfer_received_within_sent",
                condition=Q(state="received", received__gte=0, received__lte=F("quantity"))
                | ~Q(state="received") & Q(received__isnull=True),
            ),
        ]
        indexes = [
            models.Index(fields=["to_level"], name="transfer_on_its_way", condition=Q(state="in_transit"))
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.state}"
