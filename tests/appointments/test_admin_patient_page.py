"""A patient's page: what is known, consent, merging two records, a file of all data, erasure."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.audit import SYSTEM
from accounts.models import AuditEntry
from appointments.models import Patient
from appointments.patients import change_patient
from messaging.models import OptOut
from tests.factories.accounts import AdminFactory, StaffFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory, morning_in
from tests.factories.messaging import MessageFactory, OptOutFactory, ReplyFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient(clinic):
    return PatientFactory(clinic=clinic, name="Neo Molefe", phone="+26771234567")


@pytest.fixture
def nurse(client, clinic):
    nurse = StaffFactory(clinics=[clinic], username="nurse-kgosi")
    client.force_login(nurse)
    return nurse


def address(patient, page="change", *more):
    return reverse(f"admin:appointments_patient_{page}", args=[patient.pk, *more])


def shown(client, patient):
    return client.get(address(patient)).content.decode()


def step(client, patient, name):
    form = {"step": name, "sure": "yes", "version": Patient.objects.get(pk=patient.pk).version}
    return client.post(address(patient, "step"), form)


def test_the_page_tells_how_often_the_patient_came(client, nurse, patient):
    for days, status in ((-3, "attended"), (-2, "attended"), (-1, "missed"), (2, "booked")):
        AppointmentFactory(patient=patient, status=status, starts_at=morning_in(days, patient.clinic))
    figures = dict(client.get(address(patient)).context["figures"])
    assert figures["visits came to"] == "2"
    assert figures["visits missed"] == "1"
    assert figures["missed, of those marked"] == "33%"


def test_visits_to_come_stand_before_past_ones(client, nurse, patient):
    AppointmentFactory(patient=patient, visit_type="Past one", starts_at=morning_in(-3, patient.clinic))
    AppointmentFactory(patient=patient, visit_type="Next one", starts_at=morning_in(3, patient.clinic))
    page = shown(client, patient)
    assert page.index("Next one") < page.index("Past one")


def test_texts_stand_there_with_their_states_in_words(client, nurse, patient):
    MessageFactory(clinic=patient.clinic, recipient_id=patient.pk, status="undelivered", body="Come, Neo")
    page = shown(client, patient)
    assert "Come, Neo" in page
    assert "Not delivered" in page


def test_a_viewer_reads_no_reply_and_no_phone(client, clinic, patient):
    ReplyFactory(phone=patient.phone, clinic=clinic, body="my leg hurts")
    change_patient(patient.pk, phone="71 999 888", actor=SYSTEM, now=timezone.now())
    ReplyFactory(phone="+26771999888", clinic=clinic, body="my arm too")
    client.force_login(ViewerFactory(clinics=[clinic]))
    page = shown(client, patient)
    for secret in ("my leg", "my arm", "71234567", "71999888"):
        assert secret not in page


def test_the_history_tells_who_did_what_also_with_the_visits(client, nurse, patient):
    visit = AppointmentFactory(patient=patient, starts_at=morning_in(-1, patient.clinic))
    client.post(
        reverse("admin:appointments_appointment_step", args=[visit.pk]), {"step": "attended", "version": 1}
    )
    page = shown(client, patient)
    assert "nurse-kgosi" in page
    assert "status: booked → attended" in page


def test_consent_and_opt_out_are_told_with_source_and_time(client, nurse, patient):
    OptOutFactory(phone=patient.phone, source="reply")
    page = shown(client, patient)
    assert "The patient agrees to be texted (told a nurse, " in page
    assert "The phone gets no texts from anybody here (by a reply, since " in page


@pytest.mark.parametrize(
    ("name", "consent", "source"), [("refuses", False, "nurse"), ("not-asked", None, "")]
)
def test_a_nurse_notes_what_the_patient_says_of_texts(client, nurse, patient, name, consent, source):
    step(client, patient, name)
    patient.refresh_from_db()
    assert (patient.consent, patient.consent_source) == (consent, source)
    assert AuditEntry.objects.filter(object_id=patient.pk, actor_id=nurse.pk).exists()


def test_a_yes_that_was_only_on_file_becomes_the_patients_own(client, nurse, clinic):
    patient = PatientFactory(clinic=clinic, consent=True, consent_source="on_file")
    step(client, patient, "agrees")
    patient.refresh_from_db()
    assert patient.consent_source == "nurse"


def test_a_nurse_stops_and_allows_texts_to_the_phone(client, nurse, patient):
    step(client, patient, "stop")
    assert OptOut.objects.get().source == "nurse"
    step(client, patient, "allow")
    assert OptOut.objects.get().lifted_at is not None


def test_the_page_asks_whether_a_record_of_the_same_name_is_the_same_person(client, nurse, patient):
    assert "has this name" not in shown(client, patient)
    PatientFactory(clinic=patient.clinic, name=patient.name)
    assert "1 other record has this name" in shown(client, patient)


def test_likely_doubles_are_listed_with_why(client, nurse, patient):
    PatientFactory(clinic=patient.clinic, name=patient.name)
    PatientFactory(clinic=patient.clinic, name="Kagiso", phone=patient.phone)
    page = client.get(address(patient, "merge")).content.decode()
    assert "the same name" in page
    assert "the same phone" in page


def test_another_record_is_found_by_number_phone_or_name_in_the_clinic_alone(client, nurse, patient):
    other = PatientFactory(
        clinic=patient.clinic, name="Neo Molefhe", patient_number="P7", phone="+26772333444"
    )
    PatientFactory(name="Neo Molefhe", patient_number="P7", phone="+26772333444")
    for words in ("p7", "72 333 444", "neo molef"):
        page = client.post(address(patient, "merge"), {"words": words})
        assert [found for found, _label, _why in page.context["doubles"]] == [other]


def merging(client, patient, other, stays, **changes):
    form = {"stays": stays.pk, f"version_{patient.pk}": patient.version, f"version_{other.pk}": other.version}
    return client.post(address(patient, "merge_with", other.pk), form | changes)


def test_a_nurse_compares_two_records_and_keeps_one(client, nurse, patient):
    other = PatientFactory(clinic=patient.clinic, name="Neo M", patient_number="P7")
    page = client.get(address(patient, "merge_with", other.pk)).content.decode()
    assert "Neo Molefe" in page
    assert "P7" in page
    answer = merging(client, patient, other, stays=other)
    assert answer.headers["Location"] == address(other)
    assert list(Patient.objects.all()) == [other]


def test_two_records_with_visits_at_one_time_are_not_merged_and_the_page_says_why(client, nurse, patient):
    other = PatientFactory(clinic=patient.clinic)
    for one in (patient, other):
        AppointmentFactory(patient=one)
    page = merging(client, patient, other, stays=patient).content.decode()
    assert "Both have a visit at the same time" in page
    assert Patient.objects.count() == 2


def test_a_merge_of_what_has_changed_since_is_refused(client, nurse, patient):
    other = PatientFactory(clinic=patient.clinic)
    page = merging(client, patient, other, patient, **{f"version_{other.pk}": 9}).content.decode()
    assert "Someone has changed one of the two" in page


@pytest.mark.parametrize("stays", ["", "x", "\0"])
def test_a_merge_that_names_none_of_the_two_is_refused(client, nurse, patient, stays):
    other = PatientFactory(clinic=patient.clinic)
    client.post(address(patient, "merge_with", other.pk), {"stays": stays})
    assert Patient.objects.count() == 2


def test_another_clinics_record_is_not_there_to_be_merged(client, nurse, patient):
    other = PatientFactory()
    assert client.get(address(patient, "merge_with", other.pk)).status_code == 404
    assert client.get(address(other, "merge")).status_code == 404


@pytest.mark.parametrize("page", ["merge", "erase"])
def test_a_viewer_merges_and_erases_nobody(client, clinic, patient, page):
    client.force_login(ViewerFactory(clinics=[clinic]))
    assert client.get(address(patient, page)).status_code == 403
    assert client.post(address(patient, "data")).status_code == 403


def test_all_data_comes_as_one_file_and_the_log_says_so(client, nurse, patient):
    answer = client.post(address(patient, "data"))
    assert json.loads(answer.content)["patient"]["name"] == "Neo Molefe"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert AuditEntry.objects.get(object_id=patient.pk, action="exported").actor_id == nurse.pk


def test_a_link_alone_makes_no_file(client, nurse, patient):
    assert client.get(address(patient, "data")).status_code == 405


def test_staff_erase_nobody(client, nurse, patient):
    assert client.post(address(patient, "erase"), {"word": patient.name}).status_code == 403
    assert "Erase this" not in shown(client, patient)


def test_an_administrator_erases_after_typing_the_name(client, patient):
    client.force_login(AdminFactory())
    client.post(address(patient, "erase"), {"word": " neo  MOLEFE"})
    patient.refresh_from_db()
    assert patient.erased_at is not None
    assert client.get(address(patient)).status_code == 404
    assert (
        patient not in client.get(reverse("admin:appointments_patient_changelist")).context["cl"].result_list
    )


@pytest.mark.parametrize("word", ["", "Neo", "yes"])
def test_what_is_typed_wrong_erases_nothing(client, patient, word):
    client.force_login(AdminFactory())
    page = client.post(address(patient, "erase"), {"word": word}).content.decode()
    patient.refresh_from_db()
    assert patient.erased_at is None
    assert "Nothing was erased" in page


def test_visits_to_come_are_cancelled_only_when_that_is_ticked(client, patient):
    client.force_login(AdminFactory())
    visit = AppointmentFactory(patient=patient, starts_at=timezone.now() + timedelta(days=2))
    page = client.post(address(patient, "erase"), {"word": patient.name}).content.decode()
    assert "1 visit is still to come" in page
    client.post(address(patient, "erase"), {"word": patient.name, "cancel_visits": "yes"})
    visit.refresh_from_db()
    assert visit.status == "cancelled"


def test_the_list_finds_records_that_are_likely_two_of_one(client, nurse, patient):
    PatientFactory(clinic=patient.clinic, name="Someone else")
    double = PatientFactory(clinic=patient.clinic, name=patient.name)
    page = client.get(reverse("admin:appointments_patient_changelist"), {"double": "yes"})
    assert set(page.context["cl"].result_list) == {patient, double}


def test_the_page_costs_as_many_queries_for_much_as_for_little(
    client, nurse, patient, django_assert_max_num_queries
):
    for number in range(20):
        visit = AppointmentFactory(patient=patient, starts_at=morning_in(number + 1, patient.clinic))
        MessageFactory(clinic=patient.clinic, recipient_id=patient.pk, subject_id=visit.pk)
        ReplyFactory(phone=patient.phone, clinic=patient.clinic)
    with django_assert_max_num_queries(30):
        client.get(address(patient))
