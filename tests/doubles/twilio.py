"""A Twilio of one's own: an HTTP server in its own process, with its own books, that misbehaves on demand.

`python -m tests.doubles.twilio --port 0` prints its port; in a test, `with running_twilio() as twilio`.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from aiohttp import web

from tests.doubles.twilio_server import TwilioServer

REPOSITORY = Path(__file__).resolve().parents[2]
ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "the-double-s-own-auth-token-0001"
STOP_SECONDS = 10
CALL_SECONDS = 60


class TwilioDoubleError(RuntimeError):
    """The double did not start."""


@dataclass(frozen=True, slots=True)
class TwilioDouble:
    """The running double, as a test speaks to it."""

    base_url: str
    process: subprocess.Popen[str]
    account: str = ACCOUNT
    token: str = TOKEN

    def behave(self, **behaviour: Any) -> None:
        """Sets all of its behaviour at once, see `Behaviour`; what is not named is as at the start."""
        self._call("/_control", behaviour)

    def reset(self) -> None:
        """Empty books, good behaviour."""
        self._call("/_reset", {})

    def accepted(self) -> list[dict[str, Any]]:
        """What it took: sid, to, from, service, body, callback, validity_period, status, when."""
        return self._call("/_books")["accepted"]

    def requests(self) -> dict[str, int]:
        """How often it was asked to create, list and fetch, whatever it answered."""
        return self._call("/_books")["requests"]

    def callbacks(self) -> list[dict[str, Any]]:
        """Waits until no callback is under way; each with `answered`, the HTTP status it got, and `text`."""
        return self._call("/_callbacks")

    def tell(self, sid: str, status: str, **more: Any) -> dict[str, Any]:
        """Makes one signed callback now (error_code, forged, url); gives how it was answered."""
        return self._call("/_callbacks", {"sid": sid, "status": status, **more})

    def inbound(self, url: str, *, sender: str, to: str, body: str, **more: Any) -> dict[str, Any]:
        """Posts a signed inbound message to `url` (sid, forged); gives how it was answered."""
        return self._call("/_inbound", {"url": url, "from": sender, "to": to, "body": body, **more})

    def _call(self, path: str, given: Any = None) -> Any:
        data = None if given is None else json.dumps(given).encode()
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(self.base_url + path, data, headers), timeout=CALL_SECONDS) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None


@contextmanager
def running_twilio(port: int = 0) -> Iterator[TwilioDouble]:
    """The double in a process of its own on 127.0.0.1; it ends with the block, or with this process.

    Raises TwilioDoubleError.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.doubles.twilio", "--port", str(port), "--until-stdin-closes"],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        told = process.stdout.readline().strip()
        if not told.isdigit():
            raise TwilioDoubleError("The double of Twilio ended before it listened.")
        yield TwilioDouble(f"http://127.0.0.1:{told}", process)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdin.close()
        process.stdout.close()


async def serve(port: int) -> None:
    # The handler of a client that has gone is cancelled, so that hanging ones don't pile up.
    runner = web.AppRunner(
        TwilioServer(ACCOUNT, TOKEN).application(),
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=0.1,
    )
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=1024)
    await site.start()
    ends = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ends.set)
    print(runner.addresses[0][1], flush=True)
    await ends.wait()
    await runner.cleanup()


def _end_with_stdin() -> None:
    """A parent that is killed can't stop the double; its end of the pipe closes all the same."""
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description="A Twilio of one's own, for tests.")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--until-stdin-closes", action="store_true")
    options = parser.parse_args()
    if options.until_stdin_closes:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    asyncio.run(serve(options.port))


if __name__ == "__main__":
    main()
