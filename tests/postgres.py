"""A PostgreSQL server of one's own, for tests and benchmarks: made fresh, stopped and removed at the end."""

import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

OLDEST = 15
START_SECONDS = 60
STOP_SECONDS = 30
ATTEMPTS = 3


class PostgresError(RuntimeError):
    """The server could not be started; the text ends with its own log."""


@dataclass(frozen=True, slots=True)
class Server:
    host: str
    port: int
    user: str
    password: str
    directory: Path
    pid: int

    def url(self, database: str = "postgres") -> str:
        """What DATABASE_URL takes. Only the database `postgres` exists at first."""
        return f"postgres://{self.user}:{self.password}@{self.host}:{self.port}/{database}"


def find_binaries() -> Path | None:
    """The directory with the newest `initdb` and `postgres`, version 15 at least; None without one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: _number(path.parent.name))
    on_path = shutil.which("initdb")
    if on_path:
        found.insert(0, Path(on_path).resolve().parent)
    for directory in reversed(found):
        if (directory / "initdb").exists() and _version(directory) >= OLDEST:
            return directory
    return None


def _number(text: str) -> int:
    match = re.search(r"\d+", text)
    return int(match.group()) if match else 0


def _version(directory: Path) -> int:
    try:
        said = subprocess.run(
            [directory / "postgres", "--version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return 0
    return _number(said.stdout)


@contextmanager
def running_postgres(options: Mapping[str, str] | None = None, *, durable: bool = False) -> Iterator[Server]:
    """A server on 127.0.0.1 and a free port; `options` are its settings, as in postgresql.conf.

    Unless `durable`, nothing is forced to the disk: for tests, not for measuring commits. As root, it
    runs as the user `postgres` or else `nobody`. It ends with the block, also on Ctrl-C, SIGTERM or
    SIGHUP. Only after a SIGKILL of this process does it go on running: then stop the process
    named in `clinic-reminders-postgres-*/data/postmaster.pid` in the temporary directory and
    remove that directory. Raises PostgresError.
    """
    binaries = find_binaries()
    if binaries is None:
        raise PostgresError(f"No PostgreSQL server, version {OLDEST} or newer, is installed.")
    owner = _owner()
    with _signals_as_exceptions():
        directory = Path(tempfile.mkdtemp(prefix="clinic-reminders-postgres-", dir=_open_directory()))
        try:
            password = _initialise(binaries, directory, owner)
            process, port = _start(binaries, directory, owner, {**_defaults(durable), **(options or {})})
            try:
                yield Server("127.0.0.1", port, "postgres", password, directory, process.pid)
            finally:
                with _signals_held():
                    _stop(process)
        finally:
            with _signals_held():
                shutil.rmtree(directory, ignore_errors=True)


def _defaults(durable: bool) -> dict[str, str]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": "200",
        "timezone": "UTC",
        "logging_collector": "off",
    }
    # synchronous_commit stays on, so that a killed client or server loses nothing that was committed.
    return settings if durable else {**settings, "fsync": "off", "full_page_writes": "off"}


def _owner() -> pwd.struct_passwd | None:
    """Whom the server runs as, where this process is root: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresError("PostgreSQL won't run as root, and there is neither a user postgres nor nobody.")


def _as_owner(owner: pwd.struct_passwd | None) -> dict[str, Any]:
    return {} if owner is None else {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _open_directory() -> str:
    """A temporary directory that any user may enter: TMPDIR may lie in root's home."""
    for candidate in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108
        path = Path(candidate).resolve()
        if path.is_dir() and all(parent.stat().st_mode & 0o001 for parent in (path, *path.parents)):
            return str(path)
    raise PostgresError("There is no temporary directory that an unprivileged user may enter.")


def _initialise(binaries: Path, directory: Path, owner: pwd.struct_passwd | None) -> str:
    password = secrets.token_hex(16)
    password_file = directory / "password"
    password_file.write_text(password)
    if owner is not None:
        for path in (directory, password_file):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    made = subprocess.run(
        [
            *(binaries / "initdb", "--pgdata", directory / "data", "--username=postgres", "--no-sync"),
            *("--auth=scram-sha-256", "--pwfile", password_file, "--encoding=UTF8", "--locale=C.UTF-8"),
        ],
        cwd=directory,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **_as_owner(owner),
    )
    if made.returncode:
        raise PostgresError(f"initdb failed:\n{made.stdout}")
    return password


def _environment() -> dict[str, str]:
    # PGDATA, PGPORT and the like of the caller's own databases must not reach this server.
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _start(
    binaries: Path, directory: Path, owner: pwd.struct_passwd | None, settings: Mapping[str, str]
) -> tuple["subprocess.Popen[bytes]", int]:
    log = directory / "log"
    for _ in range(ATTEMPTS):
        port = _free_port()
        arguments = [f"--{name}={value}" for name, value in {**settings, "port": str(port)}.items()]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [binaries / "postgres", "-D", directory / "data", *arguments],
                cwd=directory,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C goes to the whole group: the server must outlive the tests that it serves.
                start_new_session=True,
                **_as_owner(owner),
            )
        try:
            _wait_until_ready(binaries, process, port, log)
        except PostgresError:
            _stop(process)
            if "Address already in use" not in log.read_text():
                raise
        except BaseException:
            _stop(process)
            raise
        else:
            return process, port
    raise PostgresError(f"No free port was found in {ATTEMPTS} attempts.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(binaries: Path, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    ready = [binaries / "pg_isready", "--quiet", "--host=127.0.0.1", f"--port={port}"]
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None:
        if subprocess.run(ready, env=_environment(), check=False).returncode == 0:
            return
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    raise PostgresError(f"PostgreSQL did not start:\n{log.read_text()}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    # Fast shutdown, then immediate, then none of its own.
    for ending in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(ending)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue


class _Ended(SystemExit):
    """A signal to end, raised so that `finally` blocks run."""


def _raise_ended(number: int, _frame: FrameType | None) -> None:
    raise _Ended(128 + number)


@contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    with _handling({signal.SIGTERM: _raise_ended, signal.SIGHUP: _raise_ended}):
        yield


@contextmanager
def _signals_held() -> Iterator[None]:
    """A second Ctrl-C must not leave a server behind."""
    ignored = dict.fromkeys((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), signal.SIG_IGN)
    with _handling(ignored):
        yield


@contextmanager
def _handling(handlers: Mapping[signal.Signals, Any]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
