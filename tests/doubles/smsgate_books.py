"""What the phone took: one record a number, whoever gave it, and where it is to call."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

STATES = {
    "pending": "Pending",
    "processed": "Processed",
    "sent": "Sent",
    "delivered": "Delivered",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
EVENTS = {
    "sent": "sms:sent",
    "delivered": "sms:delivered",
    "failed": "sms:failed",
    "cancelled": "sms:cancelled",
}
DEVICE = "the-double-s-phone"


@dataclass(slots=True)
class Record:
    """One accepted message. Times in `states` are the phone's own clock, which may be wrong on purpose."""

    number: str
    to: str
    body: str
    ttl: int | None
    with_delivery_report: bool
    priority: int
    when: datetime
    state: str = "Pending"
    error: str | None = None
    states: dict[str, str] = field(default_factory=dict)

    def become(self, status: str, reason: str | None, now: datetime) -> None:
        self.state, self.error = STATES[status], reason
        self.states[self.state] = now.isoformat(timespec="milliseconds")

    def as_smsgate(self) -> dict[str, Any]:
        recipient = {"phoneNumber": self.to, "state": self.state}
        if self.error is not None:
            recipient["error"] = self.error
        return {
            "id": self.number,
            "deviceId": DEVICE,
            "state": self.state,
            "recipients": [recipient],
            "isHashed": False,
            "isEncrypted": False,
            "states": dict(self.states),
        }

    def as_book_entry(self) -> dict[str, Any]:
        return {
            "id": self.number,
            "to": self.to,
            "body": self.body,
            "ttl": self.ttl,
            "with_delivery_report": self.with_delivery_report,
            "priority": self.priority,
            "state": self.state,
            "when": self.when.isoformat(),
        }


def clock(skew_seconds: float) -> datetime:
    """The phone's time."""
    return datetime.now(UTC) + timedelta(seconds=skew_seconds)


def wrong_in(message: Any) -> str:
    """The gateway's words for what it does not take; empty when nothing is wrong."""
    text = message.get("textMessage") if isinstance(message, dict) else None
    if not isinstance(text, dict) or not isinstance(text.get("text"), str):
        return "Must specify exactly one of: textMessage, dataMessage, or message"
    if not text["text"]:
        return "Text message is empty"
    phones = message.get("phoneNumbers")
    if not isinstance(phones, list) or not phones:
        return "phoneNumbers is empty"
    if "ttl" in message and "validUntil" in message:
        return "ttl and validUntil can't be given together"
    ttl = message.get("ttl", 5)
    if not isinstance(ttl, int) or ttl < 5:
        return "ttl must be >= 5"
    if len(str(message.get("id", ""))) > 36:
        return "id is too long"
    return ""
