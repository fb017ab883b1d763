"""What leaves the house when something fails tells where, and never whose data it was."""

import gzip
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from common.error_reports import chosen
from tests.architecture.house import ROOT

NAME, PHONE = "Kagiso Modise", "+26771234567"
FAILS = f"""
import logging
import sentry_sdk
from django.test import Client
def crash(request, name):
    patient, phone = {NAME!r}, {PHONE!r}
    raise ValueError("could not tell " + patient)
from django.urls import path
import clinic_reminders.urls
clinic_reminders.urls.urlpatterns.insert(0, path("crash/<str:name>", crash))
client = Client(raise_request_exception=False, headers={{"Host": "localhost"}})
client.post("/crash/{PHONE}?name={PHONE}", {{"phone": {PHONE!r}}})
logging.getLogger("messaging").error("Could not tell %s", {NAME!r})
sentry_sdk.flush(10)
"""


@pytest.fixture
def sentry():
    """Its address, and what it got."""
    got = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://key@127.0.0.1:{server.server_port}/1", got
    server.shutdown()
    server.server_close()


def test_an_error_is_reported_with_its_place_and_without_anybodys_data(sentry):
    address, got = sentry
    environment = {**os.environ, "SENTRY_DSN": address, "ALLOWED_HOSTS": "localhost"}
    environment |= {"DJANGO_SETTINGS_MODULE": "clinic_reminders.settings"}
    subprocess.run(
        [sys.executable, "manage.py", "shell", "--command", FAILS], cwd=ROOT, env=environment, check=True
    )
    said = b"\n".join(got).decode()
    assert "ValueError" in said
    assert '"function":"crash"' in said
    assert "Could not tell %s" in said
    assert [secret for secret in (NAME, PHONE, "Kagiso", "71234567", "patient") if secret in said] == []


def test_what_is_not_known_to_be_harmless_is_left_out():
    frames = {"frames": [{"vars": PHONE, "function": "send"}]}
    event = {
        "event_id": "1",
        "level": "error",
        "request": {"url": PHONE, "data": {"phone": PHONE}},
        "user": {"id": NAME},
        "extra": {"x": PHONE},
        "breadcrumbs": {"values": [{"message": PHONE}]},
        "logentry": {"message": "Could not tell %s", "params": [PHONE], "formatted": PHONE},
        "exception": {"values": [{"type": "ValueError", "value": PHONE, "stacktrace": frames}]},
        "new in the next version": PHONE,
    }
    told = chosen(event)
    assert PHONE not in str(told)
    assert told["exception"]["values"][0]["type"] == "ValueError"


def test_an_event_of_nothing_is_told_as_it_is():
    assert chosen({"event_id": "1"}) == {"event_id": "1"}
