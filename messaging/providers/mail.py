"""Mails, by the mail server of EMAIL_URL.

A mail server can't be asked what became of a mail: one whose fate is unknown stays so, and is not sent again.
"""

import asyncio
import re
import smtplib
import ssl
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from email.utils import parseaddr
from functools import partial
from socket import SHUT_RDWR, gaierror, socket
from threading import Lock, Thread
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.smtp import EmailBackend

from messaging.order import MAIL
from messaging.providers.base import Outcome, OutgoingText, Provider, Result

# Above what the server may take for each of its answers; well under what a task may take.
LONGEST = 20.0
_ENHANCED = re.compile(rb"^(\d\.\d{1,3}\.\d{1,3})\b")


class MailProvider(Provider):
    name = MAIL
    channel = "email"
    in_flight = 4
    # What a worker holds when it dies is never sent again: so it holds little.
    rounds_ahead = 1
    # A mail server that is down for half a day costs no mail.
    most_attempts = 24
    account_codes: ClassVar[frozenset[str]] = frozenset({"SMTP_530", "SMTP_534", "SMTP_535"})
    too_fast_codes: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def is_local(cls) -> bool:
        if not _by_smtp():
            return True
        return settings.EMAIL_HOST in {"localhost", "127.0.0.1", "::1"}

    async def send(self, text: OutgoingText) -> Outcome:
        handing = _Handing()
        try:
            return await asyncio.wait_for(asyncio.wrap_future(_begun(text, handing)), LONGEST)
        except TimeoutError:
            if handing.give_up():
                return Outcome(Result.UNKNOWN, code="READ_TIMEOUT")
            return Outcome(Result.TRANSIENT, code="CONNECTION_TIMEOUT")
        except asyncio.CancelledError:
            handing.give_up()
            raise


def _begun(text: OutgoingText, handing: "_Handing") -> "Future[Outcome]":
    """What comes of the mail. No process waits at its end for this thread, as it does for a pool's."""
    outcome: Future[Outcome] = Future()
    context = copy_context()

    def run() -> None:
        try:
            outcome.set_result(context.run(_send, text, handing))
        except BaseException as error:  # noqa: BLE001  (whoever waits for it gets it)
            outcome.set_exception(error)

    outcome.set_running_or_notify_cancel()
    Thread(target=run, name="mail", daemon=True).start()
    return outcome


class _Handing:
    """Whether the mail itself is being handed over: from then on the server may have it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.begun = False
        self._given_up = False
        self._line: socket | None = None

    def connected(self, line: socket) -> None:
        """The line that `give_up` cuts."""
        with self._lock:
            self._line = line
            if self._given_up:
                line.close()
                raise smtplib.SMTPServerDisconnected("too late")

    def begin(self) -> None:
        with self._lock:
            if self._given_up:
                raise smtplib.SMTPServerDisconnected("too late")
            self.begun = True

    def give_up(self) -> bool:
        """Stops a handing over that has not begun, and cuts the line; gives whether it has begun."""
        with self._lock:
            self._given_up = True
            if self._line is not None:
                # Wakes who reads from it, which closing does not; below TLS, which could wait in turn.
                with suppress(OSError):
                    socket.shutdown(self._line, SHUT_RDWR)
            return self.begun


class _Watched(smtplib.SMTP):
    """A call that tells `handing` how far it has come."""

    def __init__(self, *args: Any, handing: _Handing, **how: Any) -> None:
        self._handing = handing
        super().__init__(*args, **how)

    def _get_socket(self, *where: Any) -> socket:
        line: socket = super()._get_socket(*where)  # type: ignore[misc]
        self._handing.connected(line)
        return line

    def starttls(self, **how: Any) -> Any:  # type: ignore[override]
        answer = super().starttls(**how)
        if self.sock is not None:
            self._handing.connected(self.sock)
        return answer

    def data(self, msg: Any) -> Any:
        self._handing.begin()
        code, said = super().data(msg)
        # To smtplib only 250 is a yes.
        return (250 if 200 <= code < 300 else code), said


class _WatchedTls(_Watched, smtplib.SMTP_SSL):
    pass


class _Backend(EmailBackend):
    handing: _Handing

    @property
    def connection_class(self) -> Any:
        return partial(_WatchedTls if self.use_ssl else _Watched, handing=self.handing)


def message_id(number: UUID) -> str:
    """The same mail always has the same, so that who gets it twice can tell."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return f"<{number}@{domain or 'localhost'}>"


def _send(text: OutgoingText, handing: _Handing) -> Outcome:
    own_id = message_id(text.message_id)
    connection = _connection(handing)
    mail = EmailMultiAlternatives(
        text.subject,
        text.body,
        to=[text.to],
        connection=connection,
        # Nobody's absence note is to answer.
        headers={"Message-ID": own_id, "Auto-Submitted": "auto-generated"},
    )
    if text.html:
        mail.attach_alternative(text.html, "text/html")
    try:
        # One that can't be written is found out before anybody is called.
        mail.message()
    except ValueError:
        return Outcome(Result.PERMANENT, code="BAD_ADDRESS")
    try:
        connection.open()
        connection.send_messages([mail])
    except (smtplib.SMTPException, OSError) as error:
        return _failed(error, handing)
    finally:
        # The server has answered: how the call ends says nothing.
        with suppress(smtplib.SMTPException, OSError):
            connection.close()
    return Outcome(Result.ACCEPTED, provider_message_id=own_id)


def _by_smtp() -> bool:
    return bool(settings.EMAIL_BACKEND.endswith("smtp.EmailBackend"))


def _connection(handing: _Handing) -> Any:
    """Other ways than SMTP have no moment from which on the server may have the mail."""
    if not _by_smtp():
        return get_connection()
    connection = _Backend()
    connection.handing = handing
    return connection


def _failed(error: Exception, handing: _Handing) -> Outcome:
    """What it means that the server refused, or was not there. Its words may quote the address."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()), (0, b""))
        return _refused(code, said, Result.PERMANENT)
    if isinstance(error, smtplib.SMTPDataError):
        return _refused(error.smtp_code, error.smtp_error, Result.PERMANENT)
    if handing.begun:
        return Outcome(Result.UNKNOWN, code="CONNECTION_BROKEN")
    if isinstance(error, smtplib.SMTPResponseException):
        # Sign-in, greeting, sender: it is not about this mail.
        return _refused(error.smtp_code, error.smtp_error, Result.CONFIGURATION)
    if isinstance(error, gaierror):
        return Outcome(Result.TRANSIENT, code="HOST_NOT_FOUND")
    if isinstance(error, ssl.SSLError):
        return Outcome(Result.CONFIGURATION, code="TLS_FAILED")
    if isinstance(error, TimeoutError):
        return Outcome(Result.TRANSIENT, code="CONNECTION_TIMEOUT")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Outcome(Result.CONFIGURATION, code="NOT_SUPPORTED")
    return Outcome(Result.TRANSIENT, code="CONNECTION_REFUSED")


def _refused(code: int, said: bytes | str, lasting: Result) -> Outcome:
    """A refusal from 500 up is `lasting`; one below is for now."""
    words = said if isinstance(said, bytes) else said.encode("utf-8", "replace")
    enhanced = _ENHANCED.match(words)
    return Outcome(
        lasting if code >= 500 else Result.TRANSIENT,
        code=f"SMTP_{code}",
        message=enhanced[1].decode() if enhanced else "",
    )
