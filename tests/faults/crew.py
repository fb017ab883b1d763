"""Workers in processes of their own, some of which are killed."""

import queue
import random
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from threading import Thread
from time import monotonic
from types import TracebackType
from typing import Self

from tests.faults.worker import Pace

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60


class WorkerFailed(AssertionError):
    """A worker ended that nobody had killed, or did not come to an end."""


class _Worker:
    """One process. What it says arrives in `said` as (worker, line); the end of it as (worker, None)."""

    def __init__(
        self, pace: Pace, environment: Mapping[str, str], said: "queue.Queue[tuple[_Worker, str | None]]"
    ) -> None:
        self.busy = self.ready = self.sending = False
        self._said = said
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker", pace.as_argument()],
            cwd=ROOT,
            env={**environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._said.put((self, line.strip()))
        self._said.put((self, None))

    def begin(self, ahead: timedelta) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{ahead.total_seconds()}\n")
        self._process.stdin.flush()
        self.busy = True

    def kill(self) -> bool:
        """With SIGKILL; False when it had ended by itself."""
        self._process.send_signal(signal.SIGKILL)
        return self._wait() == -signal.SIGKILL

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._wait()

    def _wait(self) -> int:
        code = self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()
        return code


class Crew:
    """`size` workers that go through rounds together, for at most `seconds`. It ends with the block."""

    def __init__(self, size: int, pace: Pace, environment: Mapping[str, str], *, seconds: float) -> None:
        self._pace, self._environment = pace, environment
        self._ends = monotonic() + seconds
        self._said: queue.Queue[tuple[_Worker, str | None]] = queue.Queue()
        self._workers = [self._start() for _ in range(size)]
        self._chance = random.Random(7)
        self.kills = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.end()

    def get_ready(self) -> None:
        """Waits until each of them could begin."""
        while not all(worker.ready for worker in self._workers):
            self._listen(START_SECONDS)

    def go_round(self, ahead: timedelta, *, kills: int = 0) -> None:
        """Each works until nothing is left for now by a clock that is `ahead`; no claim is left but those of
        the dead. Up to `kills` that have begun to send are killed at random moments, and others take their
        places."""
        for worker in self._workers:
            worker.begin(ahead)
        until = self.kills + kills
        while any(worker.busy for worker in self._workers):
            at_work = [worker for worker in self._workers if worker.sending]
            if self.kills >= until or not at_work:
                self._listen(START_SECONDS)
                continue
            victim = self._chance.choice(at_work)
            self._listen_for(self._chance.uniform(0.02, 0.6))
            if victim.sending:
                self._replace(victim, ahead)

    def _start(self) -> _Worker:
        return _Worker(self._pace, self._environment, self._said)

    def _replace(self, victim: _Worker, ahead: timedelta) -> None:
        if not victim.kill():
            raise WorkerFailed("A worker has ended by itself.")
        self.kills += 1
        self._workers.remove(victim)
        self._workers.append(self._start())
        self._workers[-1].begin(ahead)

    def _listen_for(self, seconds: float) -> None:
        ends = monotonic() + seconds
        while (left := ends - monotonic()) > 0:
            self._listen(left)

    def _listen(self, seconds: float) -> bool:
        """Takes in one thing that a worker says; False when for so long none has said any."""
        if monotonic() > self._ends:
            raise WorkerFailed("The workers did not come to an end in time.")
        try:
            worker, line = self._said.get(timeout=seconds)
        except queue.Empty:
            return False
        if worker not in self._workers:
            return True
        if line is None:
            raise WorkerFailed("A worker has ended by itself.")
        worker.ready = True
        worker.sending = line == "sending"
        worker.busy &= line != "idle"
        return True
