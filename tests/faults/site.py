"""The site itself, served as in earnest, on a test's own database."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic, sleep
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60


def free_address() -> str:
    """An address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def running_site(address: str, environment: Mapping[str, str]) -> Iterator[None]:
    """The web server in a process of its own, answering at `address` (with http:// before it)."""
    bind = address.removeprefix("http://")
    # A line for each refused receipt would hide what a test says.
    with TemporaryFile() as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "clinic_reminders.wsgi", "--bind", bind),
                *("--worker-class", "gthread", "--workers", "1", "--threads", "8", "--keep-alive", "5"),
                *("--log-level", "warning", "--no-control-socket"),
            ],
            cwd=ROOT,
            env={**os.environ, **environment},
            stderr=log,
        )
        try:
            if not _answers_in_time(f"{address}/healthz", process):
                log.seek(0)
                raise AssertionError(f"The web server did not start:\n{log.read().decode()}")
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers_in_time(url: str, process: "subprocess.Popen[bytes]") -> bool:
    ends = monotonic() + START_SECONDS
    while process.poll() is None and monotonic() < ends:
        try:
            with urlopen(url, timeout=10):  # noqa: S310
                return True
        except HTTPError as answer:
            answer.close()
            return True
        except (URLError, OSError):
            sleep(0.05)
    return False
