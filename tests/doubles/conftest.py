from collections.abc import Iterator

import pytest

from tests.doubles.twilio import TwilioDouble, running_twilio


@pytest.fixture(scope="module")
def running() -> Iterator[TwilioDouble]:
    with running_twilio() as double:
        yield double


@pytest.fixture
def twilio(running: TwilioDouble) -> TwilioDouble:
    running.reset()
    return running
