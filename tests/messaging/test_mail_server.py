"""What a mail server that can't be reached, trusted or understood means for a mail."""

import asyncio
import smtplib
import socket
import threading
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail as outgoing

from messaging.providers import mail as mail_provider
from messaging.providers.base import Outcome, OutgoingText, Result
from messaging.providers.mail import MailProvider
from tests.doubles.smtp import CERTIFICATE

OFFERS_TLS = {"EHLO": "250-double\r\n250 STARTTLS", "STARTTLS": "220 go on"}
PARCEL = OutgoingText(
    message_id=uuid4(), to="neo@clinic.example", body="Low", valid_for=timedelta(days=1), subject="Stock"
)


def sent(parcel: OutgoingText = PARCEL) -> Outcome:
    return asyncio.run(MailProvider().send(parcel))


def told(parcel: OutgoingText = PARCEL) -> tuple[Result, str]:
    outcome = sent(parcel)
    return outcome.result, outcome.code


@pytest.fixture
def silent(mail_server, settings):
    """A server that takes the call and says nothing."""
    settings.EMAIL_TIMEOUT = 0.5
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings.EMAIL_PORT = listening.getsockname()[1]
        yield


# Reached, and trusted


def test_a_mail_goes_encrypted_where_that_is_set_up(mail_server, settings, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    settings.EMAIL_USE_TLS = True
    mail_server.does = {**OFFERS_TLS}
    assert sent().result is Result.ACCEPTED
    assert (mail_server.encrypted, len(mail_server.accepted)) == (1, 1)


def test_an_encrypted_server_that_never_ends_its_answer_keeps_no_thread(mail_server, settings, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    monkeypatch.setattr(mail_provider, "LONGEST", 1.0)
    settings.EMAIL_USE_TLS = True
    mail_server.does = {**OFFERS_TLS, "CONTENT": "drip"}
    before = set(threading.enumerate())
    assert told() == (Result.UNKNOWN, "READ_TIMEOUT")
    for thread in set(threading.enumerate()) - before:
        thread.join(20)
        assert not thread.is_alive(), thread.name


def test_a_server_whose_certificate_nobody_knows_gets_no_mail(mail_server, settings):
    settings.EMAIL_USE_TLS = True
    mail_server.does = {**OFFERS_TLS}
    assert told() == (Result.CONFIGURATION, "TLS_FAILED")
    assert mail_server.accepted == []


def test_a_server_that_does_not_encrypt_gets_no_mail_where_it_must(mail_server, settings):
    settings.EMAIL_USE_TLS = True
    assert told() == (Result.CONFIGURATION, "NOT_SUPPORTED")
    assert mail_server.accepted == []


def test_a_server_that_speaks_plainly_where_tls_is_expected_gets_no_mail(mail_server, settings):
    settings.EMAIL_USE_SSL = True
    assert told() == (Result.CONFIGURATION, "TLS_FAILED")
    assert mail_server.accepted == []


def test_a_server_whose_name_nobody_knows_is_asked_again_later(mail_server, settings):
    settings.EMAIL_HOST = "no.such.host.invalid"
    assert told() == (Result.TRANSIENT, "HOST_NOT_FOUND")


@pytest.mark.parametrize(("encrypted", "code"), [(False, "CONNECTION_REFUSED"), (True, "CONNECTION_TIMEOUT")])
def test_a_server_that_says_nothing_is_asked_again_later(silent, settings, encrypted, code):
    settings.EMAIL_USE_SSL = encrypted
    assert told() == (Result.TRANSIENT, code)


# What it says


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("550 5.7.1 not you", Result.CONFIGURATION),
        ("451 4.7.1 not now", Result.TRANSIENT),
    ],
)
def test_a_sender_that_is_refused_says_nothing_of_the_mail(mail_server, answer, expected):
    mail_server.does["MAIL"] = answer
    assert told() == (expected, f"SMTP_{answer[:3]}")
    assert mail_server.accepted == []


def test_words_of_a_server_are_kept_only_as_its_own_number(mail_server):
    mail_server.does["RCPT"] = "550 neo@clinic.example is unknown"
    outcome = sent()
    assert (outcome.result, outcome.code, outcome.message) == (Result.PERMANENT, "SMTP_550", "")


@pytest.mark.parametrize("field", ["to", "subject"])
def test_a_mail_that_can_not_be_written_calls_nobody(mail_server, field):
    assert told(replace(PARCEL, **{field: "neo@clinic.example\nBcc: all@clinic.example"})) == (
        Result.PERMANENT,
        "BAD_ADDRESS",
    )
    assert mail_server.calls == 0


def test_a_mail_that_was_given_up_before_the_server_was_reached_reaches_nobody():
    ours, theirs = socket.socketpair()
    handing = mail_provider._Handing()
    assert not handing.give_up()
    with theirs, pytest.raises(smtplib.SMTPServerDisconnected):
        handing.connected(ours)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        handing.begin()
    assert not handing.begun


# Other ways than SMTP


def test_mails_may_leave_by_another_way_than_smtp(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert sent().result is Result.ACCEPTED
    assert [mail.to for mail in outgoing.outbox] == [["neo@clinic.example"]]


def test_a_way_that_there_is_not_is_an_error_and_no_answer(settings):
    settings.EMAIL_BACKEND = "nowhere.EmailBackend"
    with pytest.raises(ImportError):
        sent()


@pytest.mark.parametrize(
    ("backend", "host", "is_local"),
    [
        ("django.core.mail.backends.smtp.EmailBackend", "localhost", True),
        ("django.core.mail.backends.smtp.EmailBackend", "mail.example", False),
        ("django.core.mail.backends.filebased.EmailBackend", "mail.example", True),
    ],
)
def test_only_a_server_elsewhere_can_reach_anybody(settings, backend, host, is_local):
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = backend, host
    assert MailProvider.is_local() is is_local
