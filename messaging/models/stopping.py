from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.ids import new_id


class OptOut(models.Model):
    """A phone that wants no texts. It holds in the whole system, whoever shares the phone."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    phone = models.CharField(_("phone"), max_length=20)
    source = models.CharField(_("source"), max_length=20, help_text=_("A reply, a nurse, the provider."))
    opted_out_at = models.DateTimeField(_("since"))
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)

    class Meta:
        verbose_name = _("opt-out")
        verbose_name_plural = _("opt-outs")
        ordering = ["-opted_out_at"]
        constraints = [
            models.UniqueConstraint(
                name="optout_one_in_force_a_phone", fields=["phone"], condition=Q(lifted_at__isnull=True)
            ),
            models.CheckConstraint(
                name="optout_lifted_after_start",
                condition=Q(lifted_at__isnull=True) | Q(lifted_at__gte=F("opted_out_at")),
            ),
        ]

    def __str__(self) -> str:
        return str(_("opt-out"))


class SendingSwitch(models.Model):
    """The kill switch: one row, read before every batch."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    sending = models.BooleanField(_("texts are being sent"), default=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("kill switch")
        verbose_name_plural = _("kill switch")
        constraints = [models.CheckConstraint(name="sendingswitch_one_row", condition=Q(id=1))]

    def __str__(self) -> str:
        return str(_("on: texts are sent") if self.sending else _("OFF: no text leaves"))
