"""What the double took: its own numbers for messages, and the list call over them."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

ROOT = "/2010-04-01/Accounts"
SENT = {"sent", "delivered", "undelivered", "read"}
MAX_PAGE_SIZE = 1000


@dataclass(slots=True)
class Record:
    """One accepted message. Times are the double's own clock, which may be wrong on purpose."""

    account: str
    to: str
    sender: str | None
    service: str | None
    body: str
    callback: str
    validity_period: str
    created: datetime
    when: datetime
    sid: str = field(default_factory=lambda: f"SM{uuid4().hex}")
    redacted: bool = False
    status: str = "queued"
    error_code: int | None = None
    updated: datetime | None = None
    sent: datetime | None = None

    def become(self, status: str, error_code: int | None, now: datetime) -> None:
        self.status, self.error_code, self.updated = status, error_code, now
        if status in SENT and self.sent is None:
            self.sent = now

    def as_twilio(self) -> dict[str, Any]:
        uri = f"{ROOT}/{self.account}/Messages/{self.sid}"
        return {
            "account_sid": self.account,
            "api_version": "2010-04-01",
            "body": "" if self.redacted else self.body,
            "date_created": _rfc_2822(self.created),
            "date_sent": _rfc_2822(self.sent),
            "date_updated": _rfc_2822(self.updated or self.created),
            "direction": "outbound-api",
            "error_code": self.error_code,
            "error_message": f"Error {self.error_code}" if self.error_code else None,
            "from": self.sender,
            "messaging_service_sid": self.service,
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }

    def as_book_entry(self) -> dict[str, Any]:
        return {
            "sid": self.sid,
            "to": self.to,
            "from": self.sender,
            "service": self.service,
            "body": self.body,
            "callback": self.callback,
            "validity_period": self.validity_period,
            "status": self.status,
            "when": self.when.isoformat(),
        }


def _rfc_2822(moment: datetime | None) -> str | None:
    return format_datetime(moment) if moment else None


class Books:
    """Every accepted message, in the order in which they came."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self._by_phone: dict[str, list[Record]] = {}

    def keep(self, record: Record) -> None:
        self.records[record.sid] = record
        self._by_phone.setdefault(record.to, []).append(record)

    def page(self, account: str, query: Mapping[str, str]) -> dict[str, Any]:
        """One page of the list call, newest first. ValueError for a filter that is no date or number."""
        size = int(query.get("PageSize", 50))
        number = int(query.get("Page", 0))
        if not 1 <= size <= MAX_PAGE_SIZE or number < 0:
            raise ValueError("page")
        found = list(self._matching(account, query))
        kept = {key: value for key, value in query.items() if key not in {"Page", "PageToken"}}
        kept["PageSize"] = str(size)
        start = number * size
        here = found[start : start + size]
        more = start + size < len(found)
        return {
            "end": start + len(here) - 1 if here else 0,
            "first_page_uri": _page_uri(account, kept, 0),
            "messages": [record.as_twilio() for record in here],
            "next_page_uri": _page_uri(account, kept, number + 1) if more else None,
            "page": number,
            "page_size": size,
            "previous_page_uri": _page_uri(account, kept, number - 1) if number else None,
            "start": start,
            "uri": _page_uri(account, kept, number),
        }

    def _matching(self, account: str, query: Mapping[str, str]) -> Iterator[Record]:
        pool = self._by_phone.get(query["To"], []) if "To" in query else list(self.records.values())
        day, until, since = (_span(query.get(name)) for name in ("DateSent", "DateSent<", "DateSent>"))
        for record in reversed(pool):
            # What was not sent yet has no such date, and no filter on it finds the message.
            if (day or until or since) and record.sent is None:
                continue
            if record.sent and (
                (day and not day[0] <= record.sent < day[1])
                or (until and record.sent >= until[1])
                or (since and record.sent < since[0])
            ):
                continue
            if record.account == account and query.get("From", record.sender) == record.sender:
                yield record


def _span(text: str | None) -> tuple[datetime, datetime] | None:
    """From when until when (exclusive): a day in UTC, or a second."""
    # The parameter's name ends in < or >, its sign = is the one that parts it from the value.
    if not text:
        return None
    start = datetime.fromisoformat(text)
    start = start if start.tzinfo else start.replace(tzinfo=UTC)
    return start, start + (timedelta(days=1) if len(text) == len("2026-12-01") else timedelta(seconds=1))


def _page_uri(account: str, query: Mapping[str, str], number: int) -> str:
    asked = {**query, "Page": str(number)}
    if number:
        asked["PageToken"] = f"PA{hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()}"
    return f"{ROOT}/{account}/Messages.json?{urlencode(asked)}"


def clock(skew_seconds: float) -> datetime:
    """The double's time, in whole seconds as Twilio gives it."""
    return (datetime.now(UTC) + timedelta(seconds=skew_seconds)).replace(microsecond=0)
