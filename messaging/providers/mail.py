"""Mails, by the mail server of EMAIL_URL.

A mail server can't be asked what became of a mail: one whose fate is unknown stays so, and is not sent again.
"""

import asyncio
import re
import smtplib
import ssl
from contextlib import suppress
from email.utils import parseaddr
from socket import gaierror
from threading import Lock
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

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
        if not settings.EMAIL_BACKEND.endswith("smtp.EmailBackend"):
            return True
        return settings.EMAIL_HOST in {"localhost", "127.0.0.1", "::1"}

    async def send(self, text: OutgoingText) -> Outcome:
        handing = _Handing()
        try:
            return await asyncio.wait_for(asyncio.to_thread(_send, text, handing), LONGEST)
        except TimeoutError:
            # The thread is still at it; it goes no further than it has come.
            if handing.give_up():
                return Outcome(Result.UNKNOWN, code="READ_TIMEOUT")
            return Outcome(Result.TRANSIENT, code="CONNECTION_TIMEOUT")


class _Handing:
    """Whether the mail itself is being handed over: from then on the server may have it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.begun = False
        self._given_up = False

    def begin(self) -> None:
        with self._lock:
            if self._given_up:
                raise smtplib.SMTPServerDisconnected("too late")
            self.begun = True

    def give_up(self) -> bool:
        """Stops a handing over that has not begun; gives whether it has."""
        with self._lock:
            self._given_up = True
            return self.begun


def message_id(number: UUID) -> str:
    """The same mail always has the same, so that who gets it twice can tell."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return f"<{number}@{domain or 'localhost'}>"


def _send(text: OutgoingText, handing: _Handing) -> Outcome:
    own_id = message_id(text.message_id)
    connection = get_connection()
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
        _watch(connection, handing)
        connection.send_messages([mail])
    except (smtplib.SMTPException, OSError) as error:
        return _failed(error, handing)
    finally:
        # The server has answered: how the call ends says nothing.
        with suppress(smtplib.SMTPException, OSError):
            connection.close()
    return Outcome(Result.ACCEPTED, provider_message_id=own_id)


def _watch(connection: Any, handing: _Handing) -> None:
    """Notes when the mail itself is given to the server; other ways than SMTP have no such moment."""
    server = getattr(connection, "connection", None)
    if not isinstance(server, smtplib.SMTP):
        return
    hand_over = server.data

    def data(content: Any) -> Any:
        handing.begin()
        return hand_over(content)

    server.data = data  # type: ignore[method-assign,assignment]


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
