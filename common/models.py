"""What the site keeps about itself. No row here outlives its use, and none is about a patient."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class CacheEntry(models.Model):
    """A row of the shared cache where that is in PostgreSQL: see common.shared_cache."""

    key = models.CharField(max_length=300, primary_key=True)
    number = models.BigIntegerField(null=True)
    pickled = models.BinaryField(null=True)
    # Seconds since 1970, by the web server's clock.
    expires = models.FloatField()

    class Meta:
        db_table = "common_cache_entry"
        indexes = [models.Index(fields=["expires"], name="cache_entry_expiry")]

    def __str__(self) -> str:
        return self.key


class Heartbeat(models.Model):
    """When the worker last did a scheduled task: written through its whole pipeline."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name


class IdempotencyKey(models.Model):
    """The first answer to a request that may come again: see common.idempotency."""

    # Of caller, method, path and key: none of them is kept.
    digest = models.CharField(max_length=64, primary_key=True)
    body_digest = models.CharField(max_length=64)
    # Whose turn it is to answer, and until when it is taken for alive.
    turn = models.UUIDField()
    turn_ends_at = models.DateTimeField()
    # Empty while the first is still running.
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=b"")
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        indexes = [models.Index(fields=["expires_at"], name="idempotency_expiry")]

    def __str__(self) -> str:
        return self.digest[:8]
