import pytest
from django.utils import timezone

from accounts.audit import SYSTEM
from appointments.finding import MOST_FOUND, find_patients
from appointments.merging import merge
from appointments.patients import change_patient
from tests.factories.accounts import ClinicFactory
from tests.factories.appointments import PatientFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def thabo():
    return PatientFactory(name="Thabo Molefe", phone="+26771234567", patient_number="P-17")


@pytest.mark.parametrize("words", ["71 234 567", "+26771234567", "p-17", "thabo", "MOLEFE tha", " Thabo "])
def test_a_patient_is_found_by_phone_number_and_parts_of_the_name(thabo, words):
    assert find_patients(thabo.clinic, words) == [thabo]


@pytest.mark.parametrize("words", ["", "   ", "\0", "Thabo Kgosi", "71234568", "%", "_"])
def test_nobody_else_is_found(thabo, words):
    assert find_patients(thabo.clinic, words) == []


@pytest.fixture
def merged(thabo):
    goes = PatientFactory(clinic=thabo.clinic, name="T. Molefhe", phone="+26772333444", patient_number="P-18")
    now = timezone.now()
    merge(stays=thabo.pk, goes=goes.pk, actor=SYSTEM, now=now)
    return change_patient(thabo.pk, phone="75111222", actor=SYSTEM, now=now)


@pytest.mark.parametrize("words", ["72333444", "molefhe", "P-18", "71234567", "75111222", "Thabo"])
def test_whom_nobody_is_called_by_now_is_found_by_what_they_were_called(merged, words):
    assert find_patients(merged.clinic, words) == [merged]


def test_who_is_called_so_now_is_found_before_who_was(merged):
    now = PatientFactory(clinic=merged.clinic, name="T. Molefhe", phone="+26772333444")
    assert find_patients(merged.clinic, "72333444") == find_patients(merged.clinic, "molefhe") == [now]


def test_patients_of_other_clinics_are_not_found(thabo):
    assert find_patients(ClinicFactory(), "Thabo") == []


def test_nor_by_what_they_were_called(merged):
    assert find_patients(ClinicFactory(), "72333444") == []


def test_more_than_can_be_shown_are_cut(thabo):
    for number in range(MOST_FOUND + 5):
        PatientFactory(clinic=thabo.clinic, name=f"Thabo {number}")
    assert len(find_patients(thabo.clinic, "thabo")) == MOST_FOUND + 1
