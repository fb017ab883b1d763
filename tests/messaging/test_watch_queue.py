from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.audit import SYSTEM
from messaging.services import set_sending
from messaging.watches.queue import check
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MailFactory, MessageFactory, ReplyFactory

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Africa/Gaborone")
NOW = datetime(2026, 12, 1, 12, 0, tzinfo=ZONE)
NIGHT = datetime(2026, 12, 1, 23, 0, tzinfo=ZONE)


@pytest.fixture
def clinic():
    """Quiet from 20:00 to 07:00."""
    return ClinicFactory(code="MAIN")


def waiting(clinic, *, minutes, now=NOW, **fields):
    created = now - timedelta(minutes=minutes)
    return MessageFactory(**{"clinic": clinic, "created_at": created, **fields})


def left(clinic, *, minutes, now=NOW, **fields):
    at = now - timedelta(minutes=minutes)
    return MessageFactory(
        **{
            "clinic": clinic,
            "status": "sent",
            "created_at": at,
            "sent_at": at,
            "provider": "twilio",
            **fields,
        }
    )


def found(now=NOW):
    return {finding.kind.value: finding.facts for finding in check(now)}


def test_texts_that_are_due_while_none_leaves_are_an_alarm(clinic):
    waiting(clinic, minutes=40)
    waiting(clinic, minutes=20)
    left(clinic, minutes=30)
    assert found() == {"nothing_leaves": {"count": 2, "minutes": 40}}


def test_a_text_that_is_due_for_minutes_is_no_alarm(clinic):
    waiting(clinic, minutes=14)
    assert found() == {}


def test_a_queue_that_moves_slowly_is_no_alarm_within_the_hour(clinic):
    waiting(clinic, minutes=50)
    left(clinic, minutes=1)
    assert found() == {}


def test_a_queue_that_moves_too_slowly_is_another_alarm(clinic):
    waiting(clinic, minutes=70)
    left(clinic, minutes=1)
    assert set(found()) == {"too_slow"}


def test_in_quiet_hours_nothing_is_expected_to_leave(clinic):
    waiting(clinic, minutes=60, now=NIGHT)
    assert found(NIGHT) == {}


def test_right_after_quiet_hours_there_is_time_to_begin(clinic):
    seven = datetime(2026, 12, 2, 7, 5, tzinfo=ZONE)
    waiting(clinic, minutes=300, now=seven)
    assert found(seven) == {}
    assert set(found(seven + timedelta(minutes=15))) == {"nothing_leaves"}


def test_an_answer_to_a_patient_is_expected_to_leave_at_night(clinic):
    waiting(clinic, minutes=60, now=NIGHT, answers=ReplyFactory(clinic=clinic))
    assert set(found(NIGHT)) == {"nothing_leaves"}


def test_what_a_daily_limit_holds_until_tomorrow_is_no_alarm(clinic):
    waiting(clinic, minutes=60, send_at=NOW + timedelta(hours=19), error_code="DAILY_LIMIT")
    assert found() == {}


def test_a_kill_switch_that_holds_texts_is_its_own_alarm(clinic):
    set_sending(False, actor=SYSTEM, now=NOW)
    waiting(clinic, minutes=30)
    waiting(clinic, minutes=5)
    assert found() == {"sending_off": {"count": 2}}


def test_a_kill_switch_that_holds_nothing_is_no_alarm(clinic):
    set_sending(False, actor=SYSTEM, now=NOW)
    assert found() == {}


@pytest.mark.parametrize("status", ["failed", "undelivered", "expired", "unknown"])
def test_a_clinic_whose_reminders_all_came_to_nothing_is_an_alarm(clinic, status):
    for _ in range(3):
        left(clinic, minutes=300, status=status)
    [finding] = check(NOW)
    assert (finding.kind, finding.subject, finding.clinic_id) == ("none_arrives", "MAIN", clinic.pk)


def test_one_reminder_that_left_is_enough(clinic):
    for _ in range(3):
        left(clinic, minutes=300, status="failed")
    left(clinic, minutes=200, status="delivered")
    assert found() == {}


def test_reminders_that_patients_did_not_want_are_no_alarm(clinic):
    for _ in range(3):
        left(clinic, minutes=300, status="suppressed")
    assert found() == {}


def test_the_round_costs_the_same_for_more_texts(clinic):
    costs = []
    for _ in range(2):
        for _ in range(5):
            waiting(clinic, minutes=30)
        with CaptureQueriesContext(connection) as queries:
            found()
        costs.append(len(queries))
    assert costs[0] == costs[1] < 10


def test_a_mail_that_waits_or_leaves_says_nothing_of_texts(clinic):
    MailFactory(created_at=NOW - timedelta(minutes=40))
    assert found() == {}
    waiting(clinic, minutes=20)
    MailFactory(clinic=clinic, status="sent", created_at=NOW, sent_at=NOW, provider="mail")
    assert set(found()) == {"nothing_leaves"}
