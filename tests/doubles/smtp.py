"""A mail server that keeps what it accepted, and fails as it is told."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

CERTIFICATE = Path(__file__).with_name("smtp_certificate.pem")


@dataclass
class SmtpDouble:
    port: int
    accepted: list[EmailMessage] = field(default_factory=list)
    # What it does at a command instead of taking it: a reply like "550 5.1.1 no such user", "drop", or
    # for DATA "take and drop": it has the mail, and nobody is told; "drip", at GREETING and CONTENT too:
    # an answer that never ends, byte by byte, until the caller hangs up. With "220 …" at STARTTLS the call
    # goes on encrypted, by CERTIFICATE.
    does: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    # How many calls were encrypted.
    encrypted: int = 0

    def reset(self) -> None:
        self.accepted, self.does, self.calls, self.encrypted = [], {}, 0, 0

    def take(self, content: bytes) -> None:
        self.accepted.append(message_from_bytes(content, policy=policy.default))


class _Call(socketserver.StreamRequestHandler):
    double: SmtpDouble

    def handle(self) -> None:
        self.double.calls += 1
        if self.double.does.get("GREETING") == "drip":
            self._drip()
            return
        self._say("220 double ready")
        while line := self.rfile.readline():
            word = line.split(b":")[0].split(b" ")[0].strip().decode().upper()
            behaviour = self.double.does.get(word, "")
            if behaviour == "drop":
                return
            if behaviour and not behaviour.startswith("take"):
                self._say(behaviour)
                if word == "STARTTLS":
                    self._encrypt()
            elif word == "DATA":
                if not self._take_mail(behaviour):
                    return
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 double")

    def _take_mail(self, behaviour: str) -> bool:
        self._say("354 go on")
        content = b""
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            content += line
        refusal = self.double.does.get("CONTENT")
        if refusal == "drip":
            self._drip()
            return False
        if refusal:
            self._say(refusal)
            return True
        self.double.take(content)
        if behaviour == "take and drop":
            return False
        self._say("250 taken")
        return True

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        # The server closes only what it has opened, which is not the encrypted side.
        self.connection.close()

    def _encrypt(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.double.encrypted += 1
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)  # type: ignore[assignment]

    def _drip(self) -> None:
        self.connection.settimeout(0.05)
        while True:
            self.wfile.write(b"2")
            try:
                if not self.connection.recv(100):
                    return
            except TimeoutError:
                pass

    def _say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_: Any) -> None:
        """Who calls may hang up."""


@contextmanager
def running_smtp() -> Iterator[SmtpDouble]:
    """Listens on this machine alone, in a thread of its own."""
    call = type("Call", (_Call,), {})
    with _Server(("127.0.0.1", 0), call) as server:
        double = call.double = SmtpDouble(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, name="smtp double", daemon=True)
        thread.start()
        try:
            yield double
        finally:
            server.shutdown()
            thread.join()
