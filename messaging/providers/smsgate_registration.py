"""Tells the phone where to call, one registration an event."""

import json
from enum import Enum
from typing import Any

import aiohttp

from messaging.providers.base import CannotTell, Outcome
from messaging.providers.calls import get, post, without_numbers
from messaging.providers.smsgate import address, session

EVENTS = ("sms:received", "sms:sent", "sms:delivered", "sms:failed", "sms:cancelled")
# Younger than the others; an app that doesn't know it has nothing to tell.
MAY_BE_UNKNOWN = {"sms:cancelled"}
SECONDS = 10


class Registered(Enum):
    NOW = "registered"
    BEFORE = "registered already"
    UNKNOWN = "not known to this version of the app"


class RegistrationFailed(Exception):
    """In words for the person who runs the site."""


async def register(url: str) -> dict[str, Registered]:
    """Has the phone call `url` for each event; a second time changes nothing. Raises RegistrationFailed."""
    async with session(limit=1, total=SECONDS, connect=SECONDS) as phone:
        there = await _registered(phone)
        return {
            event: Registered.BEFORE if (event, url) in there else await _register(phone, event, url)
            for event in EVENTS
        }


async def _registered(phone: aiohttp.ClientSession) -> set[tuple[Any, Any]]:
    try:
        answer = await get(phone, address("webhooks"))
    except CannotTell as error:
        raise RegistrationFailed(
            "The phone does not answer at SMSGATE_BASE_URL. Is the app running?"
        ) from error
    if answer.status in (401, 403):
        raise RegistrationFailed("The phone refuses SMSGATE_USERNAME and SMSGATE_PASSWORD.")
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = None
    if answer.status != 200 or not isinstance(found, list):
        raise RegistrationFailed(f"SMSGATE_BASE_URL gives no list of webhooks (HTTP {answer.status}).")
    return {(each.get("event"), each.get("url")) for each in found if isinstance(each, dict)}


async def _register(phone: aiohttp.ClientSession, event: str, url: str) -> Registered:
    # With an id of ours a new address takes the place of the old one.
    hook = {"id": f"reminders-{event.replace(':', '-')}", "url": url, "event": event}
    answer = await post(phone, address("webhooks"), json=hook)
    if isinstance(answer, Outcome):
        raise RegistrationFailed(f"The phone broke off at {event}: {answer.code}. Run this again.")
    if 200 <= answer.status < 300:
        return Registered.NOW
    if event in MAY_BE_UNKNOWN and answer.status in (400, 500):
        return Registered.UNKNOWN
    words = without_numbers(str(answer.fields().get("message") or ""))[:200]
    raise RegistrationFailed(f"The phone refuses {event} (HTTP {answer.status}). {words}".strip())
