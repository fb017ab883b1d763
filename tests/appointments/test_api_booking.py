from datetime import timedelta
from uuid import uuid4

import pytest

from accounts.models import AuditEntry
from appointments.models import Appointment, Closure, ConsentSource, Patient, Reminder
from tests.appointments.test_concurrency import at_once
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory, morning_in

pytestmark = pytest.mark.django_db
LIST = "/api/v1/appointments"


def monday(clinic, hour=9):
    """At this hour on a day in which the clinic is open, over a week away."""
    day = morning_in(8, clinic).replace(hour=hour)
    return day + timedelta(days=-day.weekday() % 7)


def post(caller, clinic, **fields):
    body = {
        "patient_phone": "71 234 567",
        "patient_name": "Mpho Kgosi",
        "appointment_datetime": monday(clinic).isoformat(),
    }
    return caller.post(LIST, {**body, **fields}, format="json")


def refused(answer, status, code="VALIDATION_ERROR"):
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.content
    return answer.json()["error"]["details"]


def test_a_visit_is_booked_for_somebody_new(caller, clinic):
    answer = post(caller, clinic, reference="R-1", visit_type="check-up", language="tn", duration_minutes=20)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert made["clinic_id"] == str(clinic.pk)
    assert made["patient_phone"] == "+26771234567"
    assert (made["status"], made["attended"], made["version"]) == ("booked", None, 1)
    assert (made["reference"], made["visit_type"], made["language"]) == ("R-1", "check-up", "tn")
    assert made["next_reminder_at"] is not None
    assert caller.get(f"{LIST}/{made['id']}").json() == made
    assert Reminder.objects.count() == 2


def test_what_is_left_out_is_the_clinics_usual(caller, clinic):
    made = post(caller, clinic).json()
    assert (made["duration_minutes"], made["language"], made["reference"]) == (30, "en", "")


def test_a_time_without_an_offset_is_on_the_clinics_clock(api):
    lagos = ClinicFactory(time_zone="Africa/Lagos")
    naive = monday(lagos).replace(tzinfo=None).isoformat()
    made = post(api(StaffFactory(clinics=[lagos])), lagos, appointment_datetime=naive).json()
    assert made["appointment_datetime"] == naive + "+01:00"


def test_who_is_known_is_found_by_phone_and_name(caller, clinic):
    patient = PatientFactory(clinic=clinic, name="Mpho  KGOSI", name_key="mpho kgosi", phone="+26771234567")
    assert post(caller, clinic).json()["patient_id"] == str(patient.pk)
    assert Patient.objects.count() == 1


def test_another_name_on_the_same_phone_is_another_patient(caller, clinic):
    PatientFactory(clinic=clinic, name="Neo", name_key="neo", phone="+26771234567")
    post(caller, clinic)
    assert Patient.objects.count() == 2


def test_a_patient_number_finds_the_patient_and_the_phone_is_corrected(caller, clinic):
    patient = PatientFactory(clinic=clinic, name="Mpho Kgosi", patient_number="P7", phone="+26775000000")
    assert post(caller, clinic, patient_number="P7").json()["patient_id"] == str(patient.pk)
    patient.refresh_from_db()
    assert patient.phone == "+26771234567"


def test_a_number_of_somebody_else_is_refused(caller, clinic):
    PatientFactory(clinic=clinic, name="Neo", patient_number="P7", phone="+26775000000")
    assert "patient_number" in refused(post(caller, clinic, patient_number="P7"), 400)


def test_two_people_who_could_be_meant_need_a_number(caller, clinic):
    for number in ("P1", "P2"):
        PatientFactory(clinic=clinic, name="Mpho Kgosi", phone="+26771234567", patient_number=number)
    assert "patient_number" in refused(post(caller, clinic), 400)


@pytest.mark.parametrize("consent", [True, False])
def test_consent_is_kept_with_its_source_and_time(caller, clinic, consent):
    post(caller, clinic, consent=consent)
    patient = Patient.objects.get()
    assert (patient.consent, patient.consent_source) == (consent, ConsentSource.API)
    assert patient.consent_at is not None


def test_a_no_that_a_nurse_took_down_is_not_undone_by_a_booking(caller, clinic):
    patient = PatientFactory(clinic=clinic, name="Mpho Kgosi", phone="+26771234567", consent=False)
    post(caller, clinic, consent=True)
    patient.refresh_from_db()
    assert patient.consent is False


def test_a_patients_id_says_who_and_where(api):
    patient = PatientFactory()
    when = monday(patient.clinic).isoformat()
    body = {"patient_id": str(patient.pk), "appointment_datetime": when}
    answer = api(AdminFactory()).post(LIST, body, format="json")
    assert answer.status_code == 201, answer.content
    assert answer.json()["clinic_id"] == str(patient.clinic_id)


def test_who_has_several_clinics_says_which(api):
    clinics = [ClinicFactory(), ClinicFactory()]
    caller = api(StaffFactory(clinics=clinics))
    assert "clinic_id" in refused(post(caller, clinics[0]), 400)
    assert post(caller, clinics[0], clinic_id=str(clinics[1].pk)).json()["clinic_id"] == str(clinics[1].pk)


def test_another_clinics_ids_are_refused_in_a_body(caller, clinic):
    elsewhere = PatientFactory()
    assert "clinic_id" in refused(post(caller, clinic, clinic_id=str(elsewhere.clinic_id)), 400)
    body = {"patient_id": str(elsewhere.pk), "appointment_datetime": monday(clinic).isoformat()}
    assert "patient_id" in refused(caller.post(LIST, body, format="json"), 400)


def test_a_viewer_books_nothing(api, clinic):
    refused(post(api(ViewerFactory(clinics=[clinic])), clinic), 403, "PERMISSION_DENIED")
    assert not Patient.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("patient_phone", "395 1234"),
        ("patient_phone", 12),
        ("patient_phone", ["71234567"]),
        ("patient_phone", "71234567\0"),
        ("patient_name", {"first": "Mpho"}),
        ("patient_name", "x" * 121),
        ("appointment_datetime", None),
        ("appointment_datetime", 5),
        ("appointment_datetime", {}),
        ("appointment_datetime", "2030-12-01"),
        ("appointment_datetime", "0001-01-01T00:00"),
        ("appointment_datetime", "9999-12-31T23:59-23:00"),
        ("appointment_datetime", "2020-01-01T09:00"),
        ("duration_minutes", 0),
        ("duration_minutes", 1441),
        ("duration_minutes", 10**400),
        ("duration_minutes", True),
        ("language", "fr"),
        ("language", ["en"]),
        ("reference", "a\0b"),
        ("clinic_id", "GAB01"),
        ("clinic_id", 10**50),
        ("consent", "perhaps"),
        ("consent", []),
        ("nurse", "Neo"),
    ],
)
def test_a_field_that_can_not_be_taken_is_named(caller, clinic, field, value):
    assert field in refused(post(caller, clinic, **{field: value}), 400)
    assert not Appointment.objects.exists()
    assert not Patient.objects.exists()


@pytest.mark.parametrize("body", [[], "text", 5, None, {}])
def test_a_body_that_is_no_booking_is_refused(caller, clinic, body):
    assert caller.post(LIST, body, format="json").status_code == 400


def test_a_visit_needs_a_patient(caller, clinic):
    body = {"appointment_datetime": monday(clinic).isoformat()}
    assert "patient_phone" in refused(caller.post(LIST, body, format="json"), 400)


def test_a_reference_is_given_once_in_a_clinic(caller, clinic):
    AppointmentFactory(patient__clinic=clinic, reference="R-1")
    assert "reference" in refused(post(caller, clinic, reference="R-1"), 400)


def test_a_conflict_names_the_patients_other_visit_and_free_times(caller, clinic):
    there = post(caller, clinic).json()
    at = monday(clinic) + timedelta(minutes=15)
    details = refused(post(caller, clinic, appointment_datetime=at.isoformat()), 409, "APPOINTMENT_CONFLICT")
    assert [other["id"] for other in details["conflicts_with"]] == [there["id"]]
    free = [monday(clinic) + timedelta(minutes=30 * n) for n in (1, 2, 3)]
    assert details["next_free_slots"] == [slot.isoformat() for slot in free]
    assert details["reason"] == "patient"
    assert "Mpho" not in str(details)


def test_times_that_are_offered_are_free_for_the_patient_too(caller, clinic):
    post(caller, clinic)
    details = refused(post(caller, clinic), 409, "APPOINTMENT_CONFLICT")
    assert post(caller, clinic, appointment_datetime=details["next_free_slots"][0]).status_code == 201


def test_a_full_clinic_offers_the_next_opening_hours(api):
    clinic = ClinicFactory(slot_capacity=1)
    last = monday(clinic, hour=16)
    AppointmentFactory(patient__clinic=clinic, starts_at=last)
    answer = post(api(StaffFactory(clinics=[clinic])), clinic, appointment_datetime=last.isoformat())
    details = refused(answer, 409, "APPOINTMENT_CONFLICT")
    tomorrow = (last + timedelta(days=1)).replace(hour=7, minute=30)
    assert details["next_free_slots"][0] == tomorrow.isoformat()
    assert not Patient.objects.filter(name="Mpho Kgosi").exists()


def test_a_closed_day_is_refused_and_not_offered(caller, clinic):
    for days in (0, 1):
        date = (monday(clinic) + timedelta(days=days)).date()
        Closure.objects.create(clinic=clinic, date=date, created_at=monday(clinic))
    details = refused(post(caller, clinic), 409, "APPOINTMENT_CONFLICT")
    assert details["reason"] == "closed"
    wednesday = (monday(clinic) + timedelta(days=2)).replace(hour=7, minute=30)
    assert details["next_free_slots"][0] == wednesday.isoformat()


def test_a_visit_may_be_outside_opening_hours(caller, clinic):
    assert post(caller, clinic, appointment_datetime=monday(clinic, 22).isoformat()).status_code == 201


def test_a_booking_is_in_the_audit_log_under_who_made_it(api, clinic):
    nurse = StaffFactory(clinics=[clinic])
    post(api(nurse), clinic)
    actions = AuditEntry.objects.filter(actor_id=nurse.pk).values_list("action", flat=True)
    assert set(actions) >= {"added", "booked"}


@pytest.mark.django_db(transaction=True)
def test_the_last_place_is_given_to_one_of_many_callers(api):
    clinic = ClinicFactory(slot_capacity=1)
    nurse = StaffFactory(clinics=[clinic])
    callers = [api(nurse) for _number in range(8)]

    def booking(number):
        return lambda: post(callers[number], clinic, patient_phone=f"7123456{number}").status_code

    assert sorted(at_once(*map(booking, range(8)))) == [201] + [409] * 7
    assert Patient.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_somebody_new_who_is_booked_by_several_callers_at_once_is_one_patient(api):
    clinic = ClinicFactory()
    nurse = StaffFactory(clinics=[clinic])
    callers = [api(nurse) for _number in range(6)]

    def booking(number):
        when = (monday(clinic) + timedelta(hours=number)).isoformat()
        return lambda: post(callers[number], clinic, appointment_datetime=when).status_code

    assert at_once(*map(booking, range(6))) == [201] * 6
    assert Patient.objects.count() == 1


def test_an_id_that_is_nobodys_is_refused(caller, clinic):
    body = {"patient_id": str(uuid4()), "appointment_datetime": monday(clinic).isoformat()}
    assert "patient_id" in refused(caller.post(LIST, body, format="json"), 400)
