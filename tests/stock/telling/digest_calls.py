"""The words about digests that their tests share: times, a low item, what was queued."""

from datetime import datetime
from zoneinfo import ZoneInfo

from accounts.models import Preferences
from messaging.models import Message
from tests.factories.stock import ItemFactory, moved, stocked

GABORONE = ZoneInfo("Africa/Gaborone")


def at(hour, minute=0, *, day=2, zone=GABORONE):
    return datetime(2026, 11, day, hour, minute, tzinfo=zone)


def low_item(clinic, *, now=None, **item):
    """A level with 15 of an item whose reorder level is 20."""
    now = now or at(6)
    level = stocked(40, clinic=clinic, item=ItemFactory(**item), reorder_level=20, now=now)
    moved(level, "issue", 25, now=now)
    return level


def prefers(user, **changes):
    Preferences.objects.update_or_create(user=user, defaults=changes)


def mails():
    return list(Message.objects.filter(channel="email").order_by("created_at", "pk"))


def texts():
    return list(Message.objects.filter(channel="sms").order_by("created_at", "pk"))
