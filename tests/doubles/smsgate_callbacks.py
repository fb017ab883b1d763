"""The calls that the phone makes: signed as the app signs."""

import asyncio
import hashlib
import hmac
import json
import time
from typing import Any
from uuid import uuid4

import aiohttp

from tests.doubles.smsgate_books import DEVICE, EVENTS, Record, clock
from tests.doubles.twilio_behaviour import Callbacks

AT_ONCE = 20
TIMES = {
    "sms:sent": "sentAt",
    "sms:delivered": "deliveredAt",
    "sms:failed": "failedAt",
    "sms:cancelled": "cancelledAt",
}


def signature(body: bytes, timestamp: str, secret: str) -> str:
    """Hex HMAC-SHA256 over the body as it is sent, with the seconds after it."""
    return hmac.new(secret.encode(), body + timestamp.encode(), hashlib.sha256).hexdigest()


def event(name: str, payload: dict[str, Any], event_id: str | None = None) -> dict[str, Any]:
    return {
        "id": event_id or uuid4().hex,
        "webhookId": f"hook-{name}",
        "deviceId": DEVICE,
        "event": name,
        "payload": payload,
    }


def status_event(number: str, to: str, status: str, reason: str | None, skew: float = 0) -> dict[str, Any]:
    name = EVENTS[status]
    payload = {
        "messageId": number,
        "phoneNumber": to,
        "sender": None,
        "recipient": to,
        "simNumber": 1,
        "partsCount": 1,
        TIMES[name]: clock(skew).isoformat(timespec="milliseconds"),
    }
    if name == "sms:failed":
        payload["reason"] = reason or "Unknown"
    return event(name, payload)


class Caller:
    """Posts events to what is registered and keeps the answers."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(AT_ONCE)
        # Each webhook by its id: url and event.
        self.webhooks: dict[str, dict[str, Any]] = {}
        self.answers: list[dict[str, Any]] = []

    def urls(self, name: str) -> list[str]:
        return [hook["url"] for hook in self.webhooks.values() if hook["event"] == name]

    def start(self, record: Record, callbacks: Callbacks, skew_seconds: float) -> None:
        task = asyncio.create_task(self.tell(record, callbacks, skew_seconds))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def tell(self, record: Record, callbacks: Callbacks, skew_seconds: float) -> None:
        """Tells each status in turn, in the way that was set. The message itself always goes forward."""
        steps = [status for status in callbacks.statuses if status in EVENTS]
        told = []
        for status in steps:
            last = status == steps[-1]
            reason = str(callbacks.error_code) if last and callbacks.error_code else None
            record.become(status, reason, clock(skew_seconds))
            told.append(status_event(record.number, record.to, status, reason, skew_seconds))
        if callbacks.how == "never":
            return
        if callbacks.how == "reversed":
            told.reverse()
        for each in told:
            for url in self.urls(each["event"]):
                for _ in range(2 if callbacks.how == "doubled" else 1):
                    await self.post(url, each, forged=callbacks.how == "forged", age_seconds=-skew_seconds)

    async def post(
        self, url: str, said: dict[str, Any], *, forged: bool = False, age_seconds: float = 0
    ) -> dict[str, Any]:
        body = json.dumps(said).encode()
        timestamp = str(int(time.time() - age_seconds))
        headers = {
            "Content-Type": "application/json",
            "X-Timestamp": timestamp,
            "X-Signature": signature(body, timestamp, "not-the-key" if forged else self._secret),
        }
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15))
        answer: dict[str, Any] = {"url": url, "event": said["event"], "payload": said["payload"]}
        async with self._places:
            try:
                async with self._session.post(url, data=body, headers=headers) as response:
                    answer |= {"answered": response.status, "text": await response.text()}
            except (aiohttp.ClientError, TimeoutError) as error:
                answer |= {"answered": None, "text": type(error).__name__}
        self.answers.append(answer)
        return answer

    async def idle(self) -> None:
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._session is not None:
            await self._session.close()
