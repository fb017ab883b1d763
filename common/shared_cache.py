"""A cache in the database whose counters hold between processes: for a site without Redis.

With PostgreSQL it is a table there. With SQLite it is a file of its own, beside the site's: counting never
waits for the site's one writer.
"""

import os
import pickle
import random
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import DatabaseError, InterfaceError, connection
from redis.exceptions import RedisError

# What any of the caches raises when it is not there.
CACHE_ERRORS = (RedisError, sqlite3.Error, DatabaseError, InterfaceError, OSError)

TABLE = "common_cache_entry"
FOREVER = 1e12
# One new key in so many also removes what has expired.
TIDY_EVERY = 200
BUSY_SECONDS = 5

_MADE = f"""
CREATE TABLE IF NOT EXISTS {TABLE} (
    key TEXT PRIMARY KEY, number BIGINT, pickled BLOB, expires DOUBLE PRECISION NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS {TABLE}_expires ON {TABLE} (expires);
"""
# A counter is a number that the database itself adds to; anything else is pickled.
_PUT = f"""
INSERT INTO {TABLE} (key, number, pickled, expires) VALUES (%s, %s, %s, %s)
ON CONFLICT (key) DO UPDATE
SET number = excluded.number, pickled = excluded.pickled, expires = excluded.expires
"""  # noqa: S608  the table's name is ours
_ADD = f"{_PUT} WHERE {TABLE}.expires <= %s"
_GET = f"SELECT number, pickled FROM {TABLE} WHERE key = %s AND expires > %s"  # noqa: S608
_TOUCH = f"UPDATE {TABLE} SET expires = %s WHERE key = %s AND expires > %s"  # noqa: S608
_COUNT = f"UPDATE {TABLE} SET number = number + %s WHERE key = %s AND expires > %s RETURNING number"  # noqa: S608
_DELETE = f"DELETE FROM {TABLE} WHERE key = %s AND expires > %s"  # noqa: S608
_TIDY = f"DELETE FROM {TABLE} WHERE expires <= %s"  # noqa: S608
_CLEAR = f"DELETE FROM {TABLE}"  # noqa: S608


class SharedCache(BaseCache):
    """LOCATION is the path of an SQLite file, or empty for a table in the site's PostgreSQL."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._run = _SqliteFile(Path(location)).run if location else _in_the_sites_database

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Of many at once one wins."""
        now = time.time()
        if random.randrange(TIDY_EVERY) == 0:  # noqa: S311  no secret
            self._run(_TIDY, [now])
        row = [self._key(key, version), *_stored(value), self._expires(timeout, now)]
        return self._run(_ADD, [*row, now])[0] > 0

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        _changed, row = self._run(_GET, [self._key(key, version), time.time()], fetch=True)
        return default if row is None else _loaded(row)

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        now = time.time()
        self._run(_PUT, [self._key(key, version), *_stored(value), self._expires(timeout, now)])

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        now = time.time()
        return self._run(_TOUCH, [self._expires(timeout, now), self._key(key, version), now])[0] > 0

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """The new number, which nobody else got. ValueError where there is no counter."""
        _changed, row = self._run(_COUNT, [delta, self._key(key, version), time.time()], fetch=True)
        if row is None or row[0] is None:
            raise ValueError(f"Key {key!r} holds no counter")
        return int(row[0])

    def delete(self, key: str, version: int | None = None) -> bool:
        return self._run(_DELETE, [self._key(key, version), time.time()])[0] > 0

    def clear(self) -> None:
        self._run(_CLEAR, [])

    def _key(self, key: str, version: int | None) -> str:
        return self.make_and_validate_key(key, version=version)

    def _expires(self, timeout: Any, now: float) -> float:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return FOREVER if seconds is None else now + seconds


def _stored(value: Any) -> tuple[int | None, bytes | None]:
    if isinstance(value, int) and not isinstance(value, bool):
        return value, None
    return None, pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def _loaded(row: Sequence[Any]) -> Any:
    number, pickled = row
    # Nobody writes there but this site, which the database's own password keeps.
    return number if pickled is None else pickle.loads(bytes(pickled))  # noqa: S301


Answer = tuple[int, Sequence[Any] | None]


def _in_the_sites_database(sql: str, given: Sequence[Any], *, fetch: bool = False) -> Answer:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return cursor.rowcount, cursor.fetchone() if fetch else None


class _SqliteFile:
    """A connection a thread; one that came through a fork is not used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._here = threading.local()

    def run(self, sql: str, given: Sequence[Any], *, fetch: bool = False) -> Answer:
        with closing(self._connection().execute(sql.replace("%s", "?"), given)) as cursor:
            # A RETURNING must be read to its end, or its change is not committed.
            rows = cursor.fetchall() if fetch else []
            return cursor.rowcount, rows[0] if rows else None

    def _connection(self) -> sqlite3.Connection:

        kept: tuple[int, sqlite3.Connection] | None = getattr(self._here, "kept", None)
        if kept is None or kept[0] != os.getpid():
            # Closing the parent's connection here would take its locks away.
            self._here.parents = kept
            kept = self._here.kept = (os.getpid(), self._opened())
        return kept[1]

    def _opened(self) -> sqlite3.Connection:
        # Counts say who asked how often: nobody else's to read.
        self._path.touch(mode=0o600)
        made = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
        # What a power cut takes are counts of the last minutes.
        for pragma in ("journal_mode=WAL", "synchronous=OFF"):
            made.execute(f"PRAGMA {pragma}")
        made.executescript(_MADE)
        return made
