"""The server and the worker as child processes, which end when this one does, however it ends."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

_PR_SET_PDEATHSIG = 1


def _end_with(parent: int) -> Callable[[], None]:
    """Has the kernel (Linux) send SIGTERM to the child when the parent is gone, even by kill -9."""
    try:
        prctl = ctypes.CDLL(None).prctl
    except AttributeError:
        return lambda: None

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return in_child


@dataclass
class Child:
    """One program in a session of its own: Ctrl-C reaches it only through us.

    SIGTERM to the whole group would hang the worker; its main process alone drains and ends the rest.
    """

    name: str
    command: Sequence[str]
    started_at: float = field(default=0.0, init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        self.started_at = monotonic()
        self._process = subprocess.Popen(  # noqa: S603  our own command
            self.command,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            # One thread only runs here, so running code between fork and exec is safe.
            preexec_fn=_end_with(os.getpid()),
        )

    @property
    def exit_code(self) -> int | None:
        """None while it runs, or before it was started."""
        return self._process.poll() if self._process else None

    def ask_to_end(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def kill_what_is_left(self) -> None:
        """The main process, and any that outlived it."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]
