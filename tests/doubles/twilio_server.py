"""The double's HTTP side: Twilio's calls under /2010-04-01, its own under /_control, /_books and so on."""

import asyncio
import base64
import binascii
import hmac
from collections import Counter
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from tests.doubles.process import GO_DOWN
from tests.doubles.twilio_behaviour import ERRORS, Behaviour, Chance, Rule
from tests.doubles.twilio_books import ROOT, Books, Record, clock
from tests.doubles.twilio_callbacks import Caller, status_params

LONGER_THAN_ANY_CLIENT_WAITS = 3600
MAX_BODY = 1600


class TwilioServer:
    def __init__(self, account: str, token: str) -> None:
        self.account, self.token = account, token
        self._begin()

    def _begin(self) -> None:
        self.books = Books()
        self.caller = Caller(self.token)
        self.requests: Counter[str] = Counter()
        self._behave(Behaviour())

    def _behave(self, behaviour: Behaviour) -> None:
        self.behaviour, self.chance = behaviour, Chance(behaviour)

    def application(self) -> web.Application:
        application = web.Application()
        application.add_routes(
            [
                web.post(ROOT + "/{account}/Messages.json", self.create),
                web.get(ROOT + "/{account}/Messages.json", self.list_messages),
                web.get(ROOT + "/{account}/Messages/{sid}.json", self.fetch),
                web.get(ROOT + "/{account}/Balance.json", self.balance),
                web.post("/_control", self.control),
                web.post("/_reset", self.reset),
                web.get("/_books", self.show_books),
                web.get("/_tally", self.show_tally),
                web.get("/_callbacks", self.show_callbacks),
                web.post("/_callbacks", self.tell),
                web.post("/_inbound", self.inbound),
            ]
        )
        application.on_cleanup.append(self._close)
        return application

    async def _close(self, _application: web.Application) -> None:
        await self.caller.close()

    # Twilio's calls

    async def create(self, request: web.Request) -> web.StreamResponse:
        self.requests["create"] += 1
        refusal = self._not_signed_in(request)
        if refusal is not None:
            return refusal
        form = dict(parse_qsl(await request.text(), keep_blank_values=True))
        if self.chance.too_many(asyncio.get_running_loop().time()):
            return _error(20429, retry_after=self.behaviour.retry_after)
        wrong = _wrong_in(form)
        if wrong:
            return _error(wrong, to=form.get("To", ""))
        rule = self.chance.decide(form["To"])
        record = await self._accept(form) if rule.do.startswith("accept") else None
        if self.chance.goes_down(len(self.books.records)):
            request.app[GO_DOWN](self.behaviour.down_seconds)
        if self.behaviour.latency_ms:
            await asyncio.sleep(self.behaviour.latency_ms / 1000)
        return await self._answer(request, rule, record, form)

    async def _accept(self, form: dict[str, str]) -> dict[str, Any]:
        """Taken before the latency passes: a client that dies while it waits has sent its text."""
        set_to = self.behaviour
        now = clock(set_to.skew_seconds)
        record = Record(
            account=self.account,
            to=form["To"],
            sender=form.get("From"),
            service=form.get("MessagingServiceSid"),
            body=form["Body"],
            callback=form.get("StatusCallback", ""),
            validity_period=form.get("ValidityPeriod", ""),
            created=now,
            when=clock(0),
            redacted=set_to.redact,
        )
        self.books.keep(record)
        answer = record.as_twilio()
        if not record.callback:
            record.become(set_to.ends_as, None, now)
            return answer
        callbacks = self.chance.callbacks()
        telling = self.caller.start(record, callbacks, set_to.skew_seconds)
        if callbacks.before_the_answer:
            await asyncio.shield(telling)
        return answer

    async def _answer(
        self, request: web.Request, rule: Rule, taken: dict[str, Any] | None, form: dict[str, str]
    ) -> web.StreamResponse:
        if rule.do in {"drop", "accept_then_drop"}:
            return _break_off(request)
        if rule.do in {"hang", "accept_then_hang"}:
            await asyncio.sleep(LONGER_THAN_ANY_CLIENT_WAITS)
        if rule.do == "error":
            return _error(rule.code, to=form["To"], retry_after=rule.retry_after)
        if rule.do in {"http", "accept_then_http"}:
            return web.Response(status=rule.code, text="<html>not from the API</html>")
        if rule.do == "accept_unreadably":
            return web.Response(status=201, text='{"sid": ')
        if rule.do == "accept_late":
            await asyncio.sleep(rule.late_ms / 1000)
        return web.json_response(taken, status=201)

    async def list_messages(self, request: web.Request) -> web.StreamResponse:
        self.requests["list"] += 1
        trouble = self._not_signed_in(request) or await self._lookup_trouble(request)
        if trouble is not None:
            return trouble
        try:
            page = self.books.page(request.match_info["account"], request.query)
        except ValueError:
            return _refusal(400, 20001, "Invalid parameter value")
        return web.json_response(page)

    async def fetch(self, request: web.Request) -> web.StreamResponse:
        self.requests["fetch"] += 1
        trouble = self._not_signed_in(request) or await self._lookup_trouble(request)
        if trouble is not None:
            return trouble
        record = self.books.records.get(request.match_info["sid"])
        return web.json_response(record.as_twilio()) if record else _error(20404)

    async def balance(self, request: web.Request) -> web.StreamResponse:
        self.requests["balance"] += 1
        trouble = self._not_signed_in(request) or await self._lookup_trouble(request)
        if trouble is not None:
            return trouble
        said = {"balance": self.behaviour.balance, "currency": "USD"} if self.behaviour.balance else {}
        return web.json_response({"account_sid": self.account, **said})

    async def _lookup_trouble(self, request: web.Request) -> web.StreamResponse | None:
        trouble = self.behaviour.lookups
        if trouble is None:
            return None
        if trouble == "hang":
            await asyncio.sleep(LONGER_THAN_ANY_CLIENT_WAITS)
        if trouble == "drop":
            return _break_off(request)
        return web.Response(status=int(trouble), text="<html>not from the API</html>")

    def _not_signed_in(self, request: web.Request) -> web.Response | None:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        try:
            who = base64.b64decode(given, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            who = ""
        right = kind == "Basic" and hmac.compare_digest(who.encode(), f"{self.account}:{self.token}".encode())
        return None if right and request.match_info["account"] == self.account else _error(20003)

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
        accepted = [record.as_book_entry() for record in self.books.records.values()]
        return web.json_response({"accepted": accepted, "requests": dict(self.requests)})

    async def show_tally(self, _request: web.Request) -> web.Response:
        tally = {
            "accepted": len(self.books.records),
            "troubles": dict(self.chance.troubles),
            "calling": self.caller.under_way,
        }
        return web.json_response(tally)

    async def show_callbacks(self, _request: web.Request) -> web.Response:
        """Every call made and how it was answered, once none is under way."""
        await self.caller.idle()
        return web.json_response(self.caller.answers)

    async def tell(self, request: web.Request) -> web.Response:
        """One callback, now: {sid, status, error_code, forged}."""
        asked = await request.json()
        record = self.books.records[asked["sid"]]
        code = asked.get("error_code")
        record.become(asked["status"], code, clock(self.behaviour.skew_seconds))
        params = status_params(record, asked["status"], code)
        answer = await self.caller.post(
            asked.get("url") or record.callback, params, forged=asked.get("forged", False)
        )
        return web.json_response(answer)

    async def inbound(self, request: web.Request) -> web.Response:
        """A patient's reply, posted to `url`: {url, from, to, body, sid, forged}."""
        asked = await request.json()
        sid = asked.get("sid") or Record.__dataclass_fields__["sid"].default_factory()  # type: ignore[misc]
        params = {
            "AccountSid": self.account,
            "ApiVersion": "2010-04-01",
            "Body": asked["body"],
            "From": asked["from"],
            "MessageSid": sid,
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsMessageSid": sid,
            "SmsSid": sid,
            "SmsStatus": "received",
            "To": asked["to"],
        }
        answer = await self.caller.post(asked["url"], params, forged=asked.get("forged", False))
        return web.json_response(answer)


def _wrong_in(form: dict[str, str]) -> int:
    """The error code of what is missing or out of bounds; 0 when nothing is."""
    validity = form.get("ValidityPeriod", "36000")
    if not form.get("To"):
        return 21604
    if not (form.get("From") or form.get("MessagingServiceSid")):
        return 21603
    if not form.get("Body"):
        return 21602
    if len(form["Body"]) > MAX_BODY:
        return 21617
    return 0 if validity.isdigit() and 1 <= int(validity) <= 36000 else 21621


def _error(code: int, *, to: str = "", retry_after: int | None = None) -> web.Response:
    status, words = ERRORS.get(code, (400, f"Error {code}"))
    response = _refusal(status, code, words.format(to=to))
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _refusal(status: int, code: int, words: str) -> web.Response:
    body = {
        "code": code,
        "message": words,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return web.json_response(body, status=status)


def _break_off(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
