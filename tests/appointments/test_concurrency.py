"""Several people and imports at once, each with a connection of their own."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from accounts.audit import SYSTEM
from accounts.models import AuditEntry, Clinic
from appointments.errors import AppointmentConflict
from appointments.file_import.importing import import_file
from appointments.file_import.reading import open_file
from appointments.models import Appointment, Patient, Reminder
from appointments.patients import add_patient, change_patient
from appointments.reminding import queue_due_reminders
from appointments.services import book, change
from common.errors import ValidationFailed
from messaging.models import Message, OptOut
from messaging.services import opt_out
from tests.factories.accounts import ClinicFactory
from tests.factories.appointments import PatientFactory

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at_once(*jobs):
    """Runs the jobs in threads that start together; their results or errors, in order."""
    start = threading.Barrier(len(jobs))
    results = [None] * len(jobs)

    def work(place, job):
        connection.ensure_connection()
        start.wait()
        try:
            results[place] = job()
        except Exception as error:  # noqa: BLE001  a refusal is a result here
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def booking(patient, hours=48):
    return lambda: book(
        clinic=patient.clinic, patient=patient, starts_at=NOW + hours * HOUR, actor=SYSTEM, now=NOW
    )


def test_the_last_place_of_a_clinic_is_given_once():
    clinic = ClinicFactory(slot_capacity=1)
    results = at_once(*(booking(PatientFactory(clinic=clinic)) for _number in range(6)))
    assert sum(isinstance(result, Appointment) for result in results) == 1
    assert sum(isinstance(result, AppointmentConflict) for result in results) == 5


def test_a_patient_is_booked_once_at_a_time():
    patient = PatientFactory()
    results = at_once(*([booking(patient)] * 5))
    assert sum(isinstance(result, Appointment) for result in results) == 1
    assert sum(isinstance(result, AppointmentConflict) for result in results) == 4


def test_a_patient_who_is_added_by_several_clicks_is_added_once():
    clinic = ClinicFactory()

    def adding():
        return add_patient(clinic=clinic, phone="71234567", name="Neo", actor=SYSTEM, now=NOW)

    results = at_once(*([adding] * 6))
    assert sum(isinstance(result, Patient) for result in results) == 1
    assert sum(isinstance(result, ValidationFailed) for result in results) == 5


def test_a_number_that_two_patients_get_at_once_is_given_once():
    clinic = ClinicFactory()
    patients = [PatientFactory(clinic=clinic) for _number in range(6)]

    def numbering(patient):
        return lambda: change_patient(patient.pk, patient_number="77", actor=SYSTEM, now=NOW)

    results = at_once(*map(numbering, patients))
    assert sum(isinstance(result, Patient) for result in results) == 1
    assert sum(isinstance(result, ValidationFailed) for result in results) == 5


def test_a_phone_that_is_opted_out_by_several_clicks_is_opted_out_once():
    def opting_out():
        return opt_out("+26771234567", source="nurse", actor=SYSTEM, now=NOW)

    assert at_once(*([opting_out] * 6)) == [None] * 6
    assert OptOut.objects.count() == 1
    assert AuditEntry.objects.filter(action="opted out").count() == 1


def file_of(rows):
    lines = ["phone,datetime,clinic,name,reference"]
    lines += [f"71{n:06d},2026-12-20 {7 + n % 9:02d}:00,GAB01,Patient {n},R{n}" for n in range(rows)]
    return open_file("\n".join(lines).encode())


def importing(rows):
    return lambda: import_file(file_of(rows), clinics=Clinic.objects.all(), actor=SYSTEM, now=NOW)


def test_one_file_imported_twice_at_once_is_imported_once():
    ClinicFactory(code="GAB01")
    first, second = at_once(importing(120), importing(120))
    assert sorted([first.created, second.created]) == [0, 120]
    assert sorted([first.unchanged, second.unchanged]) == [0, 120]
    assert (Patient.objects.count(), Appointment.objects.count()) == (120, 120)
    assert Reminder.objects.count() == 240


def test_a_nurse_moves_visits_while_their_file_is_imported_again():
    ClinicFactory(code="GAB01")
    importing(60)()
    moved = list(Appointment.objects.values_list("pk", flat=True)[:10])

    def moving():
        for number, pk in enumerate(moved):
            change(pk, starts_at=NOW + (200 + number) * HOUR, actor=SYSTEM, now=NOW)
        return "moved"

    report, done = at_once(importing(60), moving)
    assert done == "moved"
    assert report.unchanged == 60
    assert Appointment.objects.filter(starts_at__gte=NOW + 200 * HOUR, pk__in=moved).count() >= 10


def test_two_passes_at_once_queue_each_reminder_once():
    clinic = ClinicFactory()
    for _number in range(30):
        booking(PatientFactory(clinic=clinic), hours=10)()
    results = at_once(*([lambda: queue_due_reminders(now=NOW)] * 3))
    assert sum(results) == 30
    assert Message.objects.count() == 30
