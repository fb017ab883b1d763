"""What `make test` runs: all tests on SQLite, then those that a database matters to on a PostgreSQL.

Arguments are passed on to pytest. With CI=true a missing part of the machine is a failure.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import redis_server
from tests.postgres import PostgresError, find_binaries, running_postgres

ROOT = Path(__file__).resolve().parent.parent
GRACE_SECONDS = 60
# Start-up, the double and how pages look are the same on any database; what pages do is tested on both.
RUN_ONCE = ("tests/browser", "tests/clinic_reminders", "tests/doubles")


@dataclass(frozen=True, slots=True)
class Part:
    """Something of the machine that some tests need."""

    name: str
    is_there: Callable[[], bool]
    without_it: str


def chromium() -> Path:
    """The browser that the tests drive: CHROMIUM, or Debian's."""
    return Path(os.environ.get("CHROMIUM") or "/usr/bin/chromium")


PARTS = (
    Part("Chromium (Debian: chromium)", lambda: chromium().exists(), "tests in a browser were skipped"),
    Part(
        "PostgreSQL 15 or newer (Debian: postgresql-15)",
        lambda: find_binaries() is not None,
        "the tests ran on SQLite only",
    ),
    Part(
        "Redis (Debian: redis-server)",
        redis_server.is_there,
        "the limits were not tried with Redis",
    ),
    Part(
        "curl (Debian: curl)",
        lambda: shutil.which("curl") is not None,
        "the examples with curl in docs/api.md were not run",
    ),
    Part(
        "npm (Debian: npm)",
        lambda: shutil.which("npm") is not None,
        "the double of Twilio was not compared with Twilio's own description",
    ),
)


def main(arguments: list[str]) -> int:
    failed = []
    if run_pytest("SQLite", arguments, without=["DATABASE_URL"]):
        failed.append("SQLite")
    if find_binaries() is not None and not run_on_postgres(arguments):
        failed.append("PostgreSQL")
    lacking = [part for part in PARTS if not part.is_there()]
    print()
    for part in lacking:
        print(f"Lacking on this machine: {part.name}; {part.without_it}.")
    if lacking and os.environ.get("CI") == "true":
        print("With CI=true a missing part is a failure.")
        failed.append("the machine")
    print(f"Failed: {', '.join(failed)}." if failed else "All tests passed.")
    return 1 if failed else 0


def run_on_postgres(arguments: list[str]) -> bool:
    try:
        with running_postgres() as server:
            added = {"DATABASE_URL": server.url("clinic_reminders")}
            once = [f"--ignore={folder}" for folder in RUN_ONCE]
            code = run_pytest("PostgreSQL", [*arguments, *once], added=added)
            # What was asked for by name may lie in those folders alone.
            return code == 0 or (bool(arguments) and code == pytest.ExitCode.NO_TESTS_COLLECTED)
    except PostgresError as error:
        print(error)
        return False


def run_pytest(
    database: str,
    arguments: list[str],
    *,
    added: Mapping[str, str] | None = None,
    without: list[str] | None = None,
) -> int:
    """pytest's exit code."""
    print(f"\n== Tests on {database} ==", flush=True)
    environment = {name: value for name, value in os.environ.items() if name not in (without or [])}
    command = [sys.executable, "-m", "pytest", "--numprocesses=auto", "--maxprocesses=4", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, env={**environment, **(added or {})})
    try:
        return process.wait()
    except BaseException as ending:
        # Ctrl-C has reached pytest already; any other end is passed on, so that it can clean up.
        if not isinstance(ending, KeyboardInterrupt):
            process.send_signal(signal.SIGINT)
        try:
            process.wait(GRACE_SECONDS)
        except BaseException:
            process.kill()
            process.wait()
            raise
        raise


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
