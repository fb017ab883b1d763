from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.audit import SYSTEM, Actor
from accounts.models import AuditEntry
from appointments.errors import AppointmentConflict
from appointments.models import Appointment, AppointmentStatus
from appointments.patients import add_patient, change_patient
from appointments.services import book, cancel, change, confirm, mark_attendance
from common.errors import StateConflict, ValidationFailed, VersionConflict
from tests.factories.accounts import ClinicFactory, StaffFactory
from tests.factories.appointments import PatientFactory

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clinic(db):
    return ClinicFactory()


@pytest.fixture
def patient(clinic):
    return PatientFactory(clinic=clinic)


def visit(patient, starts_at=NOW + 48 * HOUR, **fields):
    return book(clinic=patient.clinic, patient=patient, starts_at=starts_at, actor=SYSTEM, now=NOW, **fields)


def test_a_visit_takes_the_clinics_slot_length_and_language_when_nothing_else_is_said(patient):
    appointment = visit(patient)
    assert (appointment.duration_minutes, appointment.language) == (30, "en")
    assert appointment.ends_at - appointment.starts_at == 30 * MINUTE


def test_the_past_is_refused(patient):
    with pytest.raises(ValidationFailed) as refusal:
        visit(patient, NOW)
    assert "appointment_datetime" in refusal.value.details


@pytest.mark.parametrize("year", [1, 1989, 2101, 9999])
def test_a_mistyped_year_is_refused_when_booking_and_when_moving(patient, year):
    mistyped = datetime(year, 12, 31, 23, 50, tzinfo=patient.clinic.zone)
    appointment = visit(patient)
    for attempt in (
        lambda: visit(patient, mistyped),
        lambda: change(appointment.pk, starts_at=mistyped, actor=SYSTEM, now=NOW),
    ):
        with pytest.raises(ValidationFailed, match="Check the year"):
            attempt()


def test_a_patient_can_not_be_in_two_places(patient):
    visit(patient)
    with pytest.raises(AppointmentConflict):
        visit(patient, NOW + 48 * HOUR + 29 * MINUTE)


def test_visits_may_follow_each_other_without_a_gap(patient):
    visit(patient)
    visit(patient, NOW + 48 * HOUR + 30 * MINUTE)
    assert Appointment.objects.count() == 2


def test_a_long_visit_blocks_what_starts_during_it(patient):
    visit(patient, duration_minutes=600)
    with pytest.raises(AppointmentConflict):
        visit(patient, NOW + 57 * HOUR)


def test_a_cancelled_visit_leaves_its_time_free(patient):
    cancel(visit(patient).pk, actor=SYSTEM, now=NOW)
    assert visit(patient).is_live


@pytest.mark.postgresql
def test_the_database_itself_keeps_a_patients_visits_from_overlapping(patient):
    first = visit(patient)
    with pytest.raises(IntegrityError), transaction.atomic():
        Appointment.objects.create(
            clinic=first.clinic,
            patient=patient,
            starts_at=first.starts_at + 10 * MINUTE,
            ends_at=first.ends_at,
            duration_minutes=20,
            language="en",
            created_at=NOW,
            updated_at=NOW,
        )


def test_a_full_clinic_takes_no_more(clinic):
    clinic.slot_capacity = 2
    clinic.save()
    for _number in range(2):
        visit(PatientFactory(clinic=clinic))
    with pytest.raises(AppointmentConflict):
        visit(PatientFactory(clinic=clinic), NOW + 48 * HOUR + 15 * MINUTE)


def test_room_is_counted_by_the_most_visits_at_one_moment(clinic):
    """Two visits one after the other are one at a time, so there is room for a long one beside them."""
    clinic.slot_capacity = 2
    clinic.save()
    visit(PatientFactory(clinic=clinic))
    visit(PatientFactory(clinic=clinic), NOW + 48 * HOUR + 30 * MINUTE)
    assert visit(PatientFactory(clinic=clinic), duration_minutes=60).is_live


def test_a_patient_of_another_clinic_can_not_be_booked(patient):
    with pytest.raises(ValidationFailed):
        book(clinic=ClinicFactory(), patient=patient, starts_at=NOW + HOUR, actor=SYSTEM, now=NOW)


def test_a_reference_is_used_once_in_a_clinic(patient):
    visit(patient, reference="A-1")
    with pytest.raises(ValidationFailed) as refusal:
        visit(patient, NOW + 72 * HOUR, reference="A-1")
    assert "reference" in refusal.value.details


def test_a_moved_visit_must_find_room(patient):
    visit(patient)
    other = visit(patient, NOW + 72 * HOUR)
    with pytest.raises(AppointmentConflict):
        change(other.pk, starts_at=NOW + 48 * HOUR, actor=SYSTEM, now=NOW)


def test_moving_a_visit_a_little_does_not_collide_with_itself(patient):
    appointment = visit(patient)
    moved = change(appointment.pk, starts_at=NOW + 48 * HOUR + 10 * MINUTE, actor=SYSTEM, now=NOW)
    assert moved.starts_at == NOW + 48 * HOUR + 10 * MINUTE


def test_a_moved_confirmed_visit_is_booked_again(patient):
    appointment = confirm(visit(patient).pk, actor=SYSTEM, now=NOW)
    moved = change(appointment.pk, starts_at=NOW + 72 * HOUR, actor=SYSTEM, now=NOW)
    assert moved.status == AppointmentStatus.BOOKED


def test_a_stale_version_is_refused(patient):
    appointment = visit(patient)
    change(appointment.pk, visit_type="review", actor=SYSTEM, now=NOW)
    with pytest.raises(VersionConflict):
        change(appointment.pk, version=1, visit_type="refill", actor=SYSTEM, now=NOW)


def test_a_change_that_changes_nothing_makes_no_new_version(patient):
    appointment = visit(patient)
    assert change(appointment.pk, language=appointment.language, actor=SYSTEM, now=NOW).version == 1


def test_cancelling_twice_changes_nothing_the_second_time(patient):
    appointment = visit(patient)
    cancel(appointment.pk, actor=SYSTEM, now=NOW)
    assert cancel(appointment.pk, actor=SYSTEM, now=NOW).version == 2


def test_attendance_is_not_marked_before_the_day(patient):
    appointment = visit(patient)
    with pytest.raises(StateConflict):
        mark_attendance(appointment.pk, attended=True, actor=SYSTEM, now=NOW)


def test_attendance_is_marked_on_the_day_even_before_the_hour(patient):
    appointment = visit(patient)
    marked = mark_attendance(appointment.pk, attended=True, actor=SYSTEM, now=NOW + 46 * HOUR)
    assert marked.status == AppointmentStatus.ATTENDED


def test_attendance_can_be_corrected_and_undone(patient):
    appointment = visit(patient)
    day = NOW + 48 * HOUR
    mark_attendance(appointment.pk, attended=True, actor=SYSTEM, now=day)
    mark_attendance(appointment.pk, attended=False, actor=SYSTEM, now=day)
    assert mark_attendance(appointment.pk, attended=None, actor=SYSTEM, now=day).status == "booked"


def test_a_cancelled_visit_can_not_be_attended(patient):
    appointment = cancel(visit(patient).pk, actor=SYSTEM, now=NOW)
    with pytest.raises(StateConflict):
        mark_attendance(appointment.pk, attended=True, actor=SYSTEM, now=NOW + 48 * HOUR)


def test_every_change_is_in_the_audit_log_with_who_and_what(patient):
    nurse = StaffFactory()
    appointment = visit(patient)
    change(appointment.pk, visit_type="review", actor=Actor.of(nurse), now=NOW + HOUR)
    entry = AuditEntry.objects.get(object_id=appointment.pk, action="changed")
    assert (entry.actor_name, entry.at) == (nurse.username, NOW + HOUR)
    assert entry.changes == {"visit_type": ["", "review"]}


def test_a_new_patients_consent_comes_from_the_clinics_policy(clinic):
    patient = add_patient(clinic=clinic, phone="71 234 567", name="Neo", actor=SYSTEM, now=NOW)
    assert (patient.consent, patient.consent_source, patient.consent_at) == (True, "on_file", NOW)


def test_under_an_explicit_policy_no_consent_is_assumed(clinic):
    clinic.consent_policy = "explicit"
    clinic.save()
    patient = add_patient(clinic=clinic, phone="71234567", name="Neo", actor=SYSTEM, now=NOW)
    assert patient.consent is None


def test_a_family_may_share_a_phone(clinic):
    for name in ("Neo Kgosi", "Thabo Kgosi"):
        add_patient(clinic=clinic, phone="71234567", name=name, actor=SYSTEM, now=NOW)
    assert clinic.patients.count() == 2


def test_the_same_name_and_phone_is_the_same_patient(clinic):
    add_patient(clinic=clinic, phone="71234567", name="Neo Kgosi", actor=SYSTEM, now=NOW)
    with pytest.raises(ValidationFailed):
        add_patient(clinic=clinic, phone="+26771234567", name=" neo  KGOSI", actor=SYSTEM, now=NOW)


def test_a_landline_is_refused_for_a_patient(patient):
    with pytest.raises(ValidationFailed) as refusal:
        change_patient(patient.pk, phone="3912345", actor=SYSTEM, now=NOW)
    assert "phone" in refusal.value.details


@pytest.mark.parametrize("attended", [True, False])
def test_attendance_is_not_undone_into_a_slot_that_is_full_since(clinic, attended):
    clinic.slot_capacity = 1
    clinic.save()
    appointment = visit(PatientFactory(clinic=clinic))
    day = appointment.starts_at
    mark_attendance(appointment.pk, attended=attended, actor=SYSTEM, now=day)
    visit(PatientFactory(clinic=clinic))
    with pytest.raises(AppointmentConflict):
        mark_attendance(appointment.pk, attended=None, actor=SYSTEM, now=day)
    appointment.refresh_from_db()
    assert appointment.status == ("attended" if attended else "missed")
