import pytest

from appointments.finding import MOST_FOUND, find_patients
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


def test_patients_of_other_clinics_are_not_found(thabo):
    assert find_patients(ClinicFactory(), "Thabo") == []


def test_more_than_can_be_shown_are_cut(thabo):
    for number in range(MOST_FOUND + 5):
        PatientFactory(clinic=thabo.clinic, name=f"Thabo {number}")
    assert len(find_patients(thabo.clinic, "thabo")) == MOST_FOUND + 1
