"""`dispatch`: due reminders to a local Twilio double that takes 50 ms a request, 64 in flight.

Beside it a bare pool of the same width that knows no database, and one django-q2 task a message.
Run by `python -m bench.run dispatch`; itself it works on the database in DATABASE_URL.
"""

import asyncio
import io
import json
import logging
import os
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import perf_counter, sleep
from uuid import UUID

import django

django.setup()

from django.conf import settings
from django.core.management import call_command
from django.utils import timezone
from django_q.tasks import async_task
from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from accounts.models import Clinic
from appointments.reminding import queue_due_reminders
from bench.visits import book_with_reminders_due
from common.clock import Clock
from messaging.dispatch import dispatch
from messaging.models import Message, MessageStatus
from messaging.providers.base import OutgoingText
from messaging.providers.twilio import TwilioProvider
from tests.doubles.twilio import TwilioDouble, running_twilio

LATENCY_MS = 50
BODY = "Hello Neo, please come to Gaborone Clinic on Tuesday 4 June at 09:00. To change it, call +2673901234."


def text_to(number: int) -> OutgoingText:
    return OutgoingText(UUID(int=number), f"+26771{number:06d}", BODY, valid_for=timedelta(hours=5))


def queue(clinic: Clinic, count: int) -> list[UUID]:
    """So many due reminders of as many patients' visits, queued as a pass queues them."""
    now = timezone.now()
    book_with_reminders_due([clinic], count, now)
    queue_due_reminders(now=now)
    return list(Message.objects.filter(status=MessageStatus.QUEUED).values_list("pk", flat=True))


def by_dispatch(count: int) -> float:
    start = perf_counter()
    tally = dispatch(clock=Clock())
    took = perf_counter() - start
    if tally.reached[MessageStatus.SENT] != count:
        raise RuntimeError(f"not all were sent: {Counter(tally.reached)}")
    return count / took


def by_bare_pool(count: int) -> float:
    """The same client and the same width, and nothing else: no queue, no claim, no result."""

    async def send_all() -> None:
        provider = TwilioProvider()
        places = asyncio.Semaphore(provider.in_flight)

        async def send(number: int) -> None:
            async with places:
                await provider.send(text_to(number))

        try:
            await asyncio.gather(*(send(number) for number in range(count)))
        finally:
            await provider.close()

    start = perf_counter()
    asyncio.run(send_all())
    return count / (perf_counter() - start)


def by_threads(count: int) -> float:
    """The same width with Twilio's own library: what is written first when there is no queue to keep."""
    # Its log of each call would be measured too.
    logging.getLogger("twilio.http_client").setLevel(logging.WARNING)
    http = TwilioHttpClient(timeout=10, max_retries=0)
    adapter = HTTPAdapter(pool_maxsize=TwilioProvider.in_flight)
    http.session.mount("http://", adapter)
    client = Client(settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, http_client=http)
    client.api.base_url = settings.TWILIO_API_BASE_URL

    def send(number: int) -> None:
        text = text_to(number)
        client.messages.create(to=text.to, from_=settings.TWILIO_FROM, body=text.body, validity_period=18_000)

    start = perf_counter()
    with ThreadPoolExecutor(TwilioProvider.in_flight) as pool:
        for done in [pool.submit(send, number) for number in range(count)]:
            done.result()
    return count / (perf_counter() - start)


def send_one(message_id: str) -> None:
    """What a task a message would do: read it, send it, write the result."""
    message = Message.objects.get(pk=message_id)

    async def send() -> None:
        provider = TwilioProvider()
        try:
            await provider.send(text_to(int(message.to[-6:])))
        finally:
            await provider.close()

    asyncio.run(send())
    Message.objects.filter(pk=message_id).update(status=MessageStatus.SENT, sent_at=timezone.now())


def by_tasks(keys: list[UUID]) -> float:
    """One django-q2 task a message, with the site's own cluster settings; its start-up is not counted."""
    logging.getLogger("django-q").setLevel(logging.WARNING)
    for pk in keys:
        async_task("bench.dispatch.send_one", str(pk))
    command = [sys.executable, "manage.py", "qcluster"]
    cluster = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    waiting = Message.objects.filter(pk__in=keys).exclude(status=MessageStatus.SENT)
    try:
        while waiting.count() == len(keys):
            sleep(0.02)
        start, left = perf_counter(), waiting.count()
        while waiting.exists():
            sleep(0.02)
        return left / (perf_counter() - start)
    finally:
        cluster.send_signal(signal.SIGTERM)
        cluster.wait()


def use(double: TwilioDouble) -> None:
    given = {
        "SMS_PROVIDERS": "twilio",
        "TWILIO_ACCOUNT_SID": double.account,
        "TWILIO_AUTH_TOKEN": double.token,
        "TWILIO_FROM": "Clinic",
        "TWILIO_API_BASE_URL": double.base_url,
    }
    os.environ.update(given)
    for name, value in given.items():
        setattr(settings, name, value.split(",") if name == "SMS_PROVIDERS" else value)


def main(count: int, task_count: int) -> dict[str, float]:
    """Messages a second, each way."""
    call_command("migrate", verbosity=0, stdout=io.StringIO())
    clinic = Clinic.objects.create(
        code="GAB01", name="Gaborone", phone="+267", quiet_from=None, quiet_to=None
    )
    with running_twilio() as double:
        use(double)
        double.behave(latency_ms=LATENCY_MS)
        queue(clinic, count)
        figures = {"dispatch": by_dispatch(count)}
        figures["bare asyncio pool"] = by_bare_pool(count)
        figures["bare thread pool"] = by_threads(count)
        figures["one django-q2 task a message"] = by_tasks(queue(clinic, task_count))
    return figures


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
