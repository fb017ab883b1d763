from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.audit import SYSTEM
from accounts.models import AuditEntry, Clinic
from appointments.closures import close_day
from appointments.errors import AppointmentConflict
from appointments.file_import.importing import import_file
from appointments.file_import.reading import open_file
from appointments.models import Appointment, Closure
from appointments.services import book, change, mark_attendance
from messaging.models import Message
from tests.appointments.test_api_booking import monday, refused
from tests.appointments.test_concurrency import at_once
from tests.factories.accounts import ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory

pytestmark = pytest.mark.django_db


def address(clinic):
    return f"/api/v1/clinics/{clinic.pk}/closures"


def day(clinic, after=0):
    return (monday(clinic) + timedelta(days=after)).date().isoformat()


def close(caller, clinic, **fields):
    return caller.post(address(clinic), {"date": day(clinic), **fields}, format="json")


def visit(clinic, **fields):
    return AppointmentFactory(patient__clinic=clinic, starts_at=fields.pop("at", monday(clinic)), **fields)


def test_closing_a_day_says_which_live_visits_fall_on_it(caller, clinic):
    there = visit(clinic)
    visit(clinic, status="cancelled")
    visit(clinic, at=monday(clinic) + timedelta(days=1))
    AppointmentFactory(starts_at=monday(clinic))
    answer = close(caller, clinic, reason="Training")
    assert answer.status_code == 201, answer.content
    closed = answer.json()
    assert (closed["date"], closed["reason"], closed["clinic_id"]) == (
        day(clinic),
        "Training",
        str(clinic.pk),
    )
    assert [seen["id"] for seen in closed["affected"]] == [str(there.pk)]
    assert (closed["moved"], closed["not_moved"]) == ([], [])
    listed = caller.get(address(clinic)).json()["results"]
    assert [[seen["id"] for seen in row["affected"]] for row in listed] == [[str(there.pk)]]
    assert AuditEntry.objects.filter(action="closed").count() == 1
    there.refresh_from_db()
    assert there.starts_at == monday(clinic)


def test_a_days_visits_move_to_the_same_times_and_the_patients_are_told(caller, clinic):
    visits = [visit(clinic), visit(clinic, at=monday(clinic, 11), status="confirmed")]
    closed = close(caller, clinic, move_to=day(clinic, 1)).json()
    assert closed["moved"] == [str(v.pk) for v in visits]
    assert closed["not_moved"] == []
    tomorrow = [monday(clinic, hour) + timedelta(days=1) for hour in (9, 11)]
    assert [seen["appointment_datetime"] for seen in closed["affected"]] == [t.isoformat() for t in tomorrow]
    assert list(Message.objects.values_list("purpose", flat=True)) == ["rescheduled"] * 2
    assert set(Message.objects.values_list("subject_at", flat=True)) == set(tomorrow)


def test_a_visit_whose_time_is_taken_there_moves_to_the_next_free_one(api):
    clinic = ClinicFactory(slot_capacity=1)
    visit(clinic)
    visit(clinic, at=monday(clinic) + timedelta(days=1))
    closed = close(api(StaffFactory(clinics=[clinic])), clinic, move_to=day(clinic, 1)).json()
    free = monday(clinic) + timedelta(days=1, minutes=30)
    assert closed["affected"][0]["appointment_datetime"] == free.isoformat()


def test_a_visit_that_finds_no_place_stays_and_is_named(api):
    shut = {str(weekday): None for weekday in range(7)}
    clinic = ClinicFactory(slot_capacity=1, opening_hours=shut)
    stays = visit(clinic)
    visit(clinic, at=monday(clinic) + timedelta(days=1))
    closed = close(api(StaffFactory(clinics=[clinic])), clinic, move_to=day(clinic, 1)).json()
    assert closed["moved"] == []
    assert [(said["appointment_id"], said["code"]) for said in closed["not_moved"]] == [
        (str(stays.pk), "APPOINTMENT_CONFLICT")
    ]
    assert not Message.objects.exists()


def test_a_closed_day_is_closed_once_but_its_visits_can_be_moved_later(caller, clinic):
    there = visit(clinic)
    close(caller, clinic)
    refused(close(caller, clinic), 409, "STATE_CONFLICT")
    answer = close(caller, clinic, move_to=day(clinic, 1))
    assert (answer.status_code, answer.json()["moved"]) == (200, [str(there.pk)])
    assert Closure.objects.count() == 1


@pytest.mark.parametrize("field", ["date", "move_to"])
@pytest.mark.parametrize("value", ["2020-01-01", "9999-12-31", "tomorrow", 5, [], ""])
def test_a_day_that_can_not_be_is_refused(caller, clinic, field, value):
    assert field in refused(close(caller, clinic, **{field: value}), 400)


def test_visits_do_not_move_to_a_closed_day(caller, clinic):
    assert "move_to" in refused(close(caller, clinic, move_to=day(clinic)), 400)
    close(caller, clinic, date=day(clinic, 1))
    assert "move_to" in refused(close(caller, clinic, move_to=day(clinic, 1)), 400)
    assert Closure.objects.count() == 1


def test_nothing_is_moved_onto_a_closed_day(clinic):
    appointment = visit(clinic)
    tomorrow = monday(clinic) + timedelta(days=1)
    close_day(clinic=clinic, day=tomorrow.date(), actor=SYSTEM, now=timezone.now())
    with pytest.raises(AppointmentConflict, match="closed"):
        change(appointment.pk, starts_at=tomorrow, actor=SYSTEM, now=timezone.now())


def test_a_visit_that_stands_on_a_closed_day_can_be_marked_and_undone(clinic):
    now = timezone.now()
    appointment = visit(clinic, at=now)
    close_day(clinic=clinic, day=now.astimezone(clinic.zone).date(), actor=SYSTEM, now=now)
    for attended in (True, None):
        mark_attendance(appointment.pk, attended=attended, actor=SYSTEM, now=now)
    change(appointment.pk, duration_minutes=10, actor=SYSTEM, now=now)
    appointment.refresh_from_db()
    assert (appointment.status, appointment.duration_minutes) == ("booked", 10)


def test_a_row_for_a_closed_day_is_rejected_and_says_so(clinic):
    now = timezone.now()
    close_day(clinic=clinic, day=monday(clinic).date(), actor=SYSTEM, now=now)
    text = f"phone,datetime,clinic\n71234567,{day(clinic)} 09:00,{clinic.code}\n"
    rejected = []
    import_file(
        open_file(text.encode()),
        clinics=Clinic.objects.all(),
        actor=SYSTEM,
        now=now,
        on_rejected=rejected.extend,
    )
    assert [(row.column, row.code) for row in rejected] == [("appointment_datetime", "CLINIC_CLOSED")]


def test_a_day_is_opened_again(caller, clinic):
    pk = close(caller, clinic).json()["id"]
    assert caller.delete(f"{address(clinic)}/{pk}").status_code == 204
    assert caller.delete(f"{address(clinic)}/{pk}").status_code == 404
    assert AuditEntry.objects.filter(action="opened").count() == 1
    book(
        clinic=clinic,
        patient=PatientFactory(clinic=clinic),
        starts_at=monday(clinic),
        actor=SYSTEM,
        now=timezone.now(),
    )


def test_another_clinics_days_are_not_there(caller, clinic):
    elsewhere = ClinicFactory()
    closure = Closure.objects.create(clinic=elsewhere, date=day(clinic), created_at=timezone.now())
    for where in (elsewhere, type("NoClinic", (), {"pk": uuid4()})):
        refused(caller.get(address(where)), 404, "NOT_FOUND")
        refused(close(caller, clinic=elsewhere), 404, "NOT_FOUND")
        refused(caller.delete(f"{address(where)}/{closure.pk}"), 404, "NOT_FOUND")
    refused(caller.delete(f"{address(clinic)}/{closure.pk}"), 404, "NOT_FOUND")
    assert Closure.objects.count() == 1


def test_a_viewer_sees_closed_days_and_closes_none(api, caller, clinic):
    pk = close(caller, clinic).json()["id"]
    viewer = api(ViewerFactory(clinics=[clinic]))
    assert viewer.get(address(clinic)).json()["count"] == 1
    refused(close(viewer, clinic), 403, "PERMISSION_DENIED")
    refused(viewer.delete(f"{address(clinic)}/{pk}"), 403, "PERMISSION_DENIED")


def test_a_list_takes_as_many_queries_for_many_days_as_for_one(caller, clinic, django_assert_num_queries):
    for number in range(10):
        at = monday(clinic) + timedelta(days=number)
        visit(clinic, at=at)
        Closure.objects.create(clinic=clinic, date=at.date(), created_at=at)
    for limit in (1, 100):
        # The sign-in, the clinic, its user's clinics, the count, the page, its visits and their reminders.
        with django_assert_num_queries(7):
            caller.get(address(clinic), {"limit": limit})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("capacity", [None, 50])
def test_nobody_is_booked_unseen_on_a_day_that_is_closed_in_that_moment(capacity):
    clinic, now = ClinicFactory(slot_capacity=capacity), timezone.now()
    patients = PatientFactory.create_batch(5, clinic=clinic)

    def booking(patient):
        return lambda: book(clinic=clinic, patient=patient, starts_at=monday(clinic), actor=SYSTEM, now=now)

    def closing():
        return close_day(clinic=clinic, day=monday(clinic).date(), actor=SYSTEM, now=now)

    *booked, closed = at_once(*map(booking, patients), closing)
    made = {done.pk for done in booked if isinstance(done, Appointment)}
    assert set(closed.affected) == made
    assert {type(done) for done in booked} <= {Appointment, AppointmentConflict}
