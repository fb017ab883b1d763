"""A double's process: an HTTP server of its own on 127.0.0.1 that ends with whoever started it."""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from aiohttp import web

REPOSITORY = Path(__file__).resolve().parents[2]
STOP_SECONDS = 10
CALL_SECONDS = 60

GoDown = Callable[[float], None]
# An application finds here how to be down for some seconds, its memory unharmed.
GO_DOWN: web.AppKey[GoDown] = web.AppKey("go_down", GoDown)  # type: ignore[arg-type]


class DoubleError(RuntimeError):
    """The double did not start."""


@contextmanager
def running(module: str, port: int = 0) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The double in a process of its own; gives its address. It ends with the block, or with this process.

    Raises DoubleError.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module, "--port", str(port), "--until-stdin-closes"],
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
            raise DoubleError(f"{module} ended before it listened.")
        yield f"http://127.0.0.1:{told}", process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdin.close()
        process.stdout.close()


def call(url: str, given: Any = None) -> Any:
    """One of a test's own calls to the double: what it answers, read from JSON."""
    data = None if given is None else json.dumps(given).encode()
    headers = {"Content-Type": "application/json"}
    with urlopen(Request(url, data, headers), timeout=CALL_SECONDS) as answer:  # noqa: S310
        text = answer.read()
    return json.loads(text) if text else None


def run(application: web.Application, description: str) -> None:
    """The double's main(): serves until a signal, or until its parent is gone."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--until-stdin-closes", action="store_true")
    options = parser.parse_args()
    if options.until_stdin_closes:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    asyncio.run(_serve(application, options.port))


async def _serve(application: web.Application, port: int) -> None:
    # The handler of a client that has gone is cancelled, so that hanging ones don't pile up.
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    door = _Door(runner, port)
    application[GO_DOWN] = door.shut
    await runner.setup()
    await door.open()
    ends = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ends.set)
    print(runner.addresses[0][1], flush=True)
    await ends.wait()
    await runner.cleanup()


class _Door:
    """Where it listens."""

    def __init__(self, runner: web.AppRunner, port: int) -> None:
        self._runner, self._port = runner, port
        self._opens: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, backlog=1024)
        await self._site.start()
        self._port = self._runner.addresses[0][1]

    def shut(self, seconds: float) -> None:
        """From now on connections are refused, and those there are break; after `seconds` it opens again."""
        self._opens = asyncio.create_task(self._open_after(seconds))

    async def _open_after(self, seconds: float) -> None:
        await self._site.stop()
        server = self._runner.server
        assert server
        for connection in server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(seconds)
        await self.open()


def _end_with_stdin() -> None:
    """A parent that is killed can't stop the double; its end of the pipe closes all the same."""
    sys.stdin.read()
    os._exit(0)
