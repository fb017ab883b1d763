from collections.abc import Iterator

import pytest

from tests.doubles.smsgate import SmsgateDouble, running_smsgate
from tests.doubles.smtp import SmtpDouble, running_smtp
from tests.doubles.twilio import TwilioDouble, running_twilio


@pytest.fixture(scope="session")
def running_double() -> Iterator[TwilioDouble]:
    with running_twilio() as double:
        yield double


@pytest.fixture
def twilio(running_double, settings) -> TwilioDouble:
    """The double with empty books, and a site that is set up to use it."""
    running_double.reset()
    settings.SMS_PROVIDERS = ["twilio"]
    settings.TWILIO_ACCOUNT_SID = running_double.account
    settings.TWILIO_AUTH_TOKEN = running_double.token
    settings.TWILIO_FROM = "Clinic"
    settings.TWILIO_MESSAGING_SERVICE_SID = ""
    settings.TWILIO_API_BASE_URL = running_double.base_url
    settings.PUBLIC_BASE_URL = ""
    return running_double


@pytest.fixture(scope="session")
def running_phone() -> Iterator[SmsgateDouble]:
    with running_smsgate() as double:
        yield double


@pytest.fixture
def smsgate(running_phone, settings) -> SmsgateDouble:
    """The double of a phone with empty books, and a site that is set up to use it."""
    running_phone.reset()
    settings.SMS_PROVIDERS = ["smsgate"]
    settings.SMSGATE_BASE_URL = running_phone.base_url
    settings.SMSGATE_USERNAME = running_phone.username
    settings.SMSGATE_PASSWORD = running_phone.password
    settings.SMSGATE_WEBHOOK_SECRET = running_phone.secret
    settings.PUBLIC_BASE_URL = ""
    return running_phone


@pytest.fixture(scope="session")
def running_mail_server() -> Iterator[SmtpDouble]:
    with running_smtp() as double:
        yield double


@pytest.fixture
def mail_server(running_mail_server, settings) -> SmtpDouble:
    """The double with nothing in it, and a site that is set up to use it."""
    running_mail_server.reset()
    settings.MAIL_IS_SET_UP = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running_mail_server.port
    settings.DEFAULT_FROM_EMAIL = "Clinic Reminders <stock@clinic.example>"
    return running_mail_server
