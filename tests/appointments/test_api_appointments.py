from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from appointments.models import ReminderState
from messaging.models import MessageStatus
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory, ReminderFactory
from tests.factories.messaging import MessageFactory

pytestmark = pytest.mark.django_db
LIST = "/api/v1/appointments"
FIELDS = {
    *("id", "reference", "clinic_id", "patient_id", "patient_name", "patient_phone", "language"),
    *("appointment_datetime", "duration_minutes", "visit_type", "status", "attended", "reminders_sent"),
    *("next_reminder_at", "version", "created_at", "updated_at"),
}


@pytest.fixture
def appointment(clinic):
    return AppointmentFactory(
        patient=PatientFactory(clinic=clinic, name="Mpho Kgosi", phone="+26771234567", patient_number="P-7"),
        starts_at=datetime(2026, 12, 1, 9, 30, tzinfo=ZoneInfo("Africa/Gaborone")),
        reference="R-1",
        language="tn",
    )


def seen(caller, appointment):
    answer = caller.get(f"{LIST}/{appointment.pk}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def ids(answer):
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def test_an_appointment_has_the_fields_that_callers_rely_on(caller, appointment):
    shown = seen(caller, appointment)
    assert set(shown) == FIELDS
    assert shown["appointment_datetime"] == "2026-12-01T09:30:00+02:00"
    assert shown["patient_name"] == "Mpho Kgosi"
    assert shown["patient_phone"] == "+26771234567"
    assert shown["clinic_id"] == str(appointment.clinic_id)


def test_the_list_shows_an_appointment_as_the_single_call_does(caller, appointment):
    assert caller.get(LIST).json()["results"] == [seen(caller, appointment)]


def test_times_leave_on_the_clinics_own_clock(api):
    lagos = ClinicFactory(time_zone="Africa/Lagos")
    appointment = AppointmentFactory(patient__clinic=lagos)
    ReminderFactory(appointment=appointment)
    shown = seen(api(AdminFactory()), appointment)
    fields = ("appointment_datetime", "next_reminder_at", "created_at", "updated_at")
    assert [shown[field][-6:] for field in fields] == ["+01:00"] * 4


@pytest.mark.parametrize(
    ("status", "attended"),
    [("booked", None), ("confirmed", None), ("cancelled", None), ("attended", True), ("missed", False)],
)
def test_attended_is_unknown_until_it_is_marked(caller, clinic, status, attended):
    appointment = AppointmentFactory(patient__clinic=clinic, status=status)
    assert seen(caller, appointment)["attended"] is attended


def test_reminders_that_left_for_the_present_time_are_counted(caller, clinic, appointment):
    for hours, status in enumerate(MessageStatus.values, start=1):
        message = MessageFactory(clinic=clinic, status=status, **({} if status != "sending" else lease()))
        ReminderFactory(
            appointment=appointment, hours_before=hours, state=ReminderState.QUEUED, message=message
        )
    earlier = appointment.starts_at - timedelta(days=7)
    gone = MessageFactory(clinic=clinic, status=MessageStatus.DELIVERED)
    ReminderFactory(appointment=appointment, visit_at=earlier, state=ReminderState.QUEUED, message=gone)
    # sent and delivered
    assert seen(caller, appointment)["reminders_sent"] == 2


def lease():
    now = datetime.now(ZoneInfo("UTC"))
    return {"claim": uuid4(), "claimed_at": now, "lease_expires_at": now}


def test_the_next_reminder_is_the_soonest_that_is_planned(caller, appointment):
    ReminderFactory(appointment=appointment, hours_before=168, state=ReminderState.SKIPPED)
    ReminderFactory(appointment=appointment, hours_before=48)
    ReminderFactory(appointment=appointment, hours_before=24)
    assert seen(caller, appointment)["next_reminder_at"] == "2026-11-29T09:30:00+02:00"


def test_a_planned_reminder_of_an_earlier_time_is_not_the_next(caller, appointment):
    ReminderFactory(appointment=appointment, visit_at=appointment.starts_at - timedelta(days=2))
    assert seen(caller, appointment)["next_reminder_at"] is None


def test_one_appointment_takes_four_queries(caller, appointment, django_assert_num_queries):
    # The sign-in and its clinics, the appointment with clinic and patient, its reminders.
    with django_assert_num_queries(4):
        seen(caller, appointment)


@pytest.mark.parametrize("made_by", [StaffFactory, ViewerFactory])
def test_another_clinics_appointments_are_not_there(api, appointment, made_by):
    caller = api(made_by(clinics=[ClinicFactory()]))
    assert ids(caller.get(LIST)) == []
    assert ids(caller.get(LIST, {"clinic_id": appointment.clinic_id})) == []
    answer = caller.get(f"{LIST}/{appointment.pk}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("made_by", [StaffFactory, ViewerFactory])
def test_who_has_no_clinic_sees_an_empty_list(api, appointment, made_by):
    assert appointment.pk
    assert ids(api(made_by()).get(LIST)) == []


def test_an_administrator_sees_all_clinics(api, appointment):
    other = AppointmentFactory()
    assert set(ids(api(AdminFactory()).get(LIST))) == {str(appointment.pk), str(other.pk)}


def test_an_appointment_that_never_was_is_not_found(caller):
    assert caller.get(f"{LIST}/{uuid4()}").status_code == 404
    assert caller.get(f"{LIST}/not-an-id").status_code == 404


def test_a_viewer_reads_phones_masked(api, clinic, appointment):
    viewer = api(ViewerFactory(clinics=[clinic]))
    assert seen(viewer, appointment)["patient_phone"] == "+267•••••567"
    assert "1234567" not in viewer.get(LIST).content.decode()


def test_a_viewer_can_not_search_by_phone(api, clinic, appointment):
    viewer = api(ViewerFactory(clinics=[clinic]))
    answer = viewer.get(LIST, {"patient_phone": appointment.patient.phone})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "PERMISSION_DENIED")
    assert ids(viewer.get(LIST, {"search": "71234567"})) == []


def test_a_phone_is_found_in_any_form_that_people_write(caller, appointment):
    AppointmentFactory(patient__clinic=appointment.clinic)
    for written in ("71 234 567", "+26771234567", "26771234567"):
        assert ids(caller.get(LIST, {"patient_phone": written})) == [str(appointment.pk)]


@pytest.mark.parametrize("words", ["mpho", "KGOSI mp", "r-1", "p-7", "71 234", "26771234567"])
def test_a_search_looks_at_name_reference_number_and_phone(caller, appointment, words):
    AppointmentFactory(
        patient__clinic=appointment.clinic, patient__name="Neo Pule", patient__phone="+26775000000"
    )
    assert ids(caller.get(LIST, {"search": words})) == [str(appointment.pk)]


@pytest.mark.parametrize("name", ["patient_phone", "status", "date", "patient_id"])
def test_an_empty_filter_is_refused_and_an_empty_search_finds_all(caller, appointment, name):
    answer = caller.get(LIST, {name: ""})
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, [name])
    assert ids(caller.get(LIST, {"search": ""})) == [str(appointment.pk)]


def test_a_search_that_fits_nobody_is_empty(caller, appointment):
    assert appointment.pk
    assert ids(caller.get(LIST, {"search": "nobody %"})) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "cancelled"),
        ("language", "tn"),
        ("date", "2026-12-01"),
        ("patient_id", None),
        ("clinic_id", None),
    ],
)
def test_a_filter_keeps_what_fits(api, clinic, name, value):
    there = AppointmentFactory(
        patient__clinic=clinic,
        status="cancelled",
        language="tn",
        starts_at=datetime(2026, 12, 1, 9, tzinfo=clinic.zone),
    )
    AppointmentFactory()
    answer = api(AdminFactory()).get(LIST, {name: value or getattr(there, name)})
    assert ids(answer) == [str(there.pk)]


def test_one_appointment_is_not_a_place_to_book(caller, appointment):
    answer = caller.post(f"{LIST}/{appointment.pk}", {}, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
