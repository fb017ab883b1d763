"""What comes of a text that came in, as far as messaging alone can say."""

from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import pytest
from django.db import OperationalError
from django_q.models import OrmQ

from accounts.audit import SYSTEM, Actor
from accounts.models import AuditEntry, ConsentPolicy
from common.clock import Clock
from common.errors import NotFound
from messaging import replies
from messaging.answers import MOST_A_DAY
from messaging.dispatch import dispatch
from messaging.models import Meaning, Message, MessageStatus, OptOut, Reply, ReplyState
from messaging.providers.base import InboundText, Outcome, Result
from messaging.services import opt_out, opted_out
from messaging.signals import reply_came
from tests.appointments.test_concurrency import at_once
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MessageFactory, ReplyFactory
from tests.messaging.scripted_provider import ScriptedProvider, SecondProvider

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
NIGHT = datetime(2026, 12, 1, 21, 0, tzinfo=UTC)
PHONE = "+26771234567"
NURSE = Actor("user", uuid4(), "nurse1")


@pytest.fixture
def provider(settings):
    settings.SMS_PROVIDERS = [
        "tests.messaging.scripted_provider.ScriptedProvider",
        "tests.messaging.scripted_provider.SecondProvider",
    ]
    ScriptedProvider.reset()
    SecondProvider.reset()
    return ScriptedProvider


@pytest.fixture
def clinic():
    return ClinicFactory(name="Broadhurst", phone="+2673901234", quiet_from=time(20), quiet_to=time(7))


@pytest.fixture
def told(clinic):
    """The phone has had a text of this clinic."""
    return text_to(clinic)


def text_to(clinic, **fields):
    fields = {"to": PHONE, "status": MessageStatus.DELIVERED, "sent_at": NOW - timedelta(days=1), **fields}
    return MessageFactory(clinic=clinic, **fields)


def came(body, *, now=NOW, sender=PHONE, number=None):
    number = number or str(uuid4())
    replies.take(InboundText(number, sender, body), provider="twilio", now=now)
    return Reply.objects.get(provider_message_id=number[:100])


def answers():
    return list(Message.objects.filter(answers__isnull=False).order_by("created_at", "pk"))


def bodies_given(provider):
    return [text.body for text in provider.given]


# Kept once


def test_a_text_that_the_provider_brings_twice_is_kept_and_acted_on_once(told):
    came("STOP", number="SM1")
    reply = came("STOP", number="SM1")
    assert Reply.objects.count() == 1
    assert (reply.meaning, reply.state) == (Meaning.STOP, ReplyState.ANSWERED)
    assert len(answers()) == 1


def test_a_text_that_comes_twice_in_one_moment_is_acted_on_once(told):
    text = InboundText("SM1", PHONE, "STOP")
    at_once(*([lambda: replies.take(text, provider="twilio", now=NOW)] * 4))
    assert (Reply.objects.count(), OptOut.objects.count(), len(answers())) == (1, 1, 1)
    assert Reply.objects.get().state == ReplyState.ANSWERED


def test_two_stops_of_one_phone_in_one_moment_are_answered_once(told):
    def stop(number):
        return lambda: replies.take(InboundText(number, PHONE, "STOP"), provider="twilio", now=NOW)

    at_once(*(stop(f"SM{n}") for n in range(4)))
    assert (Reply.objects.filter(state=ReplyState.ANSWERED).count(), len(answers())) == (4, 1)


def test_a_local_number_is_kept_in_full(told):
    assert came("STOP", sender="71 234 567").phone == PHONE


@pytest.mark.parametrize("body", ["a\0b", "\ud83d", "", "😀" * 5000, "\n\r\t"])
def test_a_hostile_text_is_kept_for_a_person(told, body):
    reply = came(body)
    assert (reply.meaning, reply.state) == (Meaning.UNCLEAR, ReplyState.WAITING)


# Read once


def test_what_was_kept_and_not_read_is_read_by_the_next_pass(told, provider):
    reply = ReplyFactory(phone=PHONE, body="STOP", state=ReplyState.NEW, clinic=None)
    dispatch(clock=Clock(NOW))
    dispatch(clock=Clock(NOW))
    reply.refresh_from_db()
    assert reply.state == ReplyState.ANSWERED
    assert len(provider.given) == 1


def test_two_workers_read_what_waits_once(told):
    for _number in range(5):
        ReplyFactory(phone=PHONE, body="HELP", state=ReplyState.NEW, clinic=None)
    at_once(*([lambda: replies.read_waiting(now=NOW)] * 3))
    assert not Reply.objects.filter(state=ReplyState.NEW).exists()
    assert len(answers()) == MOST_A_DAY


@pytest.fixture
def fault():
    """The app that knows the visits fails, as the test says."""
    raised = []

    def receiver(**_kwargs):
        if raised:
            raise raised[0]

    reply_came.connect(receiver)
    yield raised
    reply_came.disconnect(receiver)


def test_a_reply_that_can_not_be_read_waits_for_a_person_and_holds_back_no_other(told, fault):
    fault.append(ValueError("no"))
    broken = ReplyFactory(body="yes", state=ReplyState.NEW, received_at=NOW - timedelta(hours=1))
    fine = ReplyFactory(phone=PHONE, body="STOP", state=ReplyState.NEW, received_at=NOW)
    replies.read_waiting(now=NOW)
    broken.refresh_from_db()
    fine.refresh_from_db()
    assert (broken.state, fine.state) == (ReplyState.WAITING, ReplyState.ANSWERED)


def test_a_reply_that_finds_no_database_is_read_later(told, fault):
    fault.append(OperationalError("gone"))
    reply = came("yes")
    assert reply.state == ReplyState.NEW
    fault.clear()
    replies.read_waiting(now=NOW)
    reply.refresh_from_db()
    assert reply.state == ReplyState.WAITING


def test_an_answer_has_the_worker_look_at_once(told):
    came("STOP")
    assert [task.func() for task in OrmQ.objects.all()] == ["messaging.tasks.dispatch_due"]


# Stop and start


def test_a_stop_opts_the_phone_out_and_says_so_once(told, provider):
    reply = came("Stop please")
    assert opted_out([PHONE]) == {PHONE}
    assert OptOut.objects.get().source == "reply"
    dispatch(clock=Clock(NOW))
    came("STOP")
    dispatch(clock=Clock(NOW))
    assert bodies_given(provider) == [
        "You will get no more texts from this clinic system. To get them again, reply START."
    ]
    assert answers()[0].answers_id == reply.pk


def test_the_log_says_that_a_reply_opted_out_and_names_no_phone(told):
    reply = came("STOP")
    entry = AuditEntry.objects.get(action="opted out")
    assert (entry.actor_kind, entry.actor_id) == ("reply", reply.pk)
    assert PHONE[4:] not in f"{entry.actor_name} {entry.changes}"


def test_an_answer_comes_in_the_language_of_the_last_text(clinic, told, provider):
    text_to(clinic, language="tn", sent_at=NOW - timedelta(hours=1))
    came("EMISA")
    dispatch(clock=Clock(NOW))
    assert bodies_given(provider)[0].startswith("Ga o kitla")


def test_quiet_hours_hold_no_answer_back(told, provider):
    reminder = MessageFactory(clinic=told.clinic, created_at=NIGHT)
    came("HELP", now=NIGHT)
    dispatch(clock=Clock(NIGHT))
    assert bodies_given(provider) == [
        "Broadhurst: please call +2673901234. To get no more texts, reply STOP."
    ]
    assert provider.given[0].valid_for == timedelta(hours=24)
    reminder.refresh_from_db()
    assert reminder.status == MessageStatus.QUEUED


def test_a_phone_that_opted_out_gets_no_other_answer(told, provider):
    opt_out(PHONE, source="nurse", actor=SYSTEM, now=NOW)
    came("HELP")
    dispatch(clock=Clock(NOW))
    assert (provider.given, answers()[0].status) == ([], MessageStatus.SUPPRESSED)


def test_a_provider_that_answers_a_stop_itself_is_not_asked_again_nor_gone_round(told, provider):
    provider.answers[PHONE] = Outcome(Result.PERMANENT, code="21610", opted_out=True)
    came("STOP")
    dispatch(clock=Clock(NOW))
    dispatch(clock=Clock(NOW + timedelta(hours=2)))
    assert (len(provider.given), SecondProvider.given) == (1, [])
    assert answers()[0].status == MessageStatus.SUPPRESSED


def test_a_clinic_that_texts_only_who_agreed_answers_who_wrote_to_it(told, provider):
    told.clinic.consent_policy = ConsentPolicy.EXPLICIT
    told.clinic.save()
    came("STOP")
    dispatch(clock=Clock(NOW))
    assert len(provider.given) == 1


def test_a_start_lifts_the_opt_out_and_is_answered(told, provider):
    came("STOP")
    came("START")
    assert opted_out([PHONE]) == set()
    dispatch(clock=Clock(NOW))
    assert bodies_given(provider)[-1].startswith("You can get texts from this clinic system again.")


def test_a_stop_after_a_start_is_answered_again(told):
    for body in ("STOP", "START", "STOP"):
        came(body)
    assert [message.purpose for message in answers()].count("answer_stopped") == 2


def test_a_stop_from_a_phone_that_nobody_knows_holds_without_an_answer():
    reply = came("STOP")
    assert (reply.state, reply.clinic) == (ReplyState.ANSWERED, None)
    assert opted_out([PHONE]) == {PHONE}
    assert answers() == []


def test_a_no_to_a_reminder_opts_nobody_out(told):
    for body in ("No", "nnyaa", "cancel", "I can't come"):
        assert came(body).state == ReplyState.WAITING
    assert opted_out([PHONE]) == set()


# The brake


def test_a_day_has_a_most_of_answers_for_a_phone(told):
    for minute in range(MOST_A_DAY + 3):
        came("HELP", now=NOW + timedelta(minutes=minute))
    assert len(answers()) == MOST_A_DAY
    assert Reply.objects.filter(state=ReplyState.WAITING).count() == 3
    came("HELP", now=NOW + timedelta(days=1, minutes=5))
    assert len(answers()) == MOST_A_DAY + 1


def test_answers_count_toward_the_days_limit_of_the_phone(told, provider, settings):
    settings.SMS_PATIENT_DAILY_LIMIT = 2
    for _number in range(4):
        came("HELP")
    dispatch(clock=Clock(NOW))
    assert len(provider.given) == 2


@pytest.mark.parametrize("sender", ["16111", "ORANGE", "", "+2673901234"])
@pytest.mark.parametrize("body", ["STOP", "START", "HELP", "YES", "Your balance is low"])
def test_no_machine_is_answered_or_opted_out(clinic, sender, body):
    text_to(clinic, to=sender)
    reply = came(body, sender=sender)
    assert answers() == []
    assert OptOut.objects.count() == 0
    assert reply.state == ReplyState.WAITING


def test_our_own_number_is_not_answered(told, settings):
    settings.TWILIO_FROM = PHONE
    came("HELP")
    assert answers() == []


def test_a_clinics_own_mobile_is_not_answered(told, clinic):
    clinic.phone = PHONE
    clinic.save()
    came("HELP")
    assert answers() == []


# By people


def test_a_person_closes_a_reply_once_and_the_log_has_who():
    reply = ReplyFactory()
    replies.mark_done(reply.pk, actor=NURSE, now=NOW)
    replies.mark_done(reply.pk, actor=SYSTEM, now=NOW + timedelta(hours=1))
    reply.refresh_from_db()
    assert (reply.state, reply.done_at, reply.done_by) == (ReplyState.DONE, NOW, "nurse1")
    assert AuditEntry.objects.get(object_id=reply.pk).actor_id == NURSE.id


def test_a_person_stops_and_allows_texts_on_account_of_a_reply():
    reply = ReplyFactory(phone=PHONE)
    replies.stop_texts(reply.pk, actor=NURSE, now=NOW)
    assert opted_out([PHONE]) == {PHONE}
    again = ReplyFactory(phone=PHONE)
    replies.allow_texts(again.pk, actor=NURSE, now=NOW)
    assert opted_out([PHONE]) == set()
    assert Reply.objects.filter(state=ReplyState.DONE).count() == 2


def test_a_reply_that_is_not_there_can_not_be_closed():
    with pytest.raises(NotFound):
        replies.mark_done(uuid4(), actor=NURSE, now=NOW)
