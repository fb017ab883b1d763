"""The site on this machine: prepared, started, watched, stopped."""

import http.client
import signal
import sys
import time
from collections.abc import Callable
from time import monotonic
from types import FrameType

from clinic_reminders.home import BASE_DIR
from clinic_reminders.local.address import Address
from clinic_reminders.local.processes import Child, python

START_SECONDS = 60
# A pass of the worker takes no longer.
STOP_SECONDS = 60
_STEP = 0.2
_LONGEST_PAUSE = 60.0


class SiteFailed(Exception):
    """The site could not start or go on; the words are for the person at the terminal."""


def say(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Site:
    def __init__(self, address: Address) -> None:
        self.address = address
        manage = str(BASE_DIR / "manage.py")
        self.web = Child("web server", python("-m", "gunicorn", *_gunicorn(address)))
        self.worker = Child("worker", python(manage, "qcluster", "--skip-checks"))
        self.asked_to_stop = 0
        self._pause = 1.0

    def run(self, when_up: Callable[[], None]) -> None:
        """Starts the site, calls `when_up` once it answers, and returns when it was asked to stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            self.web.start()
            self._wait_until_up()
            if not self.asked_to_stop:
                when_up()
                self.worker.start()
            while not self.asked_to_stop:
                self._look_after()
                time.sleep(_STEP)
        finally:
            self._stop()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.asked_to_stop += 1

    def _wait_until_up(self) -> None:
        ends = monotonic() + START_SECONDS
        while not self.asked_to_stop and not self._answers():
            self._refuse_dead_web()
            if monotonic() > ends:
                raise SiteFailed(f"The web server has not answered within {START_SECONDS} seconds.")
            time.sleep(_STEP)

    def _answers(self) -> bool:
        host, port = self.address.reachable_at
        connection = http.client.HTTPConnection(host, port, timeout=10)
        try:
            connection.request("GET", "/admin/login/")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _look_after(self) -> None:
        self._refuse_dead_web()
        code = self.worker.exit_code
        if code is None:
            return
        self.worker.kill_what_is_left()
        ran = monotonic() - self.worker.started_at
        # One that can't start is tried again more and more seldom.
        self._pause = 1.0 if ran > _LONGEST_PAUSE else min(self._pause * 2, _LONGEST_PAUSE)
        say(f"The worker has ended (exit code {code}). It starts again in {self._pause:.0f} seconds.")
        ends = monotonic() + self._pause
        while monotonic() < ends and not self.asked_to_stop:
            self._refuse_dead_web()
            time.sleep(_STEP)
        if not self.asked_to_stop:
            self.worker.start()

    def _refuse_dead_web(self) -> None:
        code = self.web.exit_code
        if code is not None:
            raise SiteFailed(f"The web server has ended (exit code {code}); the lines above say why.")

    def _stop(self) -> None:
        say()
        say("Stopping. The worker finishes what it has begun; Ctrl-C once more ends it at once.")
        children = (self.web, self.worker)
        for child in children:
            child.ask_to_end()
        before, ends = self.asked_to_stop, monotonic() + STOP_SECONDS
        while any(c.started_at and c.exit_code is None for c in children) and monotonic() < ends:
            if self.asked_to_stop > before:
                break
            time.sleep(_STEP)
        for child in children:
            child.kill_what_is_left()


def _gunicorn(address: Address) -> list[str]:
    return [
        "clinic_reminders.wsgi",
        *("--bind", address.bind),
        *("--chdir", str(BASE_DIR)),
        *("--worker-class", "gthread", "--workers", "1", "--threads", "8"),
        *("--timeout", "60", "--graceful-timeout", "5"),
        *("--log-level", "warning"),
        # It would listen in the home directory, where a second site's would be in its way.
        "--no-control-socket",
    ]
