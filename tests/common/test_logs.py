import logging
import logging.config
from io import StringIO

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from messaging.models import OptOut
from tests.factories.messaging import OptOutFactory

pytestmark = pytest.mark.django_db

PHONE = "+26771234567"


@pytest.fixture
def error():
    """What the database itself says of a second row with one phone."""
    OptOutFactory(phone=PHONE)
    with pytest.raises(IntegrityError) as raised, transaction.atomic():
        OptOut.objects.bulk_create([OptOutFactory.build(phone=PHONE)])
    return raised.value


@pytest.fixture(params=["console", "json"])
def written(request):
    """Logs as the site does; gives what was written."""
    made = logging.config.DictConfigurator(settings.LOGGING)
    formatter = made.configure_formatter(made.config["formatters"][request.param])
    handler = logging.StreamHandler(StringIO())
    handler.setFormatter(formatter)
    handler.addFilter(made.configure_filter(made.config["filters"]["request_id"]))
    logger = logging.getLogger("tests.logs")
    logger.addHandler(handler)
    yield lambda: handler.stream.getvalue()
    logger.removeHandler(handler)


logger = logging.getLogger("tests.logs")


def test_a_traceback_names_the_error_and_quotes_no_row(error, written):
    logger.error("It failed.", exc_info=error)
    assert "IntegrityError" in written()
    assert PHONE not in written()
    assert str(error).splitlines()[0] not in written()


def test_an_error_that_followed_from_it_quotes_no_row_either(error, written):
    follower = RuntimeError(f"while saving: {error}")
    follower.__cause__ = error
    logger.error("It failed.", exc_info=follower)
    assert "RuntimeError" in written()
    assert PHONE not in written()


def test_an_error_within_a_group_quotes_no_row_either(error, written):
    logger.error("It failed.", exc_info=ExceptionGroup("Several failed.", [error]))
    assert "Several failed." in written()
    assert PHONE not in written()


def test_an_error_in_the_message_is_its_class(error, written):
    logger.error("It failed: %s", error)
    assert "It failed: IntegrityError" in written()


def test_a_text_made_of_an_error_loses_its_detail(error, written):
    text = f"{error}" if connection.vendor == "postgresql" else f"x\nDETAIL:  Key (phone)=({PHONE}) exists."
    logger.error("%s", text)
    assert "DETAIL" in written()
    assert PHONE not in written()


def test_other_errors_keep_their_words(written):
    logger.error("It failed.", exc_info=ValueError("of its own"))
    assert "ValueError: of its own" in written()


def test_the_record_itself_stays_for_other_handlers(error, written, caplog):
    logger.error("It failed: %s", error)
    assert caplog.records[-1].args == (error,)
