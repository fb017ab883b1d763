"""`list`: the API's lists of visits, first page and deep, beside a bare Django view that runs the same SQL.

Run by `python -m bench.run list`; itself it works on the PostgreSQL database in DATABASE_URL, in a process of
its own.
"""

import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import django

django.setup()

from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Clinic, Role, User
from bench import bare
from bench.calls import caller, open_the_site, timed
from bench.visits import fill

CALLS = int(os.environ.get("BENCH_CALLS", "100"))
LIMIT = 20
LISTS = {
    # From where on `next` leads deep into it, in days from now.
    "/api/v1/appointments": -365,
    "/api/v1/appointments/upcoming": 3,
}


def record(client: APIClient, address: str) -> list[bare.Statement]:
    """The statements of this call that read visits and what goes with them."""
    statements: list[bare.Statement] = []

    def keep(execute: Callable[..., Any], sql: str, params: Any, *call: Any) -> Any:
        if '"appointments_' in sql:
            statements.append((sql, params))
        return execute(sql, params, *call)

    with connection.execute_wrapper(keep):
        client.get(address)
    return statements


def addresses(client: APIClient, path: str) -> Iterator[tuple[str, str]]:
    """Deep is the middle of what has pages, and a day in the middle of what has a cursor."""
    yield "page, first", path
    yield "page, deep", f"{path}?page={max(1, client.get(path).json()['count'] // LIMIT // 2)}"
    yield "cursor, first", f"{path}?cursor="
    day = timezone.now() + timedelta(days=LISTS[path])
    there = client.get(f"{path}?cursor=&limit=1&from={quote(day.isoformat())}").json()["next"]
    [cursor] = parse_qs(urlsplit(there).query)["cursor"]
    yield "cursor, deep", f"{path}?cursor={cursor}"


def beside_a_bare_view(client: APIClient, address: str) -> dict[str, float]:
    figures = timed(client, address, CALLS)
    bare.statements[:] = record(client, address)
    with override_settings(MIDDLEWARE=[], ROOT_URLCONF="bench.bare"):
        bare_figures = timed(Client(), "/", CALLS)
    return {
        **figures,
        **{f"bare {name}": figure for name, figure in bare_figures.items()},
        "times the bare p50": figures["p50"] / bare_figures["p50"],
    }


def main(visits: int) -> dict[str, float]:
    """Milliseconds."""
    logging.disable(logging.CRITICAL)
    open_the_site()
    call_command("migrate", verbosity=0, stdout=io.StringIO())
    fill(visits, timezone.now())
    admin = User.objects.create_user("bench", role=Role.ADMIN)
    nurse = User.objects.create_user("nurse", role=Role.STAFF)
    nurse.clinics.set(Clinic.objects.filter(code="B001"))
    return {
        f"{path.removeprefix('/api/v1')}, {who}, {name} | {what}": figure
        for who, user in (("all clinics", admin), ("one clinic", nurse))
        for client in [caller(user)]
        for path in LISTS
        for name, address in addresses(client, path)
        for what, figure in beside_a_bare_view(client, address).items()
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
