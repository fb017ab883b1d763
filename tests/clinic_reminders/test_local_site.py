"""What `make run` does when the web server or the worker does not do what it should.

The site's own supervision, in a process of its own, over small programs that end or hang as they are told.
"""

import signal
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.programs import Program, bare_environment

SITE = """
import sys
from clinic_reminders.local import site
from clinic_reminders.local.address import Address
from clinic_reminders.local.processes import Child, python
site.START_SECONDS = 3
port, web, worker = sys.argv[1:]
supervised = site.Site(Address("127.0.0.1", int(port), True))
supervised.web = Child("web server", python("-c", web, port))
supervised.worker = Child("worker", python("-c", worker))
try:
    supervised.run(when_up=lambda: site.say("It is up."))
except site.SiteFailed as error:
    site.say(str(error))
    sys.exit(1)
"""
# Answers as the sign-in page does.
SERVES = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Page)
"""
FOR_EVER = SERVES + "server.serve_forever()"
ONCE = SERVES + "server.handle_request()"
HANGS = "import time; time.sleep(600)"
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("The worker hears nothing.", flush=True)
time.sleep(600)
"""
STARTS_AND_ENDS = "import sys; print('The worker is here.', flush=True); sys.exit(3)"

Supervised = Callable[[str, str], Program]


@pytest.fixture
def supervised() -> Iterator[Supervised]:
    """Starts a site over a web server and a worker."""
    programs: list[Program] = []

    def begin(web: str, worker: str) -> Program:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        programs.append(Program("-c", SITE, str(port), web, worker, environment=bare_environment()))
        return programs[0]

    yield begin
    for program in programs:
        if program.process.poll() is None:
            program.process.kill()
        program.close()


def test_a_worker_that_ends_is_started_again_each_time_later(supervised):
    site = supervised(FOR_EVER, STARTS_AND_ENDS)
    site.wait_for(lambda output: output.count("The worker is here.") == 3)
    assert [line for line in site.printed if "starts again" in line] == [
        f"The worker has ended (exit code 3). It starts again in {pause} seconds.\n" for pause in (2, 4)
    ]
    assert site.end(signal.SIGTERM) == 0


def test_a_web_server_that_ends_at_its_start_ends_the_site(supervised):
    site = supervised("import sys; sys.exit(7)", STARTS_AND_ENDS)
    assert site.wait() == 1
    assert "The web server has ended (exit code 7); the lines above say why." in site.output
    assert "The worker is here." not in site.output


def test_a_web_server_that_never_answers_ends_the_site(supervised):
    site = supervised(HANGS, STARTS_AND_ENDS)
    assert site.wait() == 1
    assert "The web server has not answered within 3 seconds." in site.output
    assert "It is up." not in site.output


def test_a_web_server_that_ends_later_ends_the_site_and_the_worker_with_it(supervised):
    site = supervised(ONCE, HANGS)
    # The worker holds the terminal: this comes back once it has ended too.
    assert site.wait() == 1
    assert "It is up." in site.output
    assert "The web server has ended (exit code 0)" in site.output


def test_an_interrupt_before_the_site_is_up_starts_nothing_more(supervised):
    site = supervised("print('The server begins.', flush=True);" + HANGS, STARTS_AND_ENDS)
    site.wait_for(lambda output: "The server begins." in output)
    assert site.end(signal.SIGINT) == 0
    assert "It is up." not in site.output
    assert "The worker is here." not in site.output


def test_a_second_interrupt_ends_a_worker_that_hears_no_request(supervised):
    site = supervised(FOR_EVER, DEAF)
    site.wait_for(lambda output: "The worker hears nothing." in output)
    site.process.send_signal(signal.SIGINT)
    site.wait_for(lambda output: "Ctrl-C once more ends it at once." in output)
    assert site.end(signal.SIGINT) == 0
