from django.db import models
from django.db.models import Q
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.models import Clinic, Language
from common.ids import new_id


class TemplateKey(models.TextChoices):
    REMINDER = "reminder", _("reminder")
    CONFIRMATION = "confirmation", _("visit booked")
    RESCHEDULED = "rescheduled", _("visit moved")
    CANCELLED = "cancelled", _("visit cancelled")
    MISSED = "missed", _("visit missed")
    LOW_STOCK = "low_stock", _("low stock")


class MessageTemplate(models.Model):
    """A text with placeholders: one for all clinics, or a clinic's own in its place."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    key = models.CharField(_("purpose"), max_length=20, choices=TemplateKey.choices)
    language = models.CharField(_("language"), max_length=2, choices=Language.choices)
    clinic = models.ForeignKey(
        Clinic,
        verbose_name=_("clinic"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="message_templates",
        help_text=_("Empty: for all clinics that have none of their own."),
    )
    body = models.TextField(_("text"), max_length=1600)
    keep_diacritics = models.BooleanField(
        _("keep ê, ô and š"),
        default=False,
        help_text=_("They make a text up to three times as dear. Off: they are sent as e, o and s."),
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("message template")
        verbose_name_plural = _("message templates")
        ordering = ["key", "language"]
        constraints = [
            models.UniqueConstraint(
                name="template_once_for_all_clinics",
                fields=["key", "language"],
                condition=Q(clinic__isnull=True),
                violation_error_message=_("There is such a template for all clinics already."),
            ),
            models.UniqueConstraint(
                name="template_once_a_clinic",
                fields=["key", "language", "clinic"],
                condition=Q(clinic__isnull=False),
                violation_error_message=_("This clinic has such a template already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{capfirst(self.get_key_display())} ({self.get_language_display()})"
