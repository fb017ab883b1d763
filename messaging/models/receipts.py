from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.ids import new_id
from messaging.models.messages import Message, MessageStatus


class Receipt(models.Model):
    """What a provider said of a message, kept once however often it says so.

    Without a message it waits: it came before our own note of the provider's number, or is not ours.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    provider = models.CharField(max_length=100)
    provider_message_id = models.CharField(max_length=100)
    status = models.CharField(max_length=11, choices=MessageStatus.choices)
    code = models.CharField(max_length=40, blank=True, default="")
    detail = models.CharField(max_length=300, blank=True, default="")
    permanent = models.BooleanField(default=False)
    # Our own number of the message, where the provider gave it back.
    reference = models.UUIDField(null=True)
    at = models.DateTimeField()
    message = models.ForeignKey(Message, null=True, on_delete=models.CASCADE, related_name="receipts")

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        constraints = [
            models.UniqueConstraint(
                name="receipt_kept_once", fields=["provider", "provider_message_id", "status", "code"]
            ),
        ]
        indexes = [
            models.Index(
                fields=["provider_message_id"], name="receipt_waiting", condition=Q(message__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.status
