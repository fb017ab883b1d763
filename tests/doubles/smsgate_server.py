"""The phone's HTTP side: the app's calls at the root, the test's own under /_control, /_books and so on."""

import asyncio
import base64
import binascii
import hmac
import json
from collections import Counter
from typing import Any
from uuid import uuid4

from aiohttp import web

from tests.doubles.smsgate_books import EVENTS, Record, clock, wrong_in
from tests.doubles.smsgate_callbacks import Caller, event, status_event
from tests.doubles.twilio_behaviour import Behaviour, Chance, Rule

LONGER_THAN_ANY_CLIENT_WAITS = 3600
KNOWN_EVENTS = {*EVENTS.values(), "sms:received", "sms:data-received", "system:ping"}
WORDS = {
    400: "Invalid phone number",
    401: "Unauthorized",
    409: "Message with such ID already exists",
    429: "Too many requests",
    503: "Queue limits exceeded; ensure device is online",
}


class SmsgateServer:
    def __init__(self, username: str, password: str, secret: str) -> None:
        self.who, self.secret = f"{username}:{password}", secret
        self._begin()

    def _begin(self) -> None:
        self.records: dict[str, Record] = {}
        self.caller = Caller(self.secret)
        self.requests: Counter[str] = Counter()
        self._behave(Behaviour())

    def _behave(self, behaviour: Behaviour) -> None:
        self.behaviour, self.chance = behaviour, Chance(behaviour)

    def application(self) -> web.Application:
        application = web.Application()
        application.add_routes(
            [
                web.post("/messages", self.create),
                web.get("/messages/{id}", self.fetch),
                web.get("/webhooks", self.list_webhooks),
                web.post("/webhooks", self.register),
                web.post("/_control", self.control),
                web.post("/_reset", self.reset),
                web.get("/_books", self.show_books),
                web.get("/_webhooks", self.show_webhooks),
                web.post("/_webhooks", self.register_all),
                web.get("/_callbacks", self.show_callbacks),
                web.post("/_callbacks", self.tell),
                web.post("/_inbound", self.inbound),
            ]
        )
        application.on_cleanup.append(self._close)
        return application

    async def _close(self, _application: web.Application) -> None:
        await self.caller.close()

    # The app's calls

    async def create(self, request: web.Request) -> web.StreamResponse:
        self.requests["create"] += 1
        if not self._signed_in(request):
            return _refusal(401)
        if self.chance.too_many(asyncio.get_running_loop().time()):
            return _refusal(429, retry_after=self.behaviour.retry_after)
        given = await _json(request)
        wrong = wrong_in(given)
        if wrong:
            return _refusal(400, wrong)
        rule = self.chance.decide(given["phoneNumbers"][0])
        taken = await self._accept(given) if rule.do.startswith("accept") else None
        if self.behaviour.latency_ms:
            await asyncio.sleep(self.behaviour.latency_ms / 1000)
        return await self._answer(request, rule, taken)

    async def _accept(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Taken before the latency passes: a client that dies while it waits has sent its text."""
        number = str(given.get("id") or uuid4().hex[:21])
        if number in self.records:
            self.requests["known"] += 1
            return 409, {"message": WORDS[409]}
        set_to = self.behaviour
        now = clock(set_to.skew_seconds)
        record = Record(
            number=number,
            to=given["phoneNumbers"][0],
            body=given["textMessage"]["text"],
            ttl=given.get("ttl"),
            with_delivery_report=given.get("withDeliveryReport", True),
            priority=given.get("priority", 0),
            when=clock(0),
        )
        record.become("pending", None, now)
        self.records[number] = record
        answer = record.as_smsgate()
        if not self.caller.webhooks:
            record.become(set_to.ends_as, None, now)
            return 202, answer
        callbacks = self.chance.callbacks()
        if callbacks.before_the_answer:
            await self.caller.tell(record, callbacks, set_to.skew_seconds)
        else:
            self.caller.start(record, callbacks, set_to.skew_seconds)
        return 202, answer

    async def _answer(
        self, request: web.Request, rule: Rule, taken: tuple[int, dict[str, Any]] | None
    ) -> web.StreamResponse:
        if rule.do in {"drop", "accept_then_drop"}:
            return _break_off(request)
        if rule.do in {"hang", "accept_then_hang"}:
            await asyncio.sleep(LONGER_THAN_ANY_CLIENT_WAITS)
        if rule.do == "error":
            return _refusal(rule.code, retry_after=rule.retry_after)
        if rule.do in {"http", "accept_then_http"}:
            return web.Response(status=rule.code, text="<html>not from the app</html>")
        if rule.do == "accept_unreadably":
            return web.Response(status=202, text='{"id": ')
        if rule.do == "accept_late":
            await asyncio.sleep(rule.late_ms / 1000)
        assert taken
        return web.json_response(taken[1], status=taken[0])

    async def fetch(self, request: web.Request) -> web.StreamResponse:
        self.requests["fetch"] += 1
        if not self._signed_in(request):
            return _refusal(401)
        trouble = self.behaviour.lookups
        if trouble == "hang":
            await asyncio.sleep(LONGER_THAN_ANY_CLIENT_WAITS)
        if trouble == "drop":
            return _break_off(request)
        if trouble is not None:
            return web.Response(status=int(trouble), text="<html>not from the app</html>")
        record = self.records.get(request.match_info["id"])
        return web.json_response(record.as_smsgate()) if record else web.Response(status=404)

    async def list_webhooks(self, request: web.Request) -> web.Response:
        if not self._signed_in(request):
            return _refusal(401)
        return web.json_response(list(self.caller.webhooks.values()))

    async def register(self, request: web.Request) -> web.Response:
        self.requests["register"] += 1
        if not self._signed_in(request):
            return _refusal(401)
        given = await _json(request)
        if not isinstance(given, dict) or given.get("event") not in KNOWN_EVENTS:
            return _refusal(400, "Unsupported event")
        if not str(given.get("url")).startswith(("https://", "http://127.0.0.1")):
            return _refusal(400, "Invalid URL")
        hook = {"id": given.get("id") or uuid4().hex[:21], "url": given["url"], "event": given["event"]}
        self.caller.webhooks[hook["id"]] = hook
        return web.json_response(hook, status=201)

    def _signed_in(self, request: web.Request) -> bool:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        try:
            who = base64.b64decode(given, validate=True)
        except binascii.Error:
            return False
        return kind == "Basic" and hmac.compare_digest(who, self.who.encode())

    # The test's calls

    async def control(self, request: web.Request) -> web.Response:
        try:
            self._behave(Behaviour.read(await request.json()))
        except TypeError as error:
            return web.Response(status=400, text=str(error))
        return web.Response(status=204)

    async def reset(self, _request: web.Request) -> web.Response:
        await self.caller.close()
        self._begin()
        return web.Response(status=204)

    async def show_books(self, _request: web.Request) -> web.Response:
        accepted = [record.as_book_entry() for record in self.records.values()]
        return web.json_response({"accepted": accepted, "requests": dict(self.requests)})

    async def show_webhooks(self, _request: web.Request) -> web.Response:
        return web.json_response(list(self.caller.webhooks.values()))

    async def register_all(self, request: web.Request) -> web.Response:
        url = (await request.json())["url"]
        for name in KNOWN_EVENTS:
            self.caller.webhooks[name] = {"id": name, "url": url, "event": name}
        return web.Response(status=204)

    async def show_callbacks(self, _request: web.Request) -> web.Response:
        """Every call made and how it was answered, once none is under way."""
        await self.caller.idle()
        return web.json_response(self.caller.answers)

    async def tell(self, request: web.Request) -> web.Response:
        """One call, now: {id, status, reason, url, forged, age_seconds}."""
        asked = await request.json()
        record, reason = self.records.get(asked["id"]), asked.get("reason")
        if record:
            record.become(asked["status"], reason, clock(self.behaviour.skew_seconds))
        said = status_event(asked["id"], record.to if record else "", asked["status"], reason)
        url = asked.get("url") or self.caller.urls(said["event"])[0]
        return web.json_response(await self._post(url, said, asked))

    async def inbound(self, request: web.Request) -> web.Response:
        """A text that came in, see SmsgateDouble.inbound."""
        asked = await request.json()
        payload = {
            "messageId": asked.get("message_id") or uuid4().hex[:8],
            "message": asked["body"],
            "phoneNumber": asked["sender"],
            "sender": asked["sender"],
            "recipient": None,
            "simNumber": 1,
            "receivedAt": asked.get("received_at") or clock(0).isoformat(timespec="milliseconds"),
        }
        said = event("sms:received", payload, asked.get("event_id"))
        return web.json_response(await self._post(asked["url"], said, asked))

    async def _post(self, url: str, said: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
        return await self.caller.post(
            url, said, forged=asked.get("forged", False), age_seconds=asked.get("age_seconds", 0)
        )


async def _json(request: web.Request) -> Any:
    try:
        return await request.json()
    except json.JSONDecodeError:
        return None


def _refusal(status: int, words: str = "", *, retry_after: int | None = None) -> web.Response:
    response = web.json_response({"message": words or WORDS.get(status, f"Error {status}")}, status=status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _break_off(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
