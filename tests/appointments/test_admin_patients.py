import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from appointments.models import Patient
from messaging.models import BadNumber
from tests.factories.accounts import AdminFactory, ClinicFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory
from tests.factories.messaging import BadNumberFactory

pytestmark = pytest.mark.django_db

ADD = reverse("admin:appointments_patient_add")
LIST = reverse("admin:appointments_patient_changelist")


def page_of(patient):
    return reverse("admin:appointments_patient_change", args=[patient.pk])


def form_of(patient, **changes):
    form = {"name": patient.name, "phone": patient.phone, "patient_number": patient.patient_number}
    return form | {"consent": "true", "version": patient.version} | changes


def errors_of(page):
    return page.context["adminform"].form.errors


def test_a_nurse_adds_a_patient_in_local_form(client, nurse, clinic):
    client.post(ADD, {"clinic": clinic.pk, "name": "Neo", "phone": "71 234 567", "consent": "true"})
    neo = Patient.objects.get()
    assert (neo.phone, neo.consent, neo.consent_source) == ("+26771234567", True, "nurse")
    assert AuditEntry.objects.get(object_id=neo.pk).actor_id == nurse.pk


def test_consent_that_nobody_asked_for_follows_the_clinics_policy(client, nurse, clinic):
    client.post(ADD, {"clinic": clinic.pk, "name": "Neo", "phone": "71 234 567", "consent": ""})
    assert Patient.objects.get().consent_source == "on_file"


def test_a_landline_is_refused_at_the_phone(client, nurse, clinic):
    page = client.post(ADD, {"clinic": clinic.pk, "name": "Neo", "phone": "391 2345"})
    assert errors_of(page)["phone"] == ["This is not a mobile number, so it can't get texts."]


def test_a_second_patient_with_the_same_number_is_refused(client, nurse, clinic):
    PatientFactory(clinic=clinic, patient_number="P1")
    given = {"clinic": clinic.pk, "name": "Neo", "phone": "71 234 567", "patient_number": "P1"}
    page = client.post(ADD, given)
    assert page.status_code == 200
    assert Patient.objects.count() == 1


def test_a_patient_cannot_be_added_to_another_clinic(client, nurse):
    page = client.post(ADD, {"clinic": ClinicFactory().pk, "name": "Neo", "phone": "71 234 567"})
    assert "clinic" in errors_of(page)
    assert not Patient.objects.exists()


def test_a_no_is_recorded_with_its_source_and_shown(client, nurse, clinic):
    patient = PatientFactory(clinic=clinic)
    client.post(page_of(patient), form_of(patient, consent="false"))
    patient.refresh_from_db()
    assert (patient.consent, patient.consent_source) == (False, "nurse")
    assert "told a nurse" in client.get(page_of(patient)).content.decode()


def test_a_stale_page_overwrites_nothing(client, nurse, clinic):
    patient = PatientFactory(clinic=clinic, name="Kept", version=2)
    page = client.post(page_of(patient), form_of(patient, name="Overwritten", version=1))
    patient.refresh_from_db()
    assert patient.name == "Kept"
    assert "Someone has changed this patient meanwhile" in page.content.decode()


def test_another_clinics_patient_is_not_there(client, nurse):
    patient = PatientFactory()
    assert client.get(page_of(patient)).status_code == 404
    assert client.post(page_of(patient), form_of(patient, name="Mine")).status_code == 404
    assert client.get(LIST).context["cl"].result_count == 0


def test_a_patients_page_leads_to_the_visits(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic)
    address = reverse("admin:appointments_appointment_change", args=[visit.pk])
    assert address in client.get(page_of(visit.patient)).content.decode()


def test_a_name_with_markup_is_shown_as_text(client, nurse, clinic):
    patient = PatientFactory(clinic=clinic, name="<script>alert(1)</script>")
    visit = AppointmentFactory(patient=patient)
    for page in (LIST, page_of(patient), reverse("admin:appointments_appointment_change", args=[visit.pk])):
        assert "<script>alert" not in client.get(page).content.decode()


def test_patients_are_never_deleted(client):
    client.force_login(AdminFactory(is_superuser=True))
    patient = PatientFactory()
    url = reverse("admin:appointments_patient_delete", args=[patient.pk])
    assert client.post(url, {"post": "yes"}).status_code == 403


def test_a_number_that_gets_no_texts_is_shown_in_the_list_and_on_the_page(client, nurse, clinic):
    patient = PatientFactory(clinic=clinic)
    assert "get texts" not in client.get(LIST).content.decode()
    BadNumberFactory(phone=patient.phone)
    for address in (LIST, page_of(patient)):
        assert "No: the number can&#x27;t get texts, since" in client.get(address).content.decode()


def test_a_nurse_who_knows_better_takes_the_flag_off_the_number(client, nurse, clinic):
    patient = PatientFactory(clinic=clinic)
    flag = BadNumberFactory(phone=patient.phone)
    step = reverse("admin:appointments_patient_step", args=[patient.pk])
    client.post(step, {"step": "number-works", "sure": "yes"})
    assert not BadNumber.objects.exists()
    entry = AuditEntry.objects.get(object_id=flag.pk)
    assert (entry.action, entry.actor_id) == ("number cleared", nurse.pk)


def test_a_patient_with_another_number_is_not_flagged(client, nurse, clinic):
    patient = PatientFactory(clinic=clinic)
    BadNumberFactory(phone=patient.phone)
    client.post(page_of(patient), form_of(patient, phone="71 999 999"))
    assert "get texts, since" not in client.get(page_of(patient)).content.decode()
