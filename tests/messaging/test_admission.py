from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from common.ids import new_id
from messaging.admission import decide
from messaging.models import Message, MessageStatus
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MailFactory, MessageFactory

GABORONE = ZoneInfo("Africa/Gaborone")
NOON = datetime(2026, 12, 1, 12, 0, tzinfo=GABORONE)


@pytest.fixture
def clinic(db):
    return ClinicFactory(quiet_from=time(20), quiet_to=time(7))


def waiting(clinic, **fields):
    fields = {"created_at": NOON - timedelta(hours=1), "expires_at": NOON + timedelta(days=3), **fields}
    return MessageFactory(clinic=clinic, **fields)


def sent(clinic, at, **fields):
    return waiting(clinic, status=MessageStatus.SENT, sent_at=at, **fields)


def at(hour, minute=0, day=1):
    return datetime(2026, 12, day, hour, minute, tzinfo=GABORONE)


@pytest.mark.parametrize(
    ("now", "goes_on"),
    [
        (at(19, 59), None),
        (at(20), at(7, day=2)),
        (at(23, 59), at(7, day=2)),
        (at(0, 0, day=2), at(7, day=2)),
        (at(6, 59, day=2), at(7, day=2)),
        (at(7, day=2), None),
    ],
)
def test_quiet_hours_are_from_their_start_to_before_their_end_in_the_clinics_time(clinic, now, goes_on):
    [decision] = decide([waiting(clinic)], now)
    assert decision.send_at == goes_on
    assert decision.status == (MessageStatus.QUEUED if goes_on else None)


def test_quiet_hours_within_a_day(clinic):
    clinic.quiet_from, clinic.quiet_to = time(12), time(14)
    assert decide([waiting(clinic)], at(13))[0].send_at == at(14)
    assert decide([waiting(clinic)], at(11, 59))[0].status is None


def test_a_text_that_could_only_leave_too_late_expires(clinic):
    [decision] = decide([waiting(clinic, expires_at=at(7, day=2))], at(21))
    assert decision.status == MessageStatus.EXPIRED


def test_without_quiet_hours_texts_leave_at_night(clinic):
    clinic.quiet_from = clinic.quiet_to = None
    assert decide([waiting(clinic)], at(3))[0].status is None


def test_the_fourth_text_of_a_day_waits_for_the_next_morning(clinic):
    patient = new_id()
    for _number in range(3):
        sent(clinic, at(9), recipient_id=patient)
    [decision] = decide([waiting(clinic, recipient_id=patient)], NOON)
    assert decision.send_at == at(7, day=2)


def test_the_day_of_the_limit_is_the_clinics_local_day(clinic):
    patient = new_id()
    for _number in range(3):
        sent(clinic, at(23, 30) - timedelta(days=1), recipient_id=patient)
    assert decide([waiting(clinic, recipient_id=patient)], NOON)[0].status is None


def test_texts_of_one_batch_count_against_each_other(clinic):
    patient = new_id()
    texts = [waiting(clinic, recipient_id=patient) for _number in range(5)]
    assert [d.status for d in decide(texts, NOON)] == [None, None, None, "queued", "queued"]


def test_a_text_whose_fate_is_unknown_counts_as_sent(clinic):
    patient = new_id()
    for _number in range(3):
        waiting(clinic, recipient_id=patient, status=MessageStatus.UNKNOWN, lease_expires_at=at(9))
    assert decide([waiting(clinic, recipient_id=patient)], NOON)[0].status == MessageStatus.QUEUED


def test_another_patient_of_the_same_phone_has_a_limit_of_their_own(clinic):
    for _number in range(3):
        sent(clinic, at(9), recipient_id=new_id(), to="+26771234567")
    assert decide([waiting(clinic, recipient_id=new_id(), to="+26771234567")], NOON)[0].status is None


def test_without_a_patient_the_phone_is_counted(clinic):
    for _number in range(3):
        sent(clinic, at(9), to="+26771234567")
    assert decide([waiting(clinic, to="+26771234567")], NOON)[0].status == MessageStatus.QUEUED


def test_a_clinics_budget_of_the_day_holds(clinic):
    clinic.daily_message_budget = 2
    clinic.save()
    sent(clinic, at(9))
    texts = [waiting(clinic), waiting(clinic)]
    assert [d.status for d in decide(texts, NOON)] == [None, MessageStatus.QUEUED]


def test_under_an_explicit_policy_a_phone_without_a_patient_gets_nothing(clinic):
    clinic.consent_policy = "explicit"
    assert decide([waiting(clinic)], NOON)[0].status == MessageStatus.SUPPRESSED


def test_a_batch_is_decided_in_a_bounded_number_of_queries(clinic, django_assert_max_num_queries):
    clinic.daily_message_budget = 1000
    texts = [waiting(clinic, recipient_id=new_id()) for _number in range(30)]
    loaded = list(Message.objects.select_related("clinic").filter(pk__in=[t.pk for t in texts]))
    with django_assert_max_num_queries(4):
        decide(loaded, NOON)


def test_what_has_not_left_yet_takes_nothing_from_the_day(clinic):
    clinic.daily_message_budget = 3
    clinic.save()
    for status in (MessageStatus.QUEUED, MessageStatus.FAILED, MessageStatus.CANCELLED):
        waiting(clinic, status=status, to="+26771234567", sent_at=at(9))
    assert decide([waiting(clinic, to="+26771234567")], NOON)[0].status is None


def test_a_mail_leaves_beside_a_full_day_and_takes_nothing_from_it(clinic):
    clinic.daily_message_budget = 1
    clinic.save()
    mail = MailFactory(clinic=clinic, status=MessageStatus.SENT, sent_at=at(9), created_at=at(9))
    text = waiting(clinic)
    assert decide([text], NOON)[0].status is None
    sent(clinic, at(10))
    assert decide([text], NOON)[0].code == "DAILY_LIMIT"
    next_mail = MailFactory(clinic=clinic, to=mail.to, created_at=NOON, expires_at=at(12, day=2))
    assert decide([next_mail], NOON)[0].status is None
