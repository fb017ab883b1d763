from datetime import timedelta

import pytest

from accounts.audit import SYSTEM
from appointments.models import ReminderState
from appointments.watching import check
from messaging.models import Alarm
from messaging.services import set_sending
from messaging.tasks import watch
from tests.clock import NOW
from tests.factories.appointments import ReminderFactory

pytestmark = pytest.mark.django_db


def due(minutes_ago, **fields):
    return ReminderFactory(due_at=NOW - timedelta(minutes=minutes_ago), **fields)


def test_reminders_that_nobody_hands_to_sending_are_an_alarm():
    due(20)
    [finding] = check(NOW)
    assert (finding.kind, finding.facts) == ("reminders_late", {"count": 1})


@pytest.mark.parametrize("minutes", [-60, 5, 14])
def test_reminders_that_are_not_late_are_none(minutes):
    due(minutes)
    assert list(check(NOW)) == []


def test_reminders_that_were_handed_over_are_none():
    due(60, state=ReminderState.QUEUED)
    assert list(check(NOW)) == []


def test_the_kill_switch_holds_texts_and_no_reminders():
    set_sending(False, actor=SYSTEM, now=NOW)
    due(20)
    assert len(list(check(NOW))) == 1


def test_the_scheduled_round_asks_for_reminders_too():
    due(20)
    watch()
    assert Alarm.objects.get().kind == "reminders_late"
