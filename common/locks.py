from collections.abc import Iterable

from django.db import connection


def one_at_a_time(name: str) -> None:
    """Until this transaction ends, nobody else passes here with the same name.

    SQLite needs no lock: its transactions write one at a time from their start.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def side_by_side(names: Iterable[str]) -> None:
    """Until this transaction ends, nobody passes `one_at_a_time` with one of these names; others may here."""
    if connection.vendor == "postgresql":
        locks = (
            "SELECT pg_advisory_xact_lock_shared(hashtextextended(name, 0)) FROM unnest(%s::text[]) AS name"
        )
        with connection.cursor() as cursor:
            cursor.execute(locks, [sorted(names)])
