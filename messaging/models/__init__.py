"""The tables, a room a subject; others import them from here."""

from messaging.models.alarms import Alarm, AlarmKind
from messaging.models.bad_numbers import BadNumber
from messaging.models.messages import (
    FINAL,
    TRANSITIONS,
    Channel,
    Encoding,
    Message,
    MessageEvent,
    MessageQuerySet,
    MessageStatus,
)
from messaging.models.provider_states import Breaker, Pin, ProviderState
from messaging.models.receipts import Receipt
from messaging.models.replies import Meaning, Reply, ReplyState
from messaging.models.stopping import OptOut, SendingSwitch
from messaging.models.templates import MessageTemplate, TemplateKey

__all__ = [
    "FINAL",
    "TRANSITIONS",
    "Alarm",
    "AlarmKind",
    "BadNumber",
    "Breaker",
    "Channel",
    "Encoding",
    "Meaning",
    "Message",
    "MessageEvent",
    "MessageQuerySet",
    "MessageStatus",
    "MessageTemplate",
    "OptOut",
    "Pin",
    "ProviderState",
    "Receipt",
    "Reply",
    "ReplyState",
    "SendingSwitch",
    "TemplateKey",
]
