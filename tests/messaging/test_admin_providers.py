from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from messaging.models import Breaker, ProviderState
from tests.factories.accounts import AdminFactory, StaffFactory

pytestmark = pytest.mark.django_db
LIST = reverse("admin:messaging_providerstate_changelist")
DOTTED = "tests.messaging.scripted_provider.ScriptedProvider"


@pytest.fixture
def admin(client):
    person = AdminFactory()
    client.force_login(person)
    return person


def page(name):
    return reverse("admin:messaging_providerstate_change", args=[name])


def step(client, name, what):
    address = reverse("admin:messaging_providerstate_step", args=[name])
    return client.post(address, {"step": what, "sure": "yes"}, follow=True)


def text(client, address):
    return client.get(address).content.decode()


def test_a_provider_that_was_never_used_is_listed(client, admin, settings):
    settings.SMS_PROVIDERS = ["twilio", DOTTED]
    shown = text(client, LIST)
    assert ">twilio<" in shown
    assert DOTTED in shown


def test_a_provider_that_is_left_alone_says_since_when_and_why(client, admin, settings):
    settings.SMS_PROVIDERS = ["twilio"]
    now = timezone.now()
    ProviderState.objects.create(
        name="twilio",
        breaker=Breaker.OPEN,
        opened_at=now - timedelta(hours=1),
        rest_until=now + timedelta(minutes=5),
        last_error="READ_TIMEOUT",
    )
    shown = text(client, page("twilio"))
    assert "In trouble: left alone until" in shown
    assert "READ_TIMEOUT" in shown


def test_an_administrator_pins_a_provider_and_lets_it_go_again(client, admin, settings):
    settings.SMS_PROVIDERS = [DOTTED]
    ProviderState.objects.create(name=DOTTED)
    for what, pin in (("never", "leave"), ("always", "use"), ("by-itself", "")):
        assert step(client, DOTTED, what).status_code == 200
        assert ProviderState.objects.get().pin == pin
    history = text(client, reverse("admin:messaging_providerstate_history", args=[DOTTED]))
    assert history.count("pinned") == 3


def test_a_pinned_provider_says_so(client, admin):
    ProviderState.objects.create(name="twilio", pin="leave")
    assert "Never used: set by hand" in text(client, page("twilio"))


def test_never_is_asked_about_first(client, admin):
    ProviderState.objects.create(name="twilio")
    address = reverse("admin:messaging_providerstate_step", args=["twilio"])
    assert "Without one they wait." in client.post(address, {"step": "never"}).content.decode()
    assert ProviderState.objects.get().pin == ""


def test_providers_are_the_administrators(client):
    client.force_login(StaffFactory())
    ProviderState.objects.create(name="twilio")
    assert client.get(LIST).status_code == 403
    step(client, "twilio", "never")
    assert ProviderState.objects.get().pin == ""


def test_nobody_changes_a_providers_state_by_hand(client, admin):
    ProviderState.objects.create(name="twilio")
    assert client.post(page("twilio"), {"breaker": "open"}).status_code == 403
