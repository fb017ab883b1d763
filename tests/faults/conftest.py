from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.doubles.smsgate import SmsgateDouble, running_smsgate
from tests.doubles.twilio import TwilioDouble, running_twilio
from tests.faults.scenario import Scenario


@pytest.fixture
def twilio() -> Iterator[TwilioDouble]:
    with running_twilio() as double:
        yield double


@pytest.fixture
def phone() -> Iterator[SmsgateDouble]:
    with running_smsgate() as double:
        yield double


@pytest.fixture
def environment(process_environment: dict[str, str], twilio: TwilioDouble) -> dict[str, str]:
    """Of the site's processes: Twilio alone, and "it is not there" counts after one second."""
    return {
        **process_environment,
        "DJANGO_SETTINGS_MODULE": "clinic_reminders.settings",
        "SMS_PROVIDERS": "twilio",
        "SMS_LOOKUP_GRACE_SECONDS": "1",
        "TWILIO_ACCOUNT_SID": twilio.account,
        "TWILIO_AUTH_TOKEN": twilio.token,
        "TWILIO_FROM": "Clinic",
        "TWILIO_API_BASE_URL": twilio.base_url,
        "LOG_LEVEL": "ERROR",
    }


@pytest.fixture
def scenario(environment: dict[str, str], twilio: TwilioDouble) -> Callable[..., Scenario]:
    """Makes one by its name in the table; more of the environment and more doubles may be given."""

    def make(name: str, *others: Any, **more: str) -> Scenario:
        return Scenario(name, {**environment, **more}, twilio, others)

    return make
