"""`pages`: every list of the admin, its home page, reports and a record, in a district of that size.

Run by `python -m bench.run pages`, once a size; itself it works on the database in DATABASE_URL, in a process
of its own, as administrator and as nurse of the busiest clinic. What it prints is read by bench/run.py.
"""

import io
import json
import logging
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Any

import django

django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Clinic, User
from appointments.models import Appointment
from tests import admin_pages
from tests.admin_pages import PlainClient
from tests.factories.district import District, make_district

# A page that takes longer than this is asked for less often.
SLOW = 2.0
MEGABYTE = 1024


def addresses(client: PlainClient, who: str, district: Any) -> Iterator[tuple[str, str]]:
    """All that this person may open; an administrator's lists searched and filtered too."""
    yield from admin_pages.pages(district).items()
    for name, address in admin_pages.lists().items():
        listed = client.get(address)
        if listed.status_code == 403:
            continue
        yield name, address
        yield from admin_pages.searches(name).items()
        if who == "admin" and "cl" in (listed.context_data or {}):
            yield from admin_pages.filters(name, listed).items()


def measured(client: PlainClient, address: str, calls: int) -> dict[str, float]:
    """Queries; milliseconds of a call through the site, without the network; what processors work of them."""
    begun = perf_counter()
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
    if answer.status_code != 200:
        raise RuntimeError(f"{address}: {answer.status_code}")
    # Counted at once: the next request empties the log.
    count = len(queries)
    taken, used = [perf_counter() - begun], processor_time()
    for _number in range(1 if taken[0] > SLOW else calls):
        begun = perf_counter()
        client.get(address)
        taken.append(perf_counter() - begun)
    times = taken[1:]
    return {
        "queries": count,
        "best": 1000 * min(times),
        "median": 1000 * median(times),
        "p95": 1000 * (quantiles(times, n=20)[18] if len(times) > 1 else times[0]),
        "processor": 1000 * (processor_time() - used) / len(times),
    }


def processor_time() -> float:
    """Seconds that this process has worked, and the process of PostgreSQL that works for it."""
    if connection.vendor != "postgresql":
        return process_time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [backend] = cursor.fetchone()
    ticks = Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[11:13]
    return process_time() + sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def exported(client: PlainClient, number: str) -> dict[str, float]:
    """Seconds for the file of all visits, and how much the process grew at its peak."""
    address = reverse("admin:appointments_appointment_export") + "?day=all"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = perf_counter()
    answer = client.post(address, {"format": number, "resource": "0"})
    if answer.status_code != 200:
        raise RuntimeError(f"{address}: {answer.status_code}")
    size = sum(len(part) for part in answer)
    answer.close()
    return {
        "s": perf_counter() - begun,
        "MB of the file": size / MEGABYTE**2,
        "MB of memory more": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / MEGABYTE,
    }


def figures_of(appointments: int, calls: int) -> dict[str, dict[str, float]]:
    district = kept_district() or make_district(appointments)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
        if connection.vendor == "postgresql":
            # One core a page, so that its work can be told.
            cursor.execute("SET max_parallel_workers_per_gather = 0")
    found: dict[str, dict[str, float]] = {}
    for who, user in (("admin", district.admin), ("nurse", district.nurse)):
        client = signed_in(user)
        for name, address in list(addresses(client, who, district)):
            found[f"{who}: {name}"] = measured(client, address, calls)
    client = signed_in(district.admin)
    for name, number in (("CSV", "0"), ("XLSX", "1")):
        found[f"export: visits as {name}"] = exported(client, number)
    return found


def kept_district() -> District | None:
    """What an earlier run left in this database: to make a large one takes longer than to measure it."""
    clinics = list(Clinic.objects.filter(code__startswith="DIS").order_by("code"))
    if not clinics:
        return None
    visits = Appointment.objects.filter(clinic=clinics[0], status="booked", starts_at__gt=timezone.now())
    return District(
        clinics,
        User.objects.get(username="district-admin"),
        User.objects.get(username="district-nurse"),
        visits.order_by("starts_at", "pk")[0],
    )


def signed_in(user: User) -> PlainClient:
    client = PlainClient()
    client.force_login(user)
    client.get(reverse("admin:index"))
    return client


def main(appointments: int, calls: int) -> dict[str, dict[str, float]]:
    logging.disable(logging.CRITICAL)
    settings.ALLOWED_HOSTS = ["*"]
    settings.SECURE_SSL_REDIRECT = False
    # Nothing is collected for a benchmark.
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    call_command("migrate", verbosity=0, stdout=io.StringIO())
    return figures_of(appointments, calls)


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
