"""Two records of one person become one."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from accounts.audit import SYSTEM, Actor
from accounts.models import AuditEntry
from appointments.merging import likely_doubles, merge, overlapping, records_of, with_likely_double
from appointments.models import Appointment, Patient, PatientQuerySet, PhoneCall
from appointments.patients import change_patient
from appointments.reminding import queue_due_reminders
from appointments.services import book, change, mark_attendance
from common.errors import NotFound, StateConflict, ValidationFailed, VersionConflict
from messaging.models import Message, MessageStatus
from tests.appointments.test_concurrency import at_once
from tests.factories.accounts import ClinicFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory
from tests.factories.messaging import MessageFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NURSE = Actor("user", UUID(int=7), "nurse")


@pytest.fixture
def two(clinic):
    """The record that stays, and the one that goes."""
    return PatientFactory(clinic=clinic, name="Neo Molefe"), PatientFactory(clinic=clinic, name="Neo Molefe")


def merged(keep, away, **options):
    return merge(stays=keep.pk, goes=away.pk, actor=NURSE, now=NOW, **options)


def booked(patient, starts_at=NOW + 2 * DAY):
    return book(clinic=patient.clinic, patient=patient, starts_at=starts_at, actor=SYSTEM, now=NOW)


def test_visits_calls_and_texts_move_to_the_record_that_stays(two):
    keep, away = two
    visit = AppointmentFactory(patient=away)
    text = MessageFactory(clinic=away.clinic, recipient_id=away.pk, status="sent")
    PhoneCall.objects.create(
        appointment=visit, visit_at=visit.starts_at, outcome="reached", at=NOW, by="nurse"
    )
    merged(keep, away)
    assert not Patient.objects.filter(pk=away.pk).exists()
    assert keep.appointments.get() == visit
    assert PhoneCall.objects.get().appointment.patient_id == keep.pk
    text.refresh_from_db()
    assert text.recipient_id == keep.pk


def test_the_reminders_of_a_moved_visit_go_once_and_to_the_phone_that_stays(two):
    keep, away = two
    visit = booked(away, NOW + 3 * DAY)
    merged(keep, away)
    queue_due_reminders(now=visit.starts_at - 24 * HOUR)
    assert [(text.to, text.recipient_id) for text in Message.objects.all()] == [(keep.phone, keep.pk)]
    queue_due_reminders(now=visit.starts_at - 23 * HOUR)
    assert Message.objects.count() == 1


def test_a_reminder_that_has_left_is_not_sent_again(two):
    keep, away = two
    visit = booked(away, NOW + 3 * DAY)
    due = visit.starts_at - 24 * HOUR
    queue_due_reminders(now=due)
    Message.objects.update(status=MessageStatus.SENT, sent_at=due)
    merge(stays=keep.pk, goes=away.pk, actor=NURSE, now=due)
    queue_due_reminders(now=due + HOUR)
    assert Message.objects.count() == 1


def test_a_reminder_that_waits_is_written_anew_for_the_phone_that_stays(two):
    keep, away = two
    visit = booked(away, NOW + 3 * DAY)
    due = visit.starts_at - 24 * HOUR
    queue_due_reminders(now=due)
    merge(stays=keep.pk, goes=away.pk, actor=NURSE, now=due)
    queue_due_reminders(now=due + HOUR)
    waiting = Message.objects.exclude(status=MessageStatus.CANCELLED)
    assert [text.to for text in waiting] == [keep.phone]


def test_two_live_visits_at_one_time_are_refused_with_their_times_and_nothing_changes(two):
    keep, away = two
    booked(keep, NOW + 2 * DAY)
    booked(away, NOW + 2 * DAY + timedelta(minutes=15))
    with pytest.raises(StateConflict, match=r"03\.12\.2026 10:00 and 03\.12\.2026 10:15"):
        merged(keep, away)
    assert Patient.objects.filter(pk=away.pk).exists()
    assert away.appointments.count() == 1


def test_a_long_visit_overlaps_one_that_starts_after_a_shorter_one_of_the_same_record(two):
    keep, away = two
    AppointmentFactory(patient=keep, starts_at=NOW, duration_minutes=30)
    AppointmentFactory(patient=keep, starts_at=NOW + HOUR, duration_minutes=180)
    AppointmentFactory(patient=away, starts_at=NOW + 3 * HOUR)
    assert overlapping(keep, away) is not None


def test_a_cancelled_visit_is_in_nobodys_way(two):
    keep, away = two
    AppointmentFactory(patient=keep, starts_at=NOW + DAY)
    AppointmentFactory(patient=away, starts_at=NOW + DAY, status="cancelled")
    merged(keep, away)
    assert keep.appointments.count() == 2


@pytest.mark.parametrize(
    ("stays", "goes", "holds"),
    [
        ((True, "nurse"), (False, "file"), (False, "file")),
        ((False, "file"), (True, "nurse"), (False, "file")),
        ((True, "on_file"), (True, "nurse"), (True, "nurse")),
        ((True, "nurse"), (True, "on_file"), (True, "nurse")),
        ((None, ""), (True, "api"), (True, "api")),
        ((None, ""), (None, ""), (None, "")),
    ],
)
def test_a_no_beats_a_yes_and_what_was_said_beats_what_is_on_file(clinic, stays, goes, holds):
    def having(consent):
        at = NOW if consent[0] is not None else None
        return PatientFactory(clinic=clinic, consent=consent[0], consent_source=consent[1], consent_at=at)

    kept = merged(having(stays), having(goes))
    kept.refresh_from_db()
    assert (kept.consent, kept.consent_source) == holds


def test_what_the_one_lacks_is_taken_from_the_other_and_nothing_is_overwritten(clinic):
    keep = PatientFactory(clinic=clinic, name="", name_key="", patient_number="")
    away = PatientFactory(clinic=clinic, name="Neo", patient_number="P7")
    phone = keep.phone
    kept = merged(keep, away)
    assert (kept.name, kept.name_key, kept.patient_number, kept.phone) == ("Neo", "neo", "P7", phone)


def test_records_of_two_clinics_stay_two():
    with pytest.raises(ValidationFailed):
        merged(PatientFactory(), PatientFactory())


def test_a_record_is_not_merged_with_itself(two):
    with pytest.raises(ValidationFailed):
        merged(two[0], two[0])


def test_a_record_that_changed_since_it_was_looked_at_is_not_merged(two):
    keep, away = two
    change_patient(away.pk, name="Someone else", actor=SYSTEM, now=NOW)
    with pytest.raises(VersionConflict):
        merged(keep, away, versions=(1, 1))


def test_a_second_click_finds_nothing_to_merge(two):
    keep, away = two
    goes = away.pk
    merged(keep, away)
    with pytest.raises(NotFound):
        merge(stays=keep.pk, goes=goes, actor=NURSE, now=NOW)


def test_the_log_says_who_merged_what_and_what_was_lost(two):
    keep, away = two
    goes, phone = away.pk, away.phone
    visit = AppointmentFactory(patient=away)
    merged(keep, away)
    lost = AuditEntry.objects.get(object_id=goes)
    assert (lost.actor_name, lost.changes["phone"]) == ("nurse", [phone, None])
    assert AuditEntry.objects.get(object_id=visit.pk).changes["record"] == [str(goes), str(keep.pk)]
    assert records_of(keep.pk) == [keep.pk, goes]


def test_doubles_of_doubles_are_remembered(clinic):
    first, second, third = (PatientFactory(clinic=clinic) for _number in range(3))
    ids = [first.pk, second.pk, third.pk]
    merged(second, third)
    merged(first, second)
    assert records_of(first.pk) == ids


def test_likely_doubles_share_name_or_phone_and_the_clinic(clinic):
    patient = PatientFactory(clinic=clinic, name="Neo", phone="+26771000001")
    named = PatientFactory(clinic=clinic, name="Neo", phone="+26771000002")
    family = PatientFactory(clinic=clinic, name="Kagiso", phone="+26771000001")
    PatientFactory(name="Neo", phone="+26771000001")
    PatientFactory(clinic=clinic)
    assert set(likely_doubles(patient)) == {named, family}


def test_a_familys_phone_alone_makes_no_double_in_the_list(clinic):
    PatientFactory(clinic=clinic, name="Neo", phone="+26771000001")
    PatientFactory(clinic=clinic, name="Kagiso", phone="+26771000001")
    assert not with_likely_double(PatientQuerySet(Patient)).exists()
    nameless = PatientFactory(clinic=clinic, name="", name_key="", phone="+26771000001")
    assert list(with_likely_double(PatientQuerySet(Patient))) == [nameless]


@pytest.mark.django_db(transaction=True)
def test_two_who_merge_each_into_the_other_leave_one_record():
    clinic = ClinicFactory()
    one, other = PatientFactory(clinic=clinic), PatientFactory(clinic=clinic)
    pairs = [(one.pk, other.pk), (other.pk, one.pk)]
    results = at_once(
        *(
            lambda stays=stays, goes=goes: merge(stays=stays, goes=goes, actor=NURSE, now=NOW)
            for stays, goes in pairs
        )
    )
    assert sum(isinstance(result, Patient) for result in results) == 1
    assert sum(isinstance(result, NotFound) for result in results) == 1
    assert Patient.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_visit_that_is_changed_while_its_record_goes_is_changed_and_stays():
    keep = PatientFactory()
    away = PatientFactory(clinic=keep.clinic)
    visit = AppointmentFactory(patient=away, starts_at=NOW + DAY)
    results = at_once(
        lambda: merge(stays=keep.pk, goes=away.pk, actor=NURSE, now=NOW),
        lambda: change(visit.pk, starts_at=NOW + 2 * DAY, actor=SYSTEM, now=NOW),
    )
    assert [type(result) for result in results] == [Patient, Appointment]
    visit.refresh_from_db()
    assert (visit.patient_id, visit.starts_at) == (keep.pk, NOW + 2 * DAY)


@pytest.mark.django_db(transaction=True)
def test_a_visit_booked_while_its_record_goes_is_refused_or_moves_along():
    keep = PatientFactory()
    away = PatientFactory(clinic=keep.clinic)
    _merged, result = at_once(
        lambda: merge(stays=keep.pk, goes=away.pk, actor=NURSE, now=NOW), lambda: booked(away)
    )
    assert isinstance(result, Appointment | NotFound)
    assert keep.appointments.count() == isinstance(result, Appointment)
    assert Appointment.objects.count() == keep.appointments.count()


def test_a_merged_visit_can_be_marked(two):
    keep, away = two
    visit = AppointmentFactory(patient=away, starts_at=NOW - HOUR)
    merged(keep, away)
    assert mark_attendance(visit.pk, attended=True, actor=NURSE, now=NOW).status == "attended"
