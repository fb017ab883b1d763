"""What `make run` promises: one command, and due reminders leave; one Ctrl-C, and nothing is left."""

import os
import re
import signal
import socket
import stat
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from django.db import connection

from tests.programs import PATIENCE, Program, bare_environment

# The site brings its own database, so a second run of the tests on another one would show nothing new.
pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="once is enough")

PAGES = 50


class LocalSite(Program):
    """`make run` on a free port, with its files in `home`."""

    def __init__(self, home: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.home = home
        # A mark that all processes of this site carry, to find those that are left.
        self.mark = f"CLINIC_REMINDERS_HOME={home}"
        environment = bare_environment(
            PORT=str(self.port),
            # A tool of the developers' brings a library that writes over the environment in /proc.
            SPT_NOENV="1",
            CLINIC_REMINDERS_HOME=str(home),
        )
        super().__init__("-m", "clinic_reminders.local", environment=environment)

    def processes(self) -> list[int]:
        found = []
        for directory in Path("/proc").glob("[0-9]*"):
            try:
                environment = (directory / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if self.mark.encode() in environment:
                found.append(int(directory.name))
        return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[LocalSite]:
    running = LocalSite(tmp_path)
    yield running
    for pid in running.processes():
        os.kill(pid, signal.SIGKILL)
    running.close()


class Browser:
    def __init__(self, site: LocalSite) -> None:
        self._open = build_opener(HTTPCookieProcessor(CookieJar())).open
        self._site = f"http://127.0.0.1:{site.port}"

    def get(self, path: str) -> str:
        with self._open(self._site + path, timeout=PATIENCE) as answer:
            return answer.read().decode()

    def sign_in(self, username: str, password: str) -> str:
        form = self.get("/admin/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
        assert token is not None
        fields = {"username": username, "password": password, "csrfmiddlewaretoken": token[1]}
        with self._open(
            f"{self._site}/admin/login/?next=/admin/", urlencode(fields).encode(), timeout=PATIENCE
        ) as answer:
            return answer.read().decode()


def test_one_command_shows_due_reminders_as_sent_and_one_interrupt_ends_it_all(site):
    site.wait_for(lambda output: "Ctrl-C stops the site." in output)
    assert f"http://127.0.0.1:{site.port}/" in site.output
    user = re.search(r"^ +(nurse\.gab) +(\S+) ", site.output, re.MULTILINE)
    assert user is not None
    site.wait_for(lambda output: "SMS to +267" in output)

    browser = Browser(site)
    assert "/admin/logout/" in browser.sign_in(user[1], user[2])
    phone = re.search(r"SMS to (\+267\d+): .*Extension Twelve", site.output)
    assert phone is not None
    # The text is printed a moment before its state is written.
    pages = (browser.get("/admin/messaging/message/?status__exact=sent") for _ in range(PAGES))
    assert any(phone[1] in page for page in pages)
    var = site.home / "var"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (var, var / "db.sqlite3")] == [0o700, 0o600]
    assert {stat.S_IMODE(path.stat().st_mode) for path in var.iterdir() if path.is_file()} == {0o600}

    assert site.end(signal.SIGINT) == 0
    assert site.processes() == []
    assert "Traceback" not in site.output


def test_a_second_run_sends_nothing_again(site, tmp_path):
    site.wait_for(lambda output: output.partition("Ctrl-C stops the site.")[2].count("SMS to +267") >= 3)
    site.end(signal.SIGTERM)
    first = set(re.findall(r"SMS to (\+267\d+)", site.output))

    again = LocalSite(tmp_path)
    try:
        again.wait_for(lambda output: "Ctrl-C stops the site." in output)
        assert "imported before" in again.output
        assert "dumela-demo" in again.output
    finally:
        again.end(signal.SIGINT)
        again.close()
    assert not first & set(re.findall(r"SMS to (\+267\d+)", again.output))


def test_nothing_outlives_a_killed_main_process(site):
    site.wait_for(lambda output: "SMS to +267" in output.partition("Ctrl-C stops the site.")[2])
    assert len(site.processes()) > 2
    # The reader comes to its end when the last process has closed the terminal.
    assert site.end(signal.SIGKILL) == -signal.SIGKILL
    assert site.processes() == []
