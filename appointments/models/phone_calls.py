from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from appointments.models.visits import Appointment
from common.ids import new_id


class CallOutcome(models.TextChoices):
    REACHED = "reached", _("reached")
    NO_ANSWER = "no_answer", _("no answer")
    WRONG_NUMBER = "wrong_number", _("wrong number")


class PhoneCall(models.Model):
    """A nurse phoned a patient about a visit whose reminder reached nobody."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    appointment = models.ForeignKey(
        Appointment, verbose_name=_("appointment"), on_delete=models.CASCADE, related_name="phone_calls"
    )
    # The time of the visit that was told; a visit that has moved since has to be told anew.
    visit_at = models.DateTimeField(_("visit"))
    outcome = models.CharField(_("outcome"), max_length=12, choices=CallOutcome.choices)
    at = models.DateTimeField(_("when"))
    by = models.CharField(_("who"), max_length=150)

    class Meta:
        verbose_name = _("phone call")
        verbose_name_plural = _("phone calls")
        ordering = ["-at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="phonecall_outcome_known", condition=Q(outcome__in=CallOutcome.values)
            ),
        ]

    def __str__(self) -> str:
        return self.get_outcome_display()


class PatientToPhone(Appointment):
    """A visit on the call list."""

    class Meta:
        proxy = True
        verbose_name = _("patient to phone")
        verbose_name_plural = _("patients to phone")
