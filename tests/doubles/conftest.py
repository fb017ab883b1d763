from collections.abc import Iterator

import pytest

from tests.doubles.smsgate import SmsgateDouble, running_smsgate
from tests.doubles.twilio import TwilioDouble, running_twilio


@pytest.fixture(scope="module")
def running() -> Iterator[TwilioDouble]:
    with running_twilio() as double:
        yield double


@pytest.fixture
def twilio(running: TwilioDouble) -> TwilioDouble:
    running.reset()
    return running


@pytest.fixture(scope="module")
def running_phone() -> Iterator[SmsgateDouble]:
    with running_smsgate() as double:
        yield double


@pytest.fixture
def smsgate(running_phone: SmsgateDouble) -> SmsgateDouble:
    running_phone.reset()
    return running_phone
