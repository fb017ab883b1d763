"""A phone with SMSGate of one's own: an HTTP server in its own process, with its own books.

`python -m tests.doubles.smsgate --port 0` prints its port; in a test, `with running_smsgate() as smsgate`.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.doubles.process import call, run, running
from tests.doubles.smsgate_server import SmsgateServer

USERNAME = "sms"
PASSWORD = "the-double-s-own-password"
SECRET = "the-double-s-own-signing-key"


@dataclass(frozen=True, slots=True)
class SmsgateDouble:
    """The running double, as a test speaks to it."""

    base_url: str
    process: subprocess.Popen[str]
    username: str = USERNAME
    password: str = PASSWORD
    secret: str = SECRET

    def behave(self, **behaviour: Any) -> None:
        """Sets all of its behaviour at once, see `Behaviour`; what is not named is as at the start.

        A rule's "error" answers the HTTP status `code` in the gateway's own words, "http" in a proxy's.
        Callbacks tell "sent", "delivered", "failed" or "cancelled"; the reason is `error_code`.
        """
        self._call("/_control", behaviour)

    def reset(self) -> None:
        """Empty books, no webhooks, good behaviour."""
        self._call("/_reset", {})

    def accepted(self) -> list[dict[str, Any]]:
        """What it took, each number once: id, to, body, ttl, with_delivery_report, priority, state, when."""
        return self._call("/_books")["accepted"]

    def requests(self) -> dict[str, int]:
        """How often it was asked to create (`known`: a number that it had), fetch and register."""
        return self._call("/_books")["requests"]

    def call_for_all_events(self, url: str) -> None:
        """As if every event had been registered."""
        self._call("/_webhooks", {"url": url})

    def webhooks(self) -> list[dict[str, Any]]:
        """What is registered: id, url, event."""
        return self._call("/_webhooks")

    def callbacks(self) -> list[dict[str, Any]]:
        """Waits until no call is under way; each with `event`, `answered`, its HTTP status, and `text`."""
        return self._call("/_callbacks")

    def tell(self, number: str, status: str, **more: Any) -> dict[str, Any]:
        """Makes one signed call now, about any number (reason, url, forged, age_seconds)."""
        return self._call("/_callbacks", {"id": number, "status": status, **more})

    def inbound(self, url: str, *, sender: str, body: str, **more: Any) -> dict[str, Any]:
        """Posts a text that came in to `url` (message_id, event_id, received_at, forged, age_seconds)."""
        return self._call("/_inbound", {"url": url, "sender": sender, "body": body, **more})

    def _call(self, path: str, given: Any = None) -> Any:
        return call(self.base_url + path, given)


@contextmanager
def running_smsgate(port: int = 0) -> Iterator[SmsgateDouble]:
    """The double in a process of its own on 127.0.0.1; it ends with the block, or with this process.

    Raises DoubleError.
    """
    with running("tests.doubles.smsgate", port) as (base_url, process):
        yield SmsgateDouble(base_url, process)


if __name__ == "__main__":
    run(SmsgateServer(USERNAME, PASSWORD, SECRET).application(), "A phone with SMSGate of one's own.")
