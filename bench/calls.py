"""Calls of the API as another system makes them, through the whole site but the network."""

from statistics import quantiles
from time import perf_counter, process_time
from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import sign_in
from accounts.api import tokens
from accounts.models import User


def open_the_site() -> None:
    """No limit of calls, any address, without TLS: none of it is measured."""
    settings.API_RATE_LIMIT = None
    settings.ALLOWED_HOSTS = ["*"]
    settings.SECURE_SSL_REDIRECT = False


def caller(user: User) -> APIClient:
    client = APIClient()
    access = tokens.pair(sign_in.begin(user, now=timezone.now()))["access"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


def timed(client: Any, path: str, calls: int) -> dict[str, float]:
    """Milliseconds: of this process's work a call, and by the clock at the median and the 95th percentile."""
    client.get(path)
    taken, begun = [], process_time()
    for _number in range(calls):
        start = perf_counter()
        answer = client.get(path)
        taken.append(1000 * (perf_counter() - start))
        if answer.status_code != 200 or not answer.json()["results"]:
            raise RuntimeError(f"{path}: {answer.status_code}")
    worked = 1000 * (process_time() - begun) / calls
    parts = quantiles(taken, n=100)
    return {"processor": worked, "p50": parts[49], "p95": parts[94]}
