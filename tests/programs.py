"""Programs that tests start: in an environment of their own, with what they print."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping

from clinic_reminders.home import BASE_DIR

PATIENCE = 120
# Where programs are, and what `make coverage` tells the processes that tests start.
_KEPT = ("PATH", "COVERAGE_PROCESS_CONFIG")


def bare_environment(**variables: str) -> dict[str, str]:
    """Without any of a developer's own variables."""
    return {**{name: os.environ[name] for name in _KEPT if name in os.environ}, **variables}


class Program:
    """Python with `arguments`, in the environment given and no other, from the site's folder."""

    def __init__(self, *arguments: str, environment: Mapping[str, str]) -> None:
        self.printed: list[str] = []
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.printed.append(line)
                self._news.notify_all()

    @property
    def output(self) -> str:
        return "".join(self.printed)

    def wait_for(self, found: Callable[[str], object]) -> None:
        with self._news:
            assert self._news.wait_for(lambda: found(self.output), PATIENCE), self.output

    def wait(self) -> int:
        """Its exit code, once all that it started has let go of the terminal too."""
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert not self._reader.is_alive()
        return code

    def end(self, number: int) -> int:
        """The same, asked to end by a signal."""
        self.process.send_signal(number)
        return self.wait()

    def close(self) -> None:
        """Once all its processes are gone."""
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
