from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from appointments.models import Appointment, ConsentSource, Patient, Reminder
from tests.appointments.test_api_booking import LIST, monday, refused
from tests.factories.accounts import ClinicFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory, morning_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def appointment(clinic):
    patient = PatientFactory(clinic=clinic, name="Mpho Kgosi", phone="+26771234567")
    return AppointmentFactory(patient=patient, starts_at=monday(clinic))


def at(appointment):
    return f"{LIST}/{appointment.pk}"


def patch(caller, appointment, **fields):
    return caller.patch(at(appointment), fields, format="json")


def today(appointment):
    """Moves the visit, as stored, to a time today: its attendance can be marked."""
    now = timezone.now()
    Appointment.objects.filter(pk=appointment.pk).update(starts_at=now, ends_at=now + timedelta(minutes=30))


def test_an_object_that_was_read_can_be_sent_back_and_changes_nothing(caller, appointment):
    seen = caller.get(at(appointment)).json()
    answer = caller.put(at(appointment), seen, format="json")
    assert (answer.status_code, answer.json()) == (200, seen)


def test_putting_an_object_with_a_new_time_moves_the_visit_and_its_reminders(caller, appointment):
    seen = caller.get(at(appointment)).json()
    later = (monday(appointment.clinic) + timedelta(days=1)).isoformat()
    answer = caller.put(at(appointment), {**seen, "appointment_datetime": later}, format="json")
    assert answer.status_code == 200, answer.content
    assert answer.json()["appointment_datetime"] == later
    assert answer.json()["version"] == seen["version"] + 1
    assert set(Reminder.objects.values_list("visit_at", flat=True)) == {
        Appointment.objects.get().starts_at,
    }


def test_a_confirmed_visit_that_is_sent_back_moved_is_booked(caller, appointment):
    Appointment.objects.update(status="confirmed")
    seen = caller.get(at(appointment)).json()
    later = (monday(appointment.clinic) + timedelta(days=1)).isoformat()
    answer = caller.put(at(appointment), {**seen, "appointment_datetime": later}, format="json")
    assert answer.json()["status"] == "booked"


def test_put_wants_what_post_wants(caller, appointment):
    assert "appointment_datetime" in refused(
        caller.put(at(appointment), {"visit_type": "x"}, format="json"), 400
    )
    body = {"appointment_datetime": monday(appointment.clinic).isoformat()}
    assert "patient_phone" in refused(caller.put(at(appointment), body, format="json"), 400)


def test_patch_changes_what_it_names(caller, appointment):
    answer = patch(caller, appointment, visit_type="dressing", reference="R-9", duration_minutes=45)
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["visit_type"], shown["reference"], shown["duration_minutes"]) == ("dressing", "R-9", 45)


def test_an_unknown_field_is_refused(caller, appointment):
    assert "nurse" in refused(patch(caller, appointment, nurse="Neo"), 400)


def test_a_stale_version_is_refused_and_a_missing_one_is_not(caller, appointment):
    assert patch(caller, appointment, visit_type="a", version=1).json()["version"] == 2
    refused(patch(caller, appointment, visit_type="b", version=1), 409, "VERSION_CONFLICT")
    assert patch(caller, appointment, visit_type="c").status_code == 200


@pytest.mark.parametrize("version", ["x", [], {}, 1.5, None])
def test_a_version_that_is_no_number_is_refused(caller, appointment, version):
    assert "version" in refused(patch(caller, appointment, version=version), 400)


def test_the_past_is_refused_when_moving(caller, appointment):
    yesterday = morning_in(-1, appointment.clinic).isoformat()
    details = refused(patch(caller, appointment, appointment_datetime=yesterday), 400)
    assert "appointment_datetime" in details


def test_moving_onto_another_visit_says_which_and_what_is_free(caller, appointment):
    other = AppointmentFactory(patient=appointment.patient, starts_at=monday(appointment.clinic, 11))
    answer = patch(caller, appointment, appointment_datetime=monday(appointment.clinic, 11).isoformat())
    details = refused(answer, 409, "APPOINTMENT_CONFLICT")
    assert details["conflicts_with"][0]["id"] == str(other.pk)
    assert details["next_free_slots"][0] == monday(appointment.clinic, 11).replace(minute=30).isoformat()


def test_attendance_is_marked_corrected_and_undone(caller, appointment):
    today(appointment)
    for attended, status in [(True, "attended"), (False, "missed"), (None, "booked")]:
        shown = patch(caller, appointment, attended=attended).json()
        assert (shown["attended"], shown["status"]) == (attended, status)


def test_attendance_is_not_marked_before_the_day(caller, appointment):
    refused(patch(caller, appointment, attended=True), 409, "STATE_CONFLICT")


def test_a_cancelled_visit_is_not_attended(caller, appointment):
    today(appointment)
    caller.delete(at(appointment))
    refused(patch(caller, appointment, attended=True), 409, "STATE_CONFLICT")


def test_a_visit_is_confirmed_by_its_status(caller, appointment):
    assert patch(caller, appointment, status="confirmed").json()["status"] == "confirmed"
    assert patch(caller, appointment, status="confirmed").json()["version"] == 2


def test_a_visit_is_cancelled_by_its_status_and_stays_so(caller, appointment):
    assert patch(caller, appointment, status="cancelled").json()["status"] == "cancelled"
    for status in ("booked", "confirmed"):
        refused(patch(caller, appointment, status=status), 409, "STATE_CONFLICT")


def test_status_and_attendance_that_disagree_are_refused(caller, appointment):
    today(appointment)
    assert "status" in refused(patch(caller, appointment, status="cancelled", attended=True), 400)


def test_a_refused_step_takes_the_other_changes_back(caller, appointment):
    refused(patch(caller, appointment, visit_type="dressing", attended=True), 409, "STATE_CONFLICT")
    assert caller.get(at(appointment)).json()["visit_type"] == ""


def test_a_corrected_name_corrects_the_patient(caller, appointment):
    assert patch(caller, appointment, patient_name="Mpho Kgosing").json()["patient_name"] == "Mpho Kgosing"
    assert Patient.objects.get().name_key == "mpho kgosing"


@pytest.mark.parametrize("consent", [True, False])
def test_consent_that_is_said_anew_holds_from_then_on(caller, appointment, consent):
    yesterday = timezone.now() - timedelta(days=1)
    Patient.objects.update(consent=not consent, consent_source=ConsentSource.NURSE, consent_at=yesterday)
    assert patch(caller, appointment, consent=consent).status_code == 200
    patient = Patient.objects.get()
    assert (patient.consent, patient.consent_source) == (consent, ConsentSource.API)
    assert patient.consent_at > yesterday


def test_another_name_and_phone_are_another_person(caller, appointment):
    answer = patch(caller, appointment, patient_name="Neo Pule", patient_phone="75000000")
    assert "patient_phone" in refused(answer, 400)


def test_a_visit_stays_with_its_patient_and_clinic(caller, appointment):
    other = PatientFactory(clinic=appointment.clinic)
    assert "patient_id" in refused(patch(caller, appointment, patient_id=str(other.pk)), 400)
    assert "clinic_id" in refused(patch(caller, appointment, clinic_id=str(ClinicFactory().pk)), 400)


def test_delete_cancels_and_a_second_time_changes_nothing(caller, appointment):
    first = caller.delete(at(appointment))
    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    second = caller.delete(at(appointment))
    assert (second.status_code, second.json()) == (200, first.json())
    assert Appointment.objects.count() == 1


def test_delete_takes_no_fields(caller, appointment):
    assert "reason" in refused(caller.delete(at(appointment), {"reason": "x"}, format="json"), 400)
    assert caller.get(at(appointment)).json()["status"] == "booked"


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_another_clinics_visit_is_not_there(caller, method):
    elsewhere = AppointmentFactory()
    for pk in (elsewhere.pk, uuid4()):
        refused(getattr(caller, method)(f"{LIST}/{pk}", {}, format="json"), 404, "NOT_FOUND")
    elsewhere.refresh_from_db()
    assert elsewhere.status == "booked"


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_viewer_changes_nothing(api, appointment, method):
    viewer = api(ViewerFactory(clinics=[appointment.clinic]))
    refused(getattr(viewer, method)(at(appointment), {}, format="json"), 403, "PERMISSION_DENIED")


def test_upcoming_shows_live_visits_of_the_next_week_soonest_first(caller, clinic):
    for status in ("attended", "missed", "cancelled"):
        AppointmentFactory(patient__clinic=clinic, status=status, starts_at=morning_in(2, clinic))
    AppointmentFactory(patient__clinic=clinic, starts_at=morning_in(9, clinic))
    AppointmentFactory(patient__clinic=clinic, starts_at=morning_in(-1, clinic))
    late = AppointmentFactory(patient__clinic=clinic, starts_at=morning_in(6, clinic))
    soon = AppointmentFactory(patient__clinic=clinic, starts_at=morning_in(2, clinic), status="confirmed")
    for query in ({}, {"cursor": ""}):
        answer = caller.get(f"{LIST}/upcoming", query)
        assert [row["id"] for row in answer.json()["results"]] == [str(soon.pk), str(late.pk)]
    assert caller.get(f"{LIST}/upcoming", {"days": 10}).json()["count"] == 3


@pytest.mark.parametrize("days", ["0", "61", "-1", "x", "1.5", ""])
def test_upcoming_takes_one_to_sixty_days(caller, days):
    assert "days" in refused(caller.get(f"{LIST}/upcoming", {"days": days}), 400)


def test_upcoming_of_another_clinic_is_empty(caller):
    AppointmentFactory(starts_at=timezone.now() + timedelta(hours=1))
    assert caller.get(f"{LIST}/upcoming").json()["count"] == 0


def test_upcoming_takes_as_many_queries_for_many_as_for_one(caller, clinic, django_assert_num_queries):
    for number in range(1, 20):
        AppointmentFactory(patient__clinic=clinic, starts_at=timezone.now() + timedelta(hours=number))
    for limit in (1, 100):
        # The sign-in, its clinics, the count, the page, its reminders.
        with django_assert_num_queries(5):
            caller.get(f"{LIST}/upcoming", {"limit": limit})
