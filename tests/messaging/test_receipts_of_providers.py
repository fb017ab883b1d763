"""Receipts as each provider brings them, over HTTP, while its texts leave."""

import pytest

from common.clock import Clock
from messaging.dispatch import dispatch
from messaging.models import Message, Receipt
from tests.messaging.provider_calls import texts_waiting


@pytest.fixture(params=["twilio", "smsgate"])
def site(request, live_server, settings):
    """The provider's double, which knows this site."""
    double = request.getfixturevalue(request.param)
    settings.PUBLIC_BASE_URL = live_server.url
    if request.param == "smsgate":
        double.call_for_all_events(f"{live_server.url}/api/v1/sms/webhooks/smsgate")
    return double


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["in_order", "doubled", "reversed"])
@pytest.mark.parametrize("early", [False, True], ids=["after the answer", "before the answer"])
def test_in_whatever_order_and_however_often_receipts_come_the_text_ends_delivered(site, how, early):
    site.behave(callbacks={"how": how, "before_the_answer": early})
    texts_waiting(3)
    dispatch(clock=Clock())
    assert {told["answered"] for told in site.callbacks()} == {204}
    assert list(Message.objects.values_list("status", flat=True)) == ["delivered"] * 3
    assert Receipt.objects.filter(message__isnull=True).count() == 0


@pytest.mark.django_db(transaction=True)
def test_forged_receipts_leave_texts_as_they_were(site):
    site.behave(callbacks={"how": "forged"})
    texts_waiting(2)
    dispatch(clock=Clock())
    assert {told["answered"] for told in site.callbacks()} == {403}
    assert list(Message.objects.values_list("status", flat=True)) == ["sent"] * 2
