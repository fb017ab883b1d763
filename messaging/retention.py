"""Texts are kept as long as they are of use. Then their words and phones go; what became of them stays."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from messaging.models import Message, MessageStatus, Reply, ReplyState

BATCH = 1000
# Somebody still waits for these, whatever their age.
_OPEN = (MessageStatus.QUEUED, MessageStatus.SENDING)


def forget_old(*, now: datetime) -> int:
    """Blanks the words and phones of texts and replies older than MESSAGE_RETENTION_DAYS, and counts them.

    The rows stay: a reminder that was sent is never sent again, and the reports still add up.
    """
    if not settings.MESSAGE_RETENTION_DAYS:
        return 0
    before = now - timedelta(days=settings.MESSAGE_RETENTION_DAYS)
    texts = Message.objects.filter(~Q(body=""), created_at__lt=before).exclude(status__in=_OPEN)
    replies = Reply.objects.filter(~Q(body=""), received_at__lt=before).exclude(
        state__in=[ReplyState.NEW, ReplyState.WAITING]
    )
    return _blank(texts, to="", subject="", body="", html="") + _blank(replies, phone="", body="")


def _blank(rows: QuerySet[Any], **blank: str) -> int:
    count = 0
    while True:
        with transaction.atomic():
            keys = list(rows.order_by()[:BATCH].values_list("pk", flat=True))
            rows.model.objects.filter(pk__in=keys).update(**blank)
        count += len(keys)
        if len(keys) < BATCH:
            return count
