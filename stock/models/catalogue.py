"""What can be in stock, and what a visit uses of it."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Clinic
from common.ids import new_id


class Item(models.Model):
    """Counted in its `unit`; ordered in packs of `pack_size` units."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.CharField(
        _("code"),
        max_length=30,
        unique=True,
        validators=[
            RegexValidator(r"^[A-Z0-9][A-Z0-9._-]*$", _("Use capital letters, digits, . - and _ only."))
        ],
    )
    name = models.CharField(_("name"), max_length=120)
    unit = models.CharField(_("unit"), max_length=40, help_text=_("What is counted: tablet, vial, piece."))
    pack_size = models.PositiveIntegerField(
        _("units in a pack"), default=1, validators=[MinValueValidator(1)]
    )
    vital = models.BooleanField(
        _("vital"), default=False, help_text=_("A patient may come to harm without it.")
    )
    shelf_life_days = models.PositiveIntegerField(
        _("shelf life (days)"), null=True, blank=True, help_text=_("On arrival. Empty: it does not expire.")
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"))
    updated_at = models.DateTimeField(_("changed"))

    class Meta:
        verbose_name = _("item")
        verbose_name_plural = _("items")
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(name="item_pack_size_positive", condition=Q(pack_size__gte=1)),
            models.CheckConstraint(
                name="item_shelf_life_positive",
                condition=Q(shelf_life_days__isnull=True) | Q(shelf_life_days__gte=1),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class VisitTypeItem(models.Model):
    """A visit of this type uses so many units of an item: booked visits foretell demand."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # Without a clinic it holds for all; a clinic's own row goes before it.
    clinic = models.ForeignKey(
        Clinic, verbose_name=_("clinic"), null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    visit_type = models.CharField(
        _("visit type"), max_length=60, help_text=_("As appointments name it; capitals make no difference.")
    )
    visit_type_key = models.CharField(max_length=60, editable=False)
    item = models.ForeignKey(
        Item, verbose_name=_("item"), on_delete=models.CASCADE, related_name="visit_types"
    )
    quantity = models.PositiveIntegerField(_("units a visit"), validators=[MinValueValidator(1)])

    if TYPE_CHECKING:
        clinic_id: UUID | None
        item_id: UUID

    class Meta:
        verbose_name = _("use at a visit")
        verbose_name_plural = _("use at visits")
        ordering = ["visit_type_key", "item_id"]
        constraints = [
            models.CheckConstraint(name="visittypeitem_quantity_positive", condition=Q(quantity__gte=1)),
            models.UniqueConstraint(
                name="visittypeitem_once_a_clinic",
                fields=["clinic", "visit_type_key", "item"],
                violation_error_message=_("This item stands here already for this visit type."),
            ),
            models.UniqueConstraint(
                name="visittypeitem_once_for_all",
                fields=["visit_type_key", "item"],
                condition=Q(clinic__isnull=True),
                violation_error_message=_("This item stands here already for this visit type."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.visit_type}: {self.quantity}"

    def save(self, *args: object, **kwargs: object) -> None:
        self.visit_type_key = visit_type_key(self.visit_type)
        super().save(*args, **kwargs)  # type: ignore[arg-type]


def visit_type_key(visit_type: str) -> str:
    """A visit type as they are compared: case and spacing aside."""
    return " ".join(visit_type.split()).casefold()[:60]
