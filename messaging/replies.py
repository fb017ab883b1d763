"""Texts that come in: kept once, then read."""

from datetime import datetime

from common.phones import PhoneError, parse_mobile
from messaging.models import Reply
from messaging.providers.base import InboundText


def take(text: InboundText, *, provider: str, now: datetime) -> None:
    """Keeps a text that came in; a second time changes nothing.

    Call it outside a transaction: the text is committed before it is read.
    """
    try:
        phone = parse_mobile(text.sender)
    except PhoneError:
        # A short code or a name, of a network or a shop.
        phone = text.sender[:20]
    Reply.objects.bulk_create(
        [
            Reply(
                provider=provider,
                provider_message_id=text.provider_message_id[:100],
                phone=phone,
                body=text.body,
                received_at=text.at or now,
            )
        ],
        ignore_conflicts=True,
    )
