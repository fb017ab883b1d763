"""A Twilio of one's own: an HTTP server in its own process, with its own books, that misbehaves on demand.

`python -m tests.doubles.twilio --port 0` prints its port; in a test, `with running_twilio() as twilio`.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.doubles.process import call, run, running
from tests.doubles.twilio_server import TwilioServer

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "the-double-s-own-auth-token-0001"


@dataclass(frozen=True, slots=True)
class TwilioDouble:
    """The running double, as a test speaks to it."""

    base_url: str
    process: subprocess.Popen[str]
    account: str = ACCOUNT
    token: str = TOKEN

    def behave(self, **behaviour: Any) -> None:
        """Sets all of its behaviour at once, see `Behaviour`; what is not named is as at the start."""
        self._call("/_control", behaviour)

    def reset(self) -> None:
        """Empty books, good behaviour."""
        self._call("/_reset", {})

    def accepted(self) -> list[dict[str, Any]]:
        """What it took: sid, to, from, service, body, callback, validity_period, status, when."""
        return self._call("/_books")["accepted"]

    def requests(self) -> dict[str, int]:
        """How often it was asked to create, list and fetch, whatever it answered."""
        return self._call("/_books")["requests"]

    def tally(self) -> dict[str, Any]:
        """How many it `accepted`, its `troubles` by kind since it was told how to behave, and how many of
        its messages it is still `calling` about."""
        return self._call("/_tally")

    def callbacks(self) -> list[dict[str, Any]]:
        """Waits until no callback is under way; each with `forged`, `text` and `answered`, a status."""
        return self._call("/_callbacks")

    def tell(self, sid: str, status: str, **more: Any) -> dict[str, Any]:
        """Makes one signed callback now (error_code, forged, url); gives how it was answered."""
        return self._call("/_callbacks", {"sid": sid, "status": status, **more})

    def inbound(self, url: str, *, sender: str, to: str, body: str, **more: Any) -> dict[str, Any]:
        """Posts a signed inbound message to `url` (sid, forged); gives how it was answered."""
        return self._call("/_inbound", {"url": url, "from": sender, "to": to, "body": body, **more})

    def _call(self, path: str, given: Any = None) -> Any:
        return call(self.base_url + path, given)


@contextmanager
def running_twilio(port: int = 0) -> Iterator[TwilioDouble]:
    """The double in a process of its own on 127.0.0.1; it ends with the block, or with this process.

    Raises DoubleError.
    """
    with running("tests.doubles.twilio", port) as (base_url, process):
        yield TwilioDouble(base_url, process)


if __name__ == "__main__":
    run(TwilioServer(ACCOUNT, TOKEN).application(), "A Twilio of one's own, for tests.")
