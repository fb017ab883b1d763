"""The calls that the double makes: signed as Twilio signs, written without its SDK."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import aiohttp

from tests.doubles.twilio_behaviour import Callbacks
from tests.doubles.twilio_books import Record, clock

AT_ONCE = 20


def signature(url: str, params: Mapping[str, str], token: str) -> str:
    """HMAC-SHA1 over the URL and the sorted parameters, names and values with nothing between them."""
    signed = url + "".join(name + params[name] for name in sorted(params))
    digest = hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def status_params(record: Record, status: str, error_code: int | None = None) -> dict[str, str]:
    params = {
        "AccountSid": record.account,
        "ApiVersion": "2010-04-01",
        "From": record.sender or "",
        "MessageSid": record.sid,
        "MessageStatus": status,
        "SmsSid": record.sid,
        "SmsStatus": status,
        "To": record.to,
    }
    if record.service:
        params["MessagingServiceSid"] = record.service
    if error_code:
        params["ErrorCode"] = str(error_code)
    return params


class Caller:
    """Calls back, and keeps what was answered."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(AT_ONCE)
        # Someone waits for the early ones: they don't queue behind all others.
        self._early_places = asyncio.Semaphore(AT_ONCE)
        self.answers: list[dict[str, Any]] = []

    def start(self, record: Record, callbacks: Callbacks, skew_seconds: float) -> asyncio.Task[None]:
        """Goes on whatever becomes of the request that it is about."""
        task = asyncio.create_task(self.tell(record, callbacks, skew_seconds))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def tell(self, record: Record, callbacks: Callbacks, skew_seconds: float) -> None:
        """Tells each status in turn, in the way that was set. The message itself always goes forward."""
        steps = [(status, None) for status in callbacks.statuses[:-1]]
        steps += [(status, callbacks.error_code) for status in callbacks.statuses[-1:]]
        for status, code in steps:
            record.become(status, code, clock(skew_seconds))
        early = callbacks.before_the_answer > 0
        if callbacks.forgeries:
            opposite = "undelivered" if steps[-1][0] == "delivered" else "delivered"
            code = 30005 if opposite == "undelivered" else None
            await self.post(record.callback, status_params(record, opposite, code), forged=True, early=early)
        if callbacks.how == "never":
            return
        if callbacks.how == "reversed":
            steps.reverse()
        for status, code in steps:
            params = status_params(record, status, code)
            for _ in range(2 if callbacks.how == "doubled" else 1):
                await self.post(record.callback, params, forged=callbacks.how == "forged", early=early)

    async def post(
        self, url: str, params: Mapping[str, str], *, forged: bool = False, early: bool = False
    ) -> dict[str, Any]:
        token = "not-the-token" if forged else self._token
        headers = {"X-Twilio-Signature": signature(url, params, token)}
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15))
        answer: dict[str, Any] = {"url": url, "forged": forged, **params}
        async with self._early_places if early else self._places:
            try:
                async with self._session.post(url, data=params, headers=headers) as response:
                    answer |= {"answered": response.status, "text": await response.text()}
            except (aiohttp.ClientError, TimeoutError) as error:
                answer |= {"answered": None, "text": type(error).__name__}
        self.answers.append(answer)
        return answer

    @property
    def under_way(self) -> int:
        """Of how many messages there is still something to tell."""
        return len(self._tasks)

    async def idle(self) -> None:
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._session is not None:
            await self._session.close()
