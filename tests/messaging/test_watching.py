from datetime import timedelta

import pytest

from messaging import watching
from messaging.alarms import Finding
from messaging.models import Alarm, AlarmKind
from messaging.watching import watch
from tests.clock import NOW
from tests.factories.messaging import AlarmFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def watches(monkeypatch):
    """None but what the test registers."""
    monkeypatch.setattr(watching, "_watches", {})
    return watching


def test_an_alarm_is_open_while_its_check_finds_it(watches):
    found = [Finding(AlarmKind.BALANCE_LOW, "twilio")]
    watches.register("money", {AlarmKind.BALANCE_LOW}, lambda _now: found)
    watch(now=NOW)
    assert Alarm.objects.get().closed_at is None
    found.clear()
    watch(now=NOW + timedelta(minutes=5))
    assert Alarm.objects.get().closed_at == NOW + timedelta(minutes=5)


def test_a_check_that_fails_hides_nothing_of_the_others_and_closes_nothing(watches):
    def broken(_now):
        raise ZeroDivisionError

    standing = AlarmFactory(kind=AlarmKind.TOO_SLOW)
    watches.register("broken", {AlarmKind.TOO_SLOW}, broken)
    watches.register("money", {AlarmKind.BALANCE_LOW}, lambda _now: [Finding(AlarmKind.BALANCE_LOW)])
    watch(now=NOW)
    assert set(Alarm.objects.values_list("kind", "closed_at")) == {("too_slow", None), ("balance_low", None)}
    assert Alarm.objects.filter(pk=standing.pk).exists()


def test_what_texts_tell_of_is_over_after_a_day_without_it(watches):
    AlarmFactory(kind=AlarmKind.SET_UP_WRONG, opened_at=NOW - timedelta(hours=25))
    watch(now=NOW)
    assert Alarm.objects.get().closed_at == NOW
