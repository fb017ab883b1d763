"""What providers that speak HTTP do alike: a call and what its failure means, and words fit to be kept."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
from django.utils import timezone

from messaging.providers.base import Balance, CannotTell, Outcome, Result

LONGEST_RETRY_AFTER = timedelta(hours=1)
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_AMOUNT = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def fields(self) -> dict[str, Any]:
        """The JSON object that it holds; empty for anything else."""
        return json_object(self.body)


async def post(session: aiohttp.ClientSession, url: str, **content: Any) -> Answer | Outcome:
    """The answer to one text handed over, or what it means that there was none."""
    try:
        # Followed, a redirect would bring the text and the password to another address.
        async with session.post(url, allow_redirects=False, **content) as response:
            return Answer(response.status, response.headers, await response.read())
    except aiohttp.ClientConnectorDNSError:
        return Outcome(Result.ROUTE, code="HOST_NOT_FOUND")
    except aiohttp.ClientSSLError:
        return Outcome(Result.ROUTE, code="TLS_FAILED")
    except aiohttp.ClientConnectorError:
        return Outcome(Result.ROUTE, code="CONNECTION_REFUSED")
    except aiohttp.ConnectionTimeoutError:
        return Outcome(Result.ROUTE, code="CONNECTION_TIMEOUT")
    except aiohttp.InvalidURL:
        return Outcome(Result.CONFIGURATION, code="BAD_URL")
    # From here on the request, or a part of it, was written.
    except TimeoutError:
        return Outcome(Result.UNKNOWN, code="READ_TIMEOUT")
    except (aiohttp.ClientError, OSError):
        return Outcome(Result.UNKNOWN, code="CONNECTION_BROKEN")


async def post_form(session: aiohttp.ClientSession, url: str, form: Mapping[str, str]) -> Answer | Outcome:
    """As `post`; aiohttp's own form costs as much time as all else of a call."""
    return await post(session, url, data=urlencode(form).encode(), headers=_FORM)


async def get(session: aiohttp.ClientSession, url: str) -> Answer:
    """The answer to a question. Raises CannotTell when there is none."""
    try:
        async with session.get(url, allow_redirects=False) as response:
            return Answer(response.status, response.headers, await response.read())
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise CannotTell from error


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; empty for anything else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def retry_after(text: str) -> timedelta | None:
    """In seconds or as a date."""
    if text.strip().isdecimal():
        return min(timedelta(seconds=min(int(text), 86_400)), LONGEST_RETRY_AFTER)
    try:
        wait = parsedate_to_datetime(text) - timezone.now()
    except (ValueError, TypeError):
        return None
    return min(max(wait, timedelta()), LONGEST_RETRY_AFTER)


def balance_of(answer: Answer) -> Balance:
    """Of `{"balance": "12.34", "currency": "USD"}`. CannotTell for anything else."""
    said = answer.fields()
    amount, currency = said.get("balance"), said.get("currency")
    if not (isinstance(amount, str) and _AMOUNT.fullmatch(amount)):
        raise CannotTell
    if answer.status != 200 or not (isinstance(currency, str) and re.fullmatch(r"[A-Z]{3}", currency)):
        raise CannotTell
    return Balance(Decimal(amount), currency)


def is_on_this_machine(url: str) -> bool:
    return urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}


def without_numbers(words: str) -> str:
    """Providers quote the patient's phone in their messages."""
    return re.sub(r"\+?\d[\d\s().-]{2,}\d", "•••", words)


def storable(text: str) -> str:
    """As a database keeps it: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
