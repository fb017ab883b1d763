from uuid import uuid4

import pytest

from accounts.models import AuditEntry
from appointments.models import Patient
from messaging.models import OptOut
from tests.appointments.test_api_booking import refused
from tests.factories.accounts import AdminFactory, ClinicFactory, ViewerFactory
from tests.factories.appointments import PatientFactory
from tests.factories.messaging import OptOutFactory

pytestmark = pytest.mark.django_db
LIST = "/api/v1/patients"


@pytest.fixture
def patient(clinic):
    return PatientFactory(clinic=clinic, name="Mpho Kgosi", phone="+26771234567", patient_number="P-7")


def patch(caller, patient, **fields):
    return caller.patch(f"{LIST}/{patient.pk}", fields, format="json")


def ids(answer):
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def test_a_patient_has_the_fields_that_callers_rely_on(caller, patient):
    shown = caller.get(f"{LIST}/{patient.pk}").json()
    assert set(shown) == {
        *("id", "clinic_id", "patient_number", "name", "phone", "consent", "consent_source", "consent_at"),
        *("opted_out", "opt_out_source", "opted_out_at", "version", "created_at", "updated_at"),
    }
    assert (shown["phone"], shown["consent"], shown["consent_source"]) == ("+26771234567", True, "nurse")
    assert (shown["opted_out"], shown["opt_out_source"], shown["opted_out_at"]) == (False, None, None)
    assert caller.get(LIST).json()["results"] == [shown]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("phone", "71 234 567"),
        ("patient_number", "P-7"),
        ("search", "kgosi"),
        ("search", "71234"),
        ("search", "p-7"),
        ("consent", "true"),
        ("opted_out", "true"),
    ],
)
def test_a_filter_keeps_what_fits(caller, patient, name, value):
    PatientFactory(clinic=patient.clinic, name="Neo", phone="+26775000000", consent=False)
    OptOutFactory(phone=patient.phone)
    assert ids(caller.get(LIST, {name: value})) == [str(patient.pk)]


def test_who_has_not_opted_out_is_found_too(caller, patient):
    other = PatientFactory(clinic=patient.clinic)
    OptOutFactory(phone=patient.phone)
    OptOutFactory(phone=other.phone, lifted_at="2100-01-01T00:00Z")
    assert ids(caller.get(LIST, {"opted_out": "false"})) == [str(other.pk)]


def test_patients_are_sorted_by_name_in_both_kinds_of_pages(caller, clinic):
    for name in ("neo", "Mpho", "abel"):
        PatientFactory(clinic=clinic, name=name)
    for query in ({}, {"cursor": ""}):
        names = [row["name"] for row in caller.get(LIST, query).json()["results"]]
        assert names == ["abel", "Mpho", "neo"]


def test_a_list_takes_as_many_queries_for_many_as_for_one(caller, clinic, django_assert_num_queries):
    PatientFactory.create_batch(20, clinic=clinic)
    for limit in (1, 100):
        # The sign-in, its clinics, the count, the page.
        with django_assert_num_queries(4):
            caller.get(LIST, {"limit": limit})


def test_a_viewer_reads_phones_masked_and_searches_for_none(api, clinic, patient):
    viewer = api(ViewerFactory(clinics=[clinic]))
    assert viewer.get(f"{LIST}/{patient.pk}").json()["phone"] == "+267•••••567"
    refused(viewer.get(LIST, {"phone": patient.phone}), 403, "PERMISSION_DENIED")
    assert ids(viewer.get(LIST, {"search": "71234567"})) == []


def test_a_viewer_changes_nothing(api, clinic, patient):
    viewer = api(ViewerFactory(clinics=[clinic]))
    refused(patch(viewer, patient, name="x"), 403, "PERMISSION_DENIED")
    refused(viewer.post(LIST, {"phone": "71234567"}, format="json"), 403, "PERMISSION_DENIED")


def test_another_clinics_patient_is_not_there(caller):
    elsewhere = PatientFactory()
    for pk in (elsewhere.pk, uuid4()):
        refused(caller.get(f"{LIST}/{pk}"), 404, "NOT_FOUND")
        refused(caller.patch(f"{LIST}/{pk}", {"name": "x"}, format="json"), 404, "NOT_FOUND")
    assert ids(caller.get(LIST)) == []


def test_a_patient_is_added_with_consent_its_source_and_time(caller, clinic):
    body = {"phone": "71 234 567", "name": "Mpho", "consent": True}
    answer = caller.post(LIST, body, format="json")
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["phone"], made["consent"], made["consent_source"]) == ("+26771234567", True, "api")
    assert made["consent_at"] is not None
    assert made["clinic_id"] == str(clinic.pk)


def test_somebody_who_is_there_is_not_added_again(caller, clinic):
    body = {"phone": "71 234 567", "name": "Mpho"}
    caller.post(LIST, body, format="json")
    assert "name" in refused(caller.post(LIST, body, format="json"), 400)


def test_another_clinic_is_refused_in_a_body(caller):
    body = {"phone": "71 234 567", "clinic_id": str(ClinicFactory().pk)}
    assert "clinic_id" in refused(caller.post(LIST, body, format="json"), 400)


def test_consent_that_is_withdrawn_is_kept_with_its_source(caller, patient):
    shown = patch(caller, patient, consent=False, consent_source="nurse").json()
    assert (shown["consent"], shown["consent_source"]) == (False, "nurse")
    assert patch(caller, patient, consent=None).json()["consent_source"] == ""


def test_consent_on_file_that_is_said_anew_has_a_new_source(caller, clinic):
    patient = PatientFactory(clinic=clinic, consent_source="on_file")
    assert patch(caller, patient, consent=True).json()["consent_source"] == "api"


def test_an_object_that_was_read_can_be_sent_back_and_changes_nothing(caller, clinic):
    patient = PatientFactory(clinic=clinic, consent_source="on_file")
    seen = caller.get(f"{LIST}/{patient.pk}").json()
    assert patch(caller, patient, **seen).json() == seen


def test_opting_out_and_back_in_is_recorded(caller, patient):
    shown = patch(caller, patient, opted_out=True).json()
    assert (shown["opted_out"], shown["opt_out_source"]) == (True, "api")
    assert shown["opted_out_at"] is not None
    assert patch(caller, patient, opted_out=False).json()["opted_out"] is False
    assert OptOut.objects.get().lifted_at is not None
    assert set(AuditEntry.objects.values_list("action", flat=True)) >= {"opted out", "opt-out lifted"}


def test_a_stale_version_is_refused_and_nothing_is_opted_out(caller, patient):
    Patient.objects.update(version=5)
    refused(patch(caller, patient, version=4, opted_out=True), 409, "VERSION_CONFLICT")
    assert not OptOut.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "12"),
        ("phone", None),
        ("name", ["x"]),
        ("name", "a\0b"),
        ("consent", {}),
        ("consent_source", "dream"),
        ("opted_out", None),
        ("opted_out", "perhaps"),
        ("version", "x"),
        ("nickname", "M"),
    ],
)
def test_a_field_that_can_not_be_taken_is_named(caller, patient, field, value):
    assert field in refused(patch(caller, patient, **{field: value}), 400)


@pytest.mark.parametrize("query", ["consent=", "clinic_id=", "opted_out=AAA", "consent=1"])
def test_a_filter_that_says_nothing_clear_is_refused_and_lets_nothing_through(api, query):
    answer = api(AdminFactory()).get(f"/api/v1/patients?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["error"]["details"]
