"""What the phone calls, and how it is told where."""

import hashlib
import hmac
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from messaging.models import MessageStatus
from messaging.providers.base import (
    CannotTell,
    ForgedWebhook,
    InboundText,
    StatusReport,
    WebhookCall,
)
from messaging.providers.calls import json_object, storable
from messaging.providers.smsgate_words import failure, moment

CLOCKS_APART = timedelta(minutes=5)
STATUSES = {"sms:sent": MessageStatus.SENT, "sms:delivered": MessageStatus.DELIVERED}
FAILURES = {"sms:failed", "sms:cancelled"}


def check_signature(call: WebhookCall) -> None:
    """Raises ForgedWebhook unless the phone signed this call, just now."""
    secret = settings.SMSGATE_WEBHOOK_SECRET
    stamp, given = call.header("X-Timestamp"), call.header("X-Signature")
    # An empty secret would be a key that everyone has.
    if not (secret and given and stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise ForgedWebhook
    signed = hmac.new(secret.encode(), call.body + stamp.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signed.encode(), given.strip().lower().encode()):
        raise ForgedWebhook
    # The phone signs each new try anew, so what is older was caught on its way.
    if abs(int(stamp) - timezone.now().timestamp()) > CLOCKS_APART.total_seconds():
        raise ForgedWebhook


def read(body: bytes) -> list[StatusReport | InboundText]:
    """What a signed call says: nothing where it is about no text of ours. Raises CannotTell."""
    said = json_object(body)
    event, payload = said.get("event"), said.get("payload")
    if not isinstance(event, str) or not isinstance(payload, dict):
        raise CannotTell
    if event == "sms:received":
        return [_inbound(payload, _text(said, "id"))]
    if event not in STATUSES and event not in FAILURES:
        return []
    number = _text(payload, "messageId")
    try:
        message_id = UUID(number)
    except ValueError:
        # Someone else sends through this phone too.
        return []
    if event in STATUSES:
        at = moment(payload.get("sentAt" if event == "sms:sent" else "deliveredAt"))
        return [StatusReport(str(message_id), STATUSES[event], at=at, message_id=message_id)]
    reason = "Cancelled" if event == "sms:cancelled" else _text(payload, "reason")
    at = moment(payload.get("failedAt") or payload.get("cancelledAt"))
    return [failure(str(message_id), reason, at=at, message_id=message_id)]


def _inbound(payload: dict[str, Any], event_id: str) -> InboundText:
    sender = _text(payload, "sender") or _text(payload, "phoneNumber")
    number, received = _text(payload, "messageId"), _text(payload, "receivedAt")
    if not sender or not (event_id or received):
        raise CannotTell
    body = _text(payload, "message")
    # The phone makes `messageId` from the text and promises nothing of it: the same "YES" next week is
    # another. The event's own id differs where one text is told twice, as by two registrations.
    parts = [number, sender, body, received or event_id]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
    return InboundText(f"{number[:60]}/{digest}", sender, body, at=moment(received))


def _text(holder: dict[str, Any], name: str) -> str:
    value = holder.get(name)
    return storable(value) if isinstance(value, str) else ""
