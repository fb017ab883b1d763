"""How much of an item a clinic has, lot by lot, and what follows from it."""

from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Clinic
from common.ids import new_id
from stock.models.catalogue import Item

EVERY_DAY = 0b1111111


class StockStatus(models.TextChoices):
    OUT = "out", _("out of stock")
    CRITICAL = "critical", _("critical: won't last until a delivery")
    LOW = "low", _("low: order now")
    OK = "ok", _("enough")
    OVER = "over", _("too much")
    NO_DATA = "no_data", _("not known yet")


LOW_STATUSES = (StockStatus.OUT, StockStatus.CRITICAL, StockStatus.LOW)


class StockLevelQuerySet(models.QuerySet["StockLevel"]):
    def low(self) -> "StockLevelQuerySet":
        """Out, critical or low; the most urgent first."""
        # By a status it would be a parameter, and SQLite takes no partial index on a parameter's word.
        return self.filter(urgency__isnull=False).order_by("urgency", "pk")


class StockLevel(models.Model):
    """One item in one clinic.

    `on_hand` is the sum of its ledger and of its lots. What is derived from it (`usable` to `urgency`) is
    written with every movement; what needs the ledger's history (`usage_rate` to `reorder_point`) nightly.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    clinic = models.ForeignKey(
        Clinic,
        verbose_name=_("clinic"),
        on_delete=models.PROTECT,
        related_name="stock_levels",
        db_index=False,
    )
    item = models.ForeignKey(Item, verbose_name=_("item"), on_delete=models.PROTECT, related_name="levels")
    on_hand = models.BigIntegerField(_("on hand"), default=0, editable=False)
    # The number of the newest entry of its ledger: they are numbered without a gap.
    sequence = models.PositiveIntegerField(default=0, editable=False)

    reorder_level = models.PositiveIntegerField(
        _("reorder level"), null=True, blank=True, help_text=_("Empty: worked out from usage.")
    )
    max_level = models.PositiveIntegerField(_("most to keep"), null=True, blank=True)
    lead_time_days = models.PositiveSmallIntegerField(
        _("days from order to delivery"),
        default=14,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
    )
    review_days = models.PositiveSmallIntegerField(
        _("days between orders"), default=30, validators=[MinValueValidator(1), MaxValueValidator(365)]
    )
    manual_daily_usage = models.FloatField(
        _("usage a day, estimated"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0001)],
        help_text=_("Used until the ledger holds enough."),
    )

    # From the ledger's history. Rates are units a day that the clinic is open.
    usage_rate = models.FloatField(null=True, editable=False)  # the last reliable one
    usage_variance = models.FloatField(null=True, editable=False)  # of a day's demand
    usage_units = models.IntegerField(default=0, editable=False)
    usage_days = models.PositiveIntegerField(default=0, editable=False)
    usage_on = models.DateField(null=True, editable=False)  # when `usage_rate` was last reliable
    average_monthly = models.FloatField(_("average monthly consumption"), null=True, editable=False)
    booked_demand = models.PositiveBigIntegerField(default=0, editable=False)
    open_weekdays = models.PositiveSmallIntegerField(default=EVERY_DAY, editable=False)  # bit 0: Monday
    lead_time_mean = models.FloatField(null=True, editable=False)  # learned from received orders
    lead_time_sd = models.FloatField(null=True, editable=False)
    reorder_point = models.PositiveBigIntegerField(null=True, editable=False)

    # From the balance and the above, at every movement.
    usable = models.BigIntegerField(_("usable"), default=0, editable=False)
    on_order = models.BigIntegerField(_("on order"), default=0, editable=False)
    status = models.CharField(
        _("status"),
        max_length=8,
        choices=StockStatus.choices,
        default=StockStatus.NO_DATA,
        editable=False,
    )
    daily_usage = models.FloatField(_("usage a day"), null=True, editable=False)
    days_of_stock = models.FloatField(_("days of stock"), null=True, editable=False)
    runs_out_on = models.DateField(_("runs out on"), null=True, editable=False)
    suggested_order = models.PositiveBigIntegerField(_("suggested order"), default=0, editable=False)
    will_expire = models.PositiveBigIntegerField(default=0, editable=False)
    next_expiry = models.DateField(_("next expiry"), null=True, editable=False)
    urgency = models.FloatField(null=True, editable=False)  # the smaller, the more urgent
    figures_on = models.DateField(null=True, editable=False)  # the local day of the nightly figures

    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"))
    updated_at = models.DateTimeField(_("changed"))

    objects: ClassVar[models.Manager["StockLevel"]] = StockLevelQuerySet.as_manager()

    if TYPE_CHECKING:
        clinic_id: UUID
        item_id: UUID

    class Meta:
        verbose_name = _("stock level")
        verbose_name_plural = _("stock levels")
        ordering = ["clinic_id", "item_id"]
        constraints = [
            models.UniqueConstraint(
                name="stocklevel_once_a_clinic",
                fields=["clinic", "item"],
                violation_error_message=_("This clinic keeps this item already."),
            ),
            models.CheckConstraint(
                name="stocklevel_never_negative",
                condition=Q(on_hand__gte=0),
                violation_error_code="INSUFFICIENT_STOCK",
                violation_error_message=_("There is not enough in stock."),
            ),
            models.CheckConstraint(
                name="stocklevel_usable_within_on_hand",
                condition=Q(usable__gte=0, usable__lte=F("on_hand")),
            ),
            models.CheckConstraint(name="stocklevel_on_order_never_negative", condition=Q(on_order__gte=0)),
            models.CheckConstraint(
                name="stocklevel_max_above_reorder_level",
                condition=Q(max_level__isnull=True)
                | Q(reorder_level__isnull=True, max_level__gte=1)
                | Q(max_level__gt=F("reorder_level")),
                violation_error_message=_("The most to keep must be more than the reorder level."),
            ),
            models.CheckConstraint(
                name="stocklevel_days_sane",
                condition=Q(
                    lead_time_days__gte=1, lead_time_days__lte=365, review_days__gte=1, review_days__lte=365
                ),
            ),
            models.CheckConstraint(
                name="stocklevel_urgency_of_what_is_low",
                condition=Q(status__in=LOW_STATUSES, urgency__isnull=False)
                | ~Q(status__in=LOW_STATUSES) & Q(urgency__isnull=True),
            ),
            models.CheckConstraint(
                name="stocklevel_status_known", condition=Q(status__in=StockStatus.values)
            ),
        ]
        indexes = [
            models.Index(
                fields=["urgency", "id"],
                name="stocklevel_low",
                condition=Q(urgency__isnull=False),
            ),
            models.Index(
                fields=["clinic", "urgency", "id"],
                name="stocklevel_low_by_clinic",
                condition=Q(urgency__isnull=False),
            ),
            models.Index(fields=["figures_on", "id"], name="stocklevel_stale"),
            models.Index(fields=["next_expiry", "id"], name="stocklevel_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.item.name}, {self.clinic.name}"


class Lot(models.Model):
    """A delivery's number and expiry date, and what is left of it. It may be used through `expires_on`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    level = models.ForeignKey(
        StockLevel, verbose_name=_("level"), on_delete=models.PROTECT, related_name="lots", db_index=False
    )
    code = models.CharField(_("lot"), max_length=60, blank=True, default="")
    expires_on = models.DateField(_("expires"), null=True, blank=True)
    quantity = models.BigIntegerField(_("quantity"), default=0)

    if TYPE_CHECKING:
        level_id: UUID

    class Meta:
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        ordering = [F("expires_on").asc(nulls_last=True), "id"]
        constraints = [
            models.CheckConstraint(name="lot_never_negative", condition=Q(quantity__gte=0)),
            models.UniqueConstraint(name="lot_once_a_level", fields=["level", "code", "expires_on"]),
            models.UniqueConstraint(
                name="lot_without_expiry_once_a_level",
                fields=["level", "code"],
                condition=Q(expires_on__isnull=True),
            ),
        ]
        indexes = [
            models.Index(fields=["level", "expires_on"], name="lot_in_stock", condition=Q(quantity__gt=0)),
        ]

    def __str__(self) -> str:
        return self.code or "–"
