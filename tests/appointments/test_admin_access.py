import pytest
from django.urls import reverse
from django.utils import timezone

from tests.appointments.visit_pages import LIST, changed, listed, page_of, step_of
from tests.factories.accounts import ClinicFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory, ReminderFactory
from tests.factories.messaging import MessageFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return ClinicFactory(code="GAB01", time_zone="Africa/Gaborone")


def test_another_clinics_visit_is_not_there(client, nurse):
    visit = AppointmentFactory()
    assert client.get(page_of(visit)).status_code == 404
    assert client.post(page_of(visit), changed(visit, visit_type="Mine")).status_code == 404
    assert client.post(step_of(visit), {"step": "cancel", "sure": "yes", "version": 1}).status_code == 404
    history = reverse("admin:appointments_appointment_history", args=[visit.pk])
    assert client.get(history).status_code == 404
    assert listed(client.get(LIST, {"day": "all"})) == []


def test_another_clinic_is_neither_offered_nor_accepted_as_a_filter(client, nurse, clinic):
    nurse.clinics.add(ClinicFactory())
    other = AppointmentFactory(patient__clinic__name="Elsewhere")
    AppointmentFactory(patient__clinic=clinic)
    page = client.get(LIST, {"clinic": other.clinic_id, "day": "all"})
    assert listed(page) == []
    assert "Elsewhere" not in page.content.decode()


def test_another_clinics_patient_is_not_offered_when_searching(client, nurse, clinic):
    PatientFactory(clinic=clinic, name="Neo Own")
    PatientFactory(name="Neo Other")
    asked = {"app_label": "appointments", "model_name": "appointment", "field_name": "patient", "term": "Neo"}
    found = client.get(reverse("admin:autocomplete"), asked).json()["results"]
    assert [choice["text"].split(" · ")[0] for choice in found] == ["Neo Own"]


def test_a_malformed_address_is_a_page_that_is_not_there(client, nurse):
    assert client.get(reverse("admin:appointments_appointment_change", args=["x"])).status_code == 404


# Viewers


@pytest.fixture
def viewer(client, clinic):
    viewer = ViewerFactory(clinics=[clinic])
    client.force_login(viewer)
    return viewer


def test_a_viewer_reads_phones_masked_everywhere(client, viewer, clinic):
    patient = PatientFactory(clinic=clinic, phone="+26771234567", name="Neo")
    visit = AppointmentFactory(patient=patient)
    message = MessageFactory(clinic=clinic, to=patient.phone)
    ReminderFactory(appointment=visit, message=message)
    pages = [
        *(LIST, page_of(visit), reverse("admin:appointments_patient_changelist")),
        reverse("admin:appointments_patient_change", args=[patient.pk]),
        reverse("admin:messaging_message_changelist"),
        reverse("admin:messaging_message_change", args=[message.pk]),
        reverse("admin:appointments_reminder_changelist"),
    ]
    texts = [client.get(page).content.decode() for page in pages]
    assert not any("71234567" in text for text in texts)
    assert sum("+267•••••567" in text for text in texts) == 6


def test_a_viewer_sees_no_phone_in_a_history(client, viewer, clinic):
    from accounts.audit import SYSTEM
    from appointments.patients import add_patient

    patient = add_patient(clinic=clinic, phone="71234567", actor=SYSTEM, now=timezone.now())
    url = reverse("admin:appointments_patient_history", args=[patient.pk])
    text = client.get(url).content.decode()
    assert "71234567" not in text
    assert "+267•••••567" in text


@pytest.mark.parametrize("query", [{"q": "+26771234567"}, {"q": "71 234 567"}, {"q": "71234567"}])
def test_a_viewer_cannot_search_by_phone(client, viewer, clinic, query):
    AppointmentFactory(patient__clinic=clinic, patient__phone="+26771234567")
    assert listed(client.get(LIST, query)) == []


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("appointments_patient", "phone__startswith"),
        ("messaging_message", "to__startswith"),
        ("appointments_appointment", "patient__phone__startswith"),
    ],
)
def test_nobody_guesses_a_phone_through_the_address(client, viewer, page, query):
    answer = client.get(reverse(f"admin:{page}_changelist"), {query: "+267"})
    assert answer.status_code == 400


def test_a_viewer_changes_nothing(client, viewer, clinic):
    visit = AppointmentFactory(patient__clinic=clinic)
    assert client.post(page_of(visit), changed(visit, visit_type="Mine")).status_code == 403
    client.post(step_of(visit), {"step": "cancel", "sure": "yes", "version": 1})
    visit.refresh_from_db()
    assert (visit.status, visit.visit_type) == ("booked", "")
