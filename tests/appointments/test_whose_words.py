"""Former words that several could be meant by, that come in several ways, or that are another's by now."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.audit import SYSTEM
from appointments.booking import book_for
from appointments.bulk import Booking
from appointments.bulk import run as run_bulk
from appointments.erasure import erase
from appointments.merging import merge
from appointments.models import Appointment, FormerIdentity, Patient
from appointments.patients import Caller, add_patient, change_patient
from tests.appointments.test_concurrency import at_once
from tests.appointments.test_former_words import STAYS, WENT, only_patient
from tests.appointments.test_importing import NOW, counts, row, run
from tests.factories.accounts import ClinicFactory
from tests.factories.appointments import PatientFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LATER = {"datetime": "2026-12-28 09:00"}


@pytest.fixture(autouse=True)
def clinics():
    return [ClinicFactory(code="GAB01"), ClinicFactory(code="FRW02")]


@pytest.fixture
def clinic(clinics):
    return clinics[0]


def change(patient, **changes):
    return change_patient(patient.pk, actor=SYSTEM, now=NOW, **changes)


def taken_over(stays, goes):
    return merge(stays=stays.pk, goes=goes.pk, actor=SYSTEM, now=NOW)


def test_whose_phone_was_corrected_and_corrected_back_can_be_merged(clinic):
    goes = PatientFactory(clinic=clinic, phone="+26772333444", name="N. Kgosi")
    change(goes, phone="75111222")
    change(goes, phone="72333444")
    stays = PatientFactory(clinic=clinic, phone="+26771234567", name="Neo Kgosi")
    taken_over(stays, goes)
    assert counts(run(row(**WENT, **LATER))) == (1, 0, 0, 0)
    assert only_patient()[:2] == ("Neo Kgosi", "+26771234567")


def test_who_takes_over_a_record_that_took_over_their_own_words_can_be_merged(clinic):
    first = PatientFactory(clinic=clinic, phone="+26771234567", name="Neo Kgosi", patient_number="")
    goes = PatientFactory(clinic=clinic, phone="+26772333444", name="N. Kgosi", patient_number="P2")
    taken_over(goes, first)
    again = add_patient(clinic=clinic, **{**STAYS, "name": "NEO KGOSI"}, actor=SYSTEM, now=NOW)
    kept = taken_over(again, goes)
    assert (kept.patient_number, kept.former_identities.count()) == ("P2", 2)


def test_the_number_says_who_of_two_is_meant_by_the_old_words(clinic):
    for n, number in ((1, ""), (2, "B2")):
        stays = PatientFactory(clinic=clinic, patient_number="", phone=f"+2677444000{n}", name=f"Mpho {n}")
        if number:
            change(stays, patient_number="A2")
        goes = PatientFactory(clinic=clinic, patient_number=number, name="Mpho", phone="+26774555666")
        taken_over(stays, goes)
    assert counts(run(row(name="Mpho", phone="74555666", file_no="B2"))) == (1, 0, 0, 0)
    assert Appointment.objects.get().patient.name == "Mpho 2"


def test_a_new_number_with_the_old_words_of_two_is_neither_of_them(clinic):
    for n in (1, 2):
        stays = PatientFactory(clinic=clinic, patient_number="", phone=f"+2677444000{n}", name=f"Mpho {n}")
        goes = PatientFactory(clinic=clinic, patient_number="", name="Mpho", phone="+26774555666")
        taken_over(stays, goes)
    assert counts(run(row(name="Mpho", phone="74555666", file_no="B7"))) == (1, 0, 0, 0)
    assert Patient.objects.count() == 3


@pytest.fixture
def merged_twice(clinic):
    """Took over a record with a number, then one without."""
    stays = PatientFactory(clinic=clinic, phone="+26771234567", name="Neo Kgosi", patient_number="P1")
    for name, number in (("N. Kgosi", "P2"), ("Neo Kgosi-Tau", "")):
        goes = PatientFactory(clinic=clinic, phone="+26772333444", name=name, patient_number=number)
        stays = taken_over(stays, goes)
    return stays


def test_the_words_of_several_merged_records_correct_nothing_together(merged_twice):
    said = row(name="Neo Kgosi-Tau", phone="72333444", file_no="P2")
    assert counts(run(said)) == (1, 0, 0, 0)
    assert only_patient() == ("Neo Kgosi", "+26771234567", "P1")


def test_nor_do_they_from_another_system(merged_twice, clinic):
    who = Caller(clinic, "+26772333444", "Neo Kgosi-Tau", patient_number="P2")
    assert book_for(who, starts_at=NOW + 40 * DAY, actor=SYSTEM, now=NOW).patient_id == merged_twice.pk
    assert only_patient() == ("Neo Kgosi", "+26771234567", "P1")


@pytest.mark.parametrize(("name", "phone"), [("Lesego", "71234567"), ("Neo Kgosi", "74000111")])
def test_a_former_number_with_only_the_name_or_the_phone_from_before_is_somebody_else(clinic, name, phone):
    patient = PatientFactory(clinic=clinic, patient_number="P1", phone="+26771234567", name="Neo Kgosi")
    change(patient, phone="75111222")
    change(patient, patient_number="P3")
    assert counts(run(row(name=name, phone=phone, file_no="P1"))) == (1, 0, 0, 0)
    patient.refresh_from_db()
    assert (patient.name, patient.phone) == ("Neo Kgosi", "+26775111222")
    assert not patient.appointments.exists()


def test_who_gets_another_name_after_the_phone_is_not_meant_by_the_old_words(clinic):
    patient = PatientFactory(clinic=clinic, patient_number="", phone="+26771234567", name="Neo Kgosi")
    change(patient, phone="75111222")
    change(patient, name="Lesego")
    assert counts(run(row(**STAYS))) == (1, 0, 0, 0)
    assert Appointment.objects.get().patient_id != patient.pk


def test_words_that_were_another_persons_mean_nobody_once_that_person_is_erased(clinic):
    stays = PatientFactory(clinic=clinic, phone="+26771234567", name="Neo Kgosi")
    taken_over(stays, PatientFactory(clinic=clinic, phone="+26772333444", name="N. Kgosi"))
    other = add_patient(clinic=clinic, **WENT, actor=SYSTEM, now=NOW)
    erase(other.pk, cancel_visits=True, actor=SYSTEM, now=NOW)
    assert not FormerIdentity.objects.filter(name_key="n. kgosi", phone="+26772333444").exists()
    assert counts(run(row(**WENT))) == (1, 0, 0, 0)
    assert Appointment.objects.get().patient_id != stays.pk


def test_whom_a_nurse_adds_under_the_old_words_while_booking_is_a_person_of_their_own(clinic):
    stays = PatientFactory(clinic=clinic, phone="+26771234567", name="Neo Kgosi")
    taken_over(stays, PatientFactory(clinic=clinic, phone="+26772333444", name="N. Kgosi"))
    who = Caller(clinic, "+26772333444", "N. Kgosi", consent_source="nurse")
    visit = book_for(who, starts_at=NOW + 40 * DAY, actor=SYSTEM, now=NOW)
    assert (visit.patient.name, visit.patient.phone) == ("N. Kgosi", "+26772333444")


def bookings(merged, day):
    return [
        Booking(Caller(clinic, phone, name), {"starts_at": NOW + day * DAY}, SYSTEM, NOW)
        for clinic, phone, name in merged
    ]


def several_merged(clinic, number):
    """Whom to call by what they were called."""
    for n in range(number):
        goes = PatientFactory(clinic=clinic, name="Mpho", phone=f"+267744400{n:02}")
        taken_over(PatientFactory(clinic=clinic, name=f"Tau {n}"), goes)
        yield clinic, goes.phone, goes.name


def test_diaries_of_those_meant_by_old_words_are_read_once_for_all(clinic):
    merged = list(several_merged(clinic, 6))
    with CaptureQueriesContext(connection) as few:
        run_bulk(bookings(merged[:1], 30), all_or_none=True)
    with CaptureQueriesContext(connection) as many:
        results = run_bulk(bookings(merged, 31), all_or_none=True)
    assert [result.patient.name for result in results] == [f"Tau {n}" for n in range(6)]
    reading = [
        sum("ends_at" in q["sql"] and q["sql"].startswith("SELECT") for q in few) for few in (few, many)
    ]
    assert reading[0] == reading[1]


@pytest.mark.django_db(transaction=True)
def test_two_calls_about_the_same_old_words_do_not_wait_for_each_other_in_a_ring():
    merged = list(several_merged(ClinicFactory(), 20))
    results = at_once(
        lambda: run_bulk(bookings(merged, 30), all_or_none=True),
        lambda: run_bulk(bookings(merged, 31)[::-1], all_or_none=True),
    )
    assert [len(result) for result in results] == [20, 20]
    assert Appointment.objects.count() == 40
