"""What a reply does to a visit."""

import threading
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction

from accounts.audit import SYSTEM, Actor
from accounts.models import AuditEntry
from appointments import services
from appointments.models import AppointmentStatus
from appointments.patients import change_patient
from appointments.replies import confirm_by_person
from common.clock import Clock
from common.errors import StateConflict
from messaging import replies
from messaging.dispatch import dispatch
from messaging.models import Meaning, Message, MessageStatus, Reply, ReplyState
from messaging.providers.base import InboundText
from tests.appointments.test_concurrency import at_once
from tests.factories.accounts import ClinicFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory
from tests.factories.messaging import MessageFactory, ReplyFactory
from tests.messaging.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
# Wednesday, 07:30 in Gaborone.
VISIT = datetime(2026, 12, 2, 5, 30, tzinfo=UTC)
DAY = timedelta(days=1)
PHONE = "+26771234567"
NURSE = Actor("user", uuid4(), "nurse1")
CONFIRMED = "Thank you. Your visit to Broadhurst on Wednesday 2 December at 07:30 is confirmed."
WILL_CALL = "Thank you. Broadhurst will call you. Or call +2673901234."
READS = "Thank you for your text. Broadhurst will read it. If you need us soon, call +2673901234."


@pytest.fixture(autouse=True)
def provider(settings):
    settings.SMS_PROVIDERS = ["tests.messaging.scripted_provider.ScriptedProvider"]
    ScriptedProvider.reset()
    return ScriptedProvider


@pytest.fixture
def clinic():
    return ClinicFactory(name="Broadhurst", phone="+2673901234", quiet_from=time(20), quiet_to=time(7))


def visit_of(clinic, *, phone=PHONE, starts_at=VISIT, **fields):
    patient = fields.pop("patient", None) or PatientFactory(clinic=clinic, phone=phone)
    return AppointmentFactory(patient=patient, starts_at=starts_at, **fields)


def remind(visit, *, ago=timedelta(hours=2), **fields):
    """The phone got a text about this visit, as it was."""
    fields = {"subject_at": visit.starts_at, "status": MessageStatus.DELIVERED, "to": PHONE, **fields}
    return MessageFactory(
        clinic=visit.clinic,
        subject_type="appointments.appointment",
        subject_id=visit.pk,
        recipient_id=visit.patient_id,
        language=visit.language,
        sent_at=NOW - ago,
        **fields,
    )


@pytest.fixture
def visit(clinic):
    visit = visit_of(clinic)
    remind(visit)
    return visit


def came(body, *, now=NOW, sender=PHONE, number=None):
    number = number or str(uuid4())
    replies.take(InboundText(number, sender, body), provider="twilio", now=now)
    return Reply.objects.get(provider_message_id=number)


def status_of(visit):
    visit.refresh_from_db()
    return visit.status


def given(now=NOW):
    """The answers that the phone gets; other texts about its visits are not looked at."""
    dispatch(clock=Clock(now))
    answers = set(Message.objects.filter(answers__isnull=False).values_list("pk", flat=True))
    return [text.body for text in ScriptedProvider.given if text.message_id in answers]


def is_for_a_person(reply):
    return reply.state == ReplyState.WAITING


# Confirming


def test_a_yes_confirms_the_visit_and_is_answered_with_its_time(visit):
    reply = came("Yes please")
    assert status_of(visit) == AppointmentStatus.CONFIRMED
    assert given() == [CONFIRMED]
    assert (reply.meaning, reply.state, reply.subject_id) == (
        Meaning.CONFIRM,
        ReplyState.ANSWERED,
        visit.pk,
    )


def test_the_answer_is_in_the_visits_language(clinic):
    remind(visit_of(clinic, language="tn"))
    came("Ee, ke tla tla")
    assert given() == [
        "Re a leboga. Letsatsi la gago kwa Broadhurst ka Laboraro 2 Sedimonthole ka 07:30 le tlhomamisitswe."
    ]


def test_the_log_says_that_a_reply_confirmed(visit):
    reply = came("YES")
    entry = AuditEntry.objects.get(object_id=visit.pk, action="confirmed")
    assert (entry.actor_kind, entry.actor_id, entry.actor_name) == ("reply", reply.pk, "reply")


def test_one_yes_that_comes_twice_in_one_moment_confirms_and_answers_once(visit):
    text = InboundText("SM1", PHONE, "YES")
    at_once(*([lambda: replies.take(text, provider="twilio", now=NOW)] * 4))
    assert AuditEntry.objects.filter(action="confirmed").count() == 1
    assert given() == [CONFIRMED]


def test_a_yes_in_the_night_is_answered_in_the_night(visit):
    night = datetime(2026, 12, 1, 21, 0, tzinfo=UTC)
    came("YES", now=night)
    assert given(night) == [CONFIRMED]


def test_a_yes_to_a_visit_of_which_no_text_has_left_confirms_the_only_one(clinic):
    visit = visit_of(clinic)
    came("YES")
    assert status_of(visit) == AppointmentStatus.CONFIRMED


def test_a_yes_is_about_the_visit_that_the_phone_was_told_of(clinic, visit):
    later = visit_of(clinic, patient=visit.patient, starts_at=VISIT + 30 * DAY)
    came("YES")
    assert (status_of(visit), status_of(later)) == (AppointmentStatus.CONFIRMED, AppointmentStatus.BOOKED)


def test_a_patient_who_agrees_to_no_texts_any_more_confirms_without_an_answer(visit):
    change_patient(visit.patient_id, consent=False, actor=SYSTEM, now=NOW)
    came("YES")
    assert status_of(visit) == AppointmentStatus.CONFIRMED
    assert given() == []


# What fits several, or none that lives


def test_a_yes_that_fits_two_visits_of_a_family_goes_to_a_person(clinic, visit):
    sisters = visit_of(clinic, starts_at=VISIT + DAY)
    remind(sisters)
    reply = came("YES")
    assert is_for_a_person(reply)
    assert (reply.subject_id, reply.clinic) == (None, clinic)
    assert {status_of(visit), status_of(sisters)} == {AppointmentStatus.BOOKED}
    assert given() == [READS]


def test_two_visits_of_which_no_text_has_left_are_a_persons_too(clinic):
    visits = [visit_of(clinic), visit_of(clinic, starts_at=VISIT + DAY)]
    assert is_for_a_person(came("1"))
    assert {status_of(visit) for visit in visits} == {AppointmentStatus.BOOKED}


def test_a_yes_to_a_cancelled_visit_never_says_confirmed(visit):
    services.cancel(visit.pk, actor=SYSTEM, now=NOW)
    reply = came("YES")
    assert is_for_a_person(reply)
    assert status_of(visit) == AppointmentStatus.CANCELLED
    assert given() == [READS]


def test_a_yes_to_a_cancelled_visit_confirms_no_other_one(clinic, visit):
    other = visit_of(clinic, patient=visit.patient, starts_at=VISIT + 7 * DAY)
    services.cancel(visit.pk, actor=SYSTEM, now=NOW)
    assert is_for_a_person(came("YES"))
    assert status_of(other) == AppointmentStatus.BOOKED


def test_a_yes_after_the_visit_has_begun_goes_to_a_person(visit):
    assert is_for_a_person(came("YES", now=VISIT))
    assert status_of(visit) == AppointmentStatus.BOOKED


def test_an_answer_does_not_leave_when_the_visit_is_cancelled_before(visit):
    came("YES")
    services.cancel(visit.pk, actor=SYSTEM, now=NOW)
    assert given() == []


def test_a_yes_to_a_visit_that_was_moved_after_the_text_goes_to_a_person_with_the_visit_named(visit):
    services.change(visit.pk, starts_at=VISIT + DAY, actor=SYSTEM, now=NOW)
    reply = came("YES")
    assert is_for_a_person(reply)
    assert (reply.subject_id, status_of(visit)) == (visit.pk, AppointmentStatus.BOOKED)
    assert given() == [READS]


def test_a_yes_while_a_nurse_moves_the_visit_never_confirms_the_new_time(visit):
    def move():
        services.change(visit.pk, starts_at=VISIT + DAY, actor=SYSTEM, now=NOW)

    at_once(move, lambda: came("YES"))
    assert status_of(visit) == AppointmentStatus.BOOKED
    assert given() in ([], [READS])


def somebody_waits_for_a_lock():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone()[0] > 0


@pytest.mark.postgresql
def test_a_yes_that_waits_for_a_move_to_be_committed_does_not_confirm_the_new_time(visit):
    def say_yes():
        came("YES")
        connection.close()

    yes = threading.Thread(target=say_yes)
    with transaction.atomic():
        services.change(visit.pk, starts_at=VISIT + DAY, actor=SYSTEM, now=NOW)
        yes.start()
        while yes.is_alive() and not somebody_waits_for_a_lock():
            pass
    yes.join()
    assert is_for_a_person(Reply.objects.get())
    assert status_of(visit) == AppointmentStatus.BOOKED


def test_a_yes_to_the_text_with_the_new_time_confirms(visit):
    services.change(visit.pk, starts_at=VISIT + DAY, actor=SYSTEM, now=NOW)
    visit.refresh_from_db()
    remind(visit, ago=timedelta(minutes=5))
    came("YES")
    assert status_of(visit) == AppointmentStatus.CONFIRMED


def test_an_ok_to_a_text_that_a_nurse_wrote_by_hand_confirms_nothing(clinic, visit):
    MessageFactory(clinic=clinic, to=PHONE, purpose="manual", status="sent", sent_at=NOW)
    reply = came("OK")
    assert (is_for_a_person(reply), reply.subject_id) == (True, visit.pk)
    assert status_of(visit) == AppointmentStatus.BOOKED


def test_a_text_that_no_phone_got_is_not_what_a_reply_answers(clinic, visit):
    other = visit_of(clinic, patient=visit.patient, starts_at=VISIT + DAY)
    remind(other, ago=timedelta(minutes=5), status=MessageStatus.UNDELIVERED)
    came("YES")
    assert (status_of(visit), status_of(other)) == (AppointmentStatus.CONFIRMED, AppointmentStatus.BOOKED)


def test_answers_of_the_site_are_not_what_a_reply_answers(visit):
    came("HELP")
    given()
    came("YES", now=NOW + timedelta(minutes=1))
    assert status_of(visit) == AppointmentStatus.CONFIRMED


def test_another_phones_yes_does_nothing(visit):
    reply = came("YES", sender="+26772345678")
    assert (is_for_a_person(reply), reply.clinic) == (True, None)
    assert status_of(visit) == AppointmentStatus.BOOKED
    assert given() == []


# To a person


def test_a_no_waits_for_a_person_with_the_visit_named_and_is_answered(visit):
    reply = came("Nnyaa rra")
    assert (reply.meaning, is_for_a_person(reply), reply.subject_id) == (Meaning.RESCHEDULE, True, visit.pk)
    assert status_of(visit) == AppointmentStatus.BOOKED
    assert given() == [WILL_CALL]


def test_an_unclear_reply_waits_with_the_visit_named(visit):
    reply = came("yes but not Tuesday")
    assert (is_for_a_person(reply), reply.subject_id) == (True, visit.pk)
    assert given() == [READS]


def test_whoever_writes_on_is_told_once_a_day_that_a_person_reads_it(visit):
    for hour in range(4):
        came("my child is sick", now=NOW + timedelta(hours=hour))
    assert given() == [READS]
    came("are you there", now=NOW + timedelta(hours=25))
    assert Message.objects.filter(answers__isnull=False).count() == 2


def test_a_patient_without_a_visit_is_told_which_clinic_reads_it(clinic):
    PatientFactory(clinic=clinic, phone=PHONE)
    reply = came("when is my visit")
    assert reply.clinic == clinic
    assert given() == [READS]


def test_a_phone_of_patients_in_two_clinics_is_the_administrators_to_read(clinic):
    PatientFactory(clinic=clinic, phone=PHONE)
    PatientFactory(phone=PHONE)
    assert came("when is my visit").clinic is None
    assert given() == []


def test_a_reply_costs_no_more_queries_when_the_family_is_large(clinic, django_assert_max_num_queries):
    for day in range(15):
        remind(visit_of(clinic, starts_at=VISIT + day * DAY))
    with django_assert_max_num_queries(40):
        came("YES")


# By people


def test_a_person_confirms_the_visit_that_a_reply_means(visit):
    reply = ReplyFactory(phone=PHONE, clinic=visit.clinic)
    confirm_by_person(reply.pk, visit.pk, actor=NURSE, now=NOW)
    confirm_by_person(reply.pk, visit.pk, actor=NURSE, now=NOW)
    reply.refresh_from_db()
    assert (status_of(visit), reply.state) == (AppointmentStatus.CONFIRMED, ReplyState.DONE)
    assert reply.subject_id == visit.pk
    assert AuditEntry.objects.get(object_id=visit.pk).actor_id == NURSE.id


def test_a_reply_stays_open_when_its_visit_can_not_be_confirmed(visit):
    services.cancel(visit.pk, actor=SYSTEM, now=NOW)
    reply = ReplyFactory(phone=PHONE, clinic=visit.clinic)
    with pytest.raises(StateConflict):
        confirm_by_person(reply.pk, visit.pk, actor=NURSE, now=NOW)
    reply.refresh_from_db()
    assert reply.state == ReplyState.WAITING
