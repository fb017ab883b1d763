from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Breaker(models.TextChoices):
    CLOSED = "closed", _("in use")
    OPEN = "open", _("left alone for a while")
    HALF_OPEN = "half_open", _("tried with one text")


class Pin(models.TextChoices):
    NONE = "", _("by itself")
    USE = "use", _("always use it")
    LEAVE = "leave", _("never use it")


class ProviderState(models.Model):
    """What all workers know of a provider: whether it is used, and how fast. All times by the real clock."""

    name = models.CharField(_("provider"), max_length=100, primary_key=True)
    breaker = models.CharField(_("state"), max_length=9, choices=Breaker.choices, default=Breaker.CLOSED)
    pin = models.CharField(_("set by hand"), max_length=5, choices=Pin.choices, blank=True, default="")
    # Open: until then it is left alone. Half open: until then its one text has time.
    rest_until = models.DateTimeField(_("left alone until"), null=True, blank=True)
    # How often in a row it was left alone: each time longer.
    trips = models.PositiveSmallIntegerField(default=0)
    opened_at = models.DateTimeField(_("in trouble since"), null=True, blank=True)
    # Answers of late; both are halved from time to time, so that old ones weigh less.
    answers = models.PositiveIntegerField(default=0)
    troubles = models.PositiveIntegerField(default=0)
    halved_at = models.DateTimeField(null=True)
    last_error = models.CharField(_("last error"), max_length=40, blank=True, default="")
    # The first moment that is not promised to a text yet, where the provider has a rate.
    next_slot_at = models.DateTimeField(null=True)
    # Texts a second that it seems to take, since it said that they were too many; null: as many as come.
    pace = models.FloatField(null=True)
    paced_at = models.DateTimeField(null=True)
    # What the provider said last of the money left with it, and when it was last asked.
    balance = models.DecimalField(_("money left"), max_digits=14, decimal_places=4, null=True)
    balance_currency = models.CharField(max_length=3, blank=True, default="")
    balance_asked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("provider")
        verbose_name_plural = _("providers")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(name="providerstate_known", condition=Q(breaker__in=Breaker.values)),
            models.CheckConstraint(name="providerstate_pin_known", condition=Q(pin__in=Pin.values)),
            models.CheckConstraint(
                name="providerstate_rest_has_an_end",
                condition=Q(breaker="closed") | Q(rest_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name
