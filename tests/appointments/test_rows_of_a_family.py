"""Files of people who share a phone, or have another name by now."""

import pytest

from accounts.audit import SYSTEM
from appointments.models import Appointment, Patient
from appointments.patients import change_patient
from tests.appointments.test_importing import NOW, counts, row, rows, run
from tests.factories.accounts import ClinicFactory
from tests.factories.appointments import PatientFactory

pytestmark = pytest.mark.django_db
LATER = {"datetime": "2026-12-28 09:00"}


@pytest.fixture(autouse=True)
def clinic():
    return ClinicFactory(code="GAB01")


def names_by_reference():
    return dict(Appointment.objects.values_list("reference", "patient__name"))


def test_somebody_new_may_have_the_name_that_another_loses_in_the_same_file():
    run(row(name="Neo", reference="R1"))
    report = run(rows(row(name="Mpho", reference="R1"), row(name="Neo", reference="R2")))
    assert counts(report) == (1, 1, 0, 0)
    assert names_by_reference() == {"R1": "Mpho", "R2": "Neo"}


def test_one_may_get_the_name_that_another_loses_but_two_do_not_swap():
    run(rows(row(name="Neo", reference="R1"), row(name="Mpho", reference="R2")))
    report = run(rows(row(name="Mpho", reference="R1"), row(name="Neo", reference="R2")))
    assert report.codes == ["OTHER_PATIENT", "OTHER_PATIENT"]
    assert names_by_reference() == {"R1": "Neo", "R2": "Mpho"}
    report = run(rows(row(name="Kabo", reference="R1"), row(name="Neo", reference="R2")))
    assert counts(report) == (0, 2, 0, 0)
    assert names_by_reference() == {"R1": "Kabo", "R2": "Neo"}


def test_the_same_file_is_unchanged_after_a_nurse_corrected_name_and_phone():
    content = row(file_no="P1")
    run(content)
    change_patient(Patient.objects.get().pk, name="Lesego", phone="75111222", actor=SYSTEM, now=NOW)
    assert counts(run(content)) == (0, 0, 1, 0)
    assert Patient.objects.get().name == "Lesego"


def test_the_same_file_is_unchanged_when_two_have_its_phone_and_name_by_now(clinic):
    content = row()
    run(content)
    change_patient(Patient.objects.get().pk, patient_number="P1", actor=SYSTEM, now=NOW)
    PatientFactory(clinic=clinic, name="Neo Kgosi", phone="+26771234567", patient_number="P2")
    assert counts(run(content)) == (0, 0, 1, 0)


@pytest.mark.parametrize("chunk", [1, 500])
def test_a_time_that_a_row_leaves_is_free_for_the_same_person_in_a_later_row(monkeypatch, chunk):
    monkeypatch.setattr("appointments.file_import.importing.CHUNK", chunk)
    run(row(reference="R1"))
    content = rows(row(reference="R1", **LATER), row())
    dry = run(content, dry_run=True)
    assert counts(dry) == (1, 1, 0, 0)
    assert run(content).chunk_digests == dry.chunk_digests
    assert counts(run(content)) == (0, 0, 2, 0)
