"""How log lines look. What a database says in its errors quotes rows, so it stands in none of them."""

import json
import logging
import re
from collections.abc import Iterator
from copy import copy
from datetime import UTC, datetime
from typing import Any

from django.db.utils import Error as DatabaseError

# A driver's own error is the cause of Django's.
_DRIVERS = {"psycopg", "sqlite3"}
_DETAIL = re.compile(r"(DETAIL|CONTEXT):.*")
_WITHHELD = "(text withheld)"


class DiscreetFormatter(logging.Formatter):
    """Gives of a database's error only its class: its text quotes a row, with a patient's phone.

    Wherever else a PostgreSQL error was written into a message, its DETAIL is cut off.
    """

    def format(self, record: logging.LogRecord) -> str:
        return self.layout(discreet(record))

    def layout(self, record: logging.LogRecord) -> str:
        return without_detail(super().format(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        text = super().formatException(ei)
        for error in _chain(ei[1]):
            if _is_the_databases(error):
                for line in filter(None, map(str.strip, str(error).splitlines())):
                    text = text.replace(line, _WITHHELD)
        return without_detail(text)


class JsonFormatter(DiscreetFormatter):
    """One JSON object a line."""

    def layout(self, record: logging.LogRecord) -> str:
        entry = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": without_detail(record.getMessage()),
        }
        if (request_id := getattr(record, "request_id", "-")) != "-":
            entry["request_id"] = request_id
        # What a line tells apart from its words: logger.info("…", extra={"fields": {…}}).
        entry |= getattr(record, "fields", {})
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def discreet(record: logging.LogRecord) -> logging.LogRecord:
    """A copy that has the class's name for each error of a database."""
    told = copy(record)
    # Another formatter may have left its own text here.
    told.exc_text = None
    told.msg = _named(record.msg)
    if isinstance(record.args, tuple):
        told.args = tuple(map(_named, record.args))
    elif record.args:
        told.args = {name: _named(value) for name, value in record.args.items()}
    return told


def without_detail(text: str) -> str:
    return _DETAIL.sub(rf"\1: {_WITHHELD}", text)


def _named(value: Any) -> Any:
    if isinstance(value, BaseException) and _is_the_databases(value):
        return type(value).__name__
    return value


def _is_the_databases(error: BaseException) -> bool:
    return isinstance(error, DatabaseError) or type(error).__module__.partition(".")[0] in _DRIVERS


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error with all that led to it."""
    waiting, seen = [error], set()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
