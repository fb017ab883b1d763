"""Which client hands texts to Twilio fastest: `python -m bench.twilio_client [--messages N]`.

All run in turn against the same double on this machine, so that only the clients differ.
"""

import argparse
import asyncio
import json
import os
import platform
import resource
import time
import warnings
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import django

from tests.doubles.twilio import TwilioDouble, running_twilio

IN_FLIGHT = 64
RESULTS = Path(__file__).parent / "results"
Work = Callable[[TwilioDouble, Sequence[str]], None]


def our_provider(_double: TwilioDouble, phones: Sequence[str]) -> None:
    from messaging.providers.base import OutgoingText
    from messaging.providers.twilio import TwilioProvider

    async def work() -> None:
        provider = TwilioProvider()
        texts = (OutgoingText(uuid4(), phone, "Dumela", timedelta(hours=1)) for phone in phones)
        await at_once(provider.send(text) for text in texts)
        await provider.close()

    asyncio.run(work())


def sdk_async(double: TwilioDouble, phones: Sequence[str]) -> None:
    from twilio.http.async_http_client import AsyncTwilioHttpClient
    from twilio.rest import Client

    async def work() -> None:
        async with AsyncTwilioHttpClient() as http:
            client = Client(double.account, double.token, http_client=http)
            client.api.base_url = double.base_url
            await at_once(
                client.messages.create_async(to=phone, from_="Clinic", body="Dumela") for phone in phones
            )

    asyncio.run(work())


def sdk_in_threads(double: TwilioDouble, phones: Sequence[str]) -> None:
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    client = Client(double.account, double.token, http_client=TwilioHttpClient(timeout=10))
    client.api.base_url = double.base_url
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        list(pool.map(lambda phone: client.messages.create(to=phone, from_="Clinic", body="Dumela"), phones))


async def at_once(calls: Iterable[Awaitable[object]]) -> None:
    places = asyncio.Semaphore(IN_FLIGHT)

    async def one(call: Awaitable[object]) -> None:
        async with places:
            await call

    await asyncio.gather(*(one(call) for call in calls))


CLIENTS: dict[str, Work] = {
    "our provider (aiohttp)": our_provider,
    "SDK, async client": sdk_async,
    "SDK, 64 threads": sdk_in_threads,
}


def measure(work: Work, double: TwilioDouble, phones: Sequence[str], latency_ms: float) -> dict[str, float]:
    double.reset()
    double.behave(latency_ms=latency_ms)
    cpu, started = _cpu(), time.perf_counter()
    work(double, phones)
    seconds = time.perf_counter() - started
    if len(double.accepted()) != len(phones):
        raise SystemExit("The double's books do not hold every message.")
    return {
        "messages_a_second": round(len(phones) / seconds),
        "cpu_microseconds_a_message": round((_cpu() - cpu) / len(phones) * 1e6),
    }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def run_all(double: TwilioDouble, phones: Sequence[str], rounds: int) -> list[dict[str, Any]]:
    """A row for each client and latency: the fastest of its rounds."""
    os.environ |= {
        "SECRET_KEY": "only-for-a-benchmark",
        "DJANGO_SETTINGS_MODULE": "clinic_reminders.settings",
        "DATABASE_URL": "sqlite://:memory:",
        # The SDK's threads fill its own pool of ten connections, and it warns of that at each call.
        "LOG_LEVEL": "ERROR",
        "PUBLIC_BASE_URL": "",
        "TWILIO_ACCOUNT_SID": double.account,
        "TWILIO_AUTH_TOKEN": double.token,
        "TWILIO_FROM": "Clinic",
        "TWILIO_MESSAGING_SERVICE_SID": "",
        "TWILIO_API_BASE_URL": double.base_url,
    }
    django.setup()
    rows = []
    for latency in (50, 0):
        for name, work in CLIENTS.items():
            measured = [measure(work, double, phones, latency) for _ in range(rounds)]
            best = max(measured, key=lambda figures: figures["messages_a_second"])
            rows.append({"client": name, "latency_ms": latency, **best})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    # The SDK's async client uses what aiohttp has deprecated, and says so at each call.
    warnings.simplefilter("ignore", DeprecationWarning)
    with running_twilio() as double:
        rows = run_all(double, [f"+26771{n:06d}" for n in range(options.messages)], options.rounds)
    print(f"{options.messages} messages, {IN_FLIGHT} in flight, best of {options.rounds} rounds")
    print(f"{'client':<26}{'latency':>9}{'messages/s':>12}{'CPU µs/message':>16}")
    for row in rows:
        figures = f"{row['messages_a_second']:>12}{row['cpu_microseconds_a_message']:>16}"
        print(f"{row['client']:<26}{row['latency_ms']:>6} ms{figures}")
    print(f"{'limit: 64 / 50 ms':<26}{50:>6} ms{round(IN_FLIGHT / 0.05):>12}")
    RESULTS.mkdir(exist_ok=True)
    machine = {"python": platform.python_version(), "processors": os.cpu_count()}
    told = {"machine": machine, "messages": options.messages, "in_flight": IN_FLIGHT, "rows": rows}
    (RESULTS / "twilio_client.json").write_text(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
