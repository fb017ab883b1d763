from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from appointments.models import PhoneCall
from tests.appointments.test_call_list import text, visit
from tests.factories.accounts import StaffFactory, ViewerFactory

pytestmark = pytest.mark.django_db
LIST = reverse("admin:appointments_patienttophone_changelist")


@pytest.fixture
def appointment():
    found = visit(starts_at=timezone.now() + timedelta(days=2))
    text(found, "undelivered")
    return found


def page_of(appointment) -> str:
    return reverse("admin:appointments_patienttophone_change", args=[appointment.pk])


def step_of(appointment) -> str:
    return reverse("admin:appointments_patienttophone_step", args=[appointment.pk])


def test_the_list_says_whom_to_phone_and_why(client, appointment):
    client.force_login(StaffFactory(clinics=[appointment.clinic]))
    page = client.get(LIST).content.decode()
    assert appointment.patient.name in page
    assert f"tel:{appointment.patient.phone}" in page
    assert "The text did not reach the phone." in page


def test_another_clinics_patients_are_not_there(client, appointment):
    client.force_login(StaffFactory(clinics=[visit().clinic]))
    assert appointment.patient.name not in client.get(LIST).content.decode()
    assert client.get(page_of(appointment)).status_code == 404


def test_a_viewer_sees_no_phone_and_no_button(client, appointment):
    client.force_login(ViewerFactory(clinics=[appointment.clinic]))
    pages = client.get(LIST).content.decode() + client.get(page_of(appointment)).content.decode()
    assert appointment.patient.phone not in pages
    assert "No answer" not in pages


def test_one_click_notes_that_the_patient_was_reached(client, appointment):
    client.force_login(StaffFactory(clinics=[appointment.clinic]))
    client.post(step_of(appointment), {"step": "reached", "version": appointment.version})
    assert PhoneCall.objects.get().outcome == "reached"
    assert appointment.patient.name not in client.get(LIST).content.decode()
