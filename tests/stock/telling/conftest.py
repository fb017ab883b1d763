import pytest

from tests.factories.accounts import ClinicFactory
from tests.factories.stock import EVERY_DAY, keeper


@pytest.fixture(autouse=True)
def mail_is_set_up(settings):
    settings.MAIL_IS_SET_UP = True
    settings.PUBLIC_BASE_URL = "https://reminders.clinic.example"


@pytest.fixture
def clinic():
    return ClinicFactory(name="Main", opening_hours=EVERY_DAY, quiet_from=None, quiet_to=None)


@pytest.fixture
def manager(clinic):
    return keeper(clinic)
