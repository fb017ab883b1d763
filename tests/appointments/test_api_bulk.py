from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from appointments.models import Appointment, Patient
from tests.appointments.test_api_booking import LIST, monday, refused
from tests.factories.accounts import ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory

pytestmark = pytest.mark.django_db
BULK = f"{LIST}/bulk"


def bulk(caller, operation, items, **options):
    answer = caller.post(BULK, {"operation": operation, "items": items, **options}, format="json")
    assert answer.status_code == 200, answer.content
    return answer.json()


def booking(clinic, number=0, **fields):
    when = monday(clinic) + timedelta(hours=number)
    return {
        "patient_phone": f"7123456{number}",
        "patient_name": f"Patient {number}",
        "appointment_datetime": when.isoformat(),
        **fields,
    }


def codes(answer):
    return [result.get("error", {}).get("code", result["status"]) for result in answer["results"]]


def test_each_item_has_its_own_result_in_order(caller, clinic):
    items = [booking(clinic), {"patient_phone": "no"}, booking(clinic), 5, booking(clinic, 1)]
    answer = bulk(caller, "create", items)
    assert codes(answer) == [201, "VALIDATION_ERROR", "APPOINTMENT_CONFLICT", "VALIDATION_ERROR", 201]
    assert [result["index"] for result in answer["results"]] == [0, 1, 2, 3, 4]
    assert (answer["succeeded"], answer["failed"]) == (2, 3)
    assert "patient_phone" in answer["results"][1]["error"]["details"]
    first = answer["results"][0]["object"]
    assert caller.get(f"{LIST}/{first['id']}").json() == first


def test_all_or_none_takes_back_what_was_fine(caller, clinic):
    items = [booking(clinic), booking(clinic), booking(clinic, 1)]
    answer = bulk(caller, "create", items, atomic=True)
    assert codes(answer) == ["STATE_CONFLICT", "APPOINTMENT_CONFLICT", "STATE_CONFLICT"]
    assert (Appointment.objects.count(), Patient.objects.count()) == (0, 0)


def test_all_or_none_does_nothing_where_an_item_can_not_be_read(caller, clinic):
    answer = bulk(caller, "create", [booking(clinic), {}], atomic=True)
    assert codes(answer) == ["STATE_CONFLICT", "VALIDATION_ERROR"]
    assert not Appointment.objects.exists()


def test_all_or_none_does_all(caller, clinic):
    answer = bulk(caller, "create", [booking(clinic, n) for n in range(3)], atomic=True)
    assert codes(answer) == [201, 201, 201]


def test_visits_are_cancelled_by_their_ids(caller, clinic):
    visits = AppointmentFactory.create_batch(2, patient__clinic=clinic)
    answer = bulk(caller, "cancel", [str(visits[0].pk), {"id": str(visits[1].pk), "version": 1}])
    assert [result["object"]["status"] for result in answer["results"]] == ["cancelled"] * 2


def test_visits_are_moved(caller, clinic):
    visit = AppointmentFactory(patient__clinic=clinic)
    later = monday(clinic).replace(tzinfo=None).isoformat()
    answer = bulk(caller, "reschedule", [{"id": str(visit.pk), "appointment_datetime": later}])
    assert answer["results"][0]["object"]["appointment_datetime"] == monday(clinic).isoformat()


@pytest.mark.parametrize(("operation", "attended"), [("mark_attended", True), ("mark_missed", False)])
def test_attendance_is_marked(caller, clinic, operation, attended):
    today = AppointmentFactory(patient__clinic=clinic, starts_at=timezone.now())
    next_week = AppointmentFactory(patient__clinic=clinic)
    answer = bulk(caller, operation, [str(today.pk), str(next_week.pk)])
    assert answer["results"][0]["object"]["attended"] is attended
    assert answer["results"][1]["error"]["code"] == "STATE_CONFLICT"


def test_a_stale_version_is_refused_for_its_item(caller, clinic):
    visit = AppointmentFactory(patient__clinic=clinic, version=2)
    assert codes(bulk(caller, "cancel", [{"id": str(visit.pk), "version": 1}])) == ["VERSION_CONFLICT"]


def test_another_clinics_visit_is_refused_for_its_item(caller):
    elsewhere = AppointmentFactory()
    answer = bulk(caller, "cancel", [str(elsewhere.pk), str(uuid4()), "not-an-id", None, [], {"id": {}}])
    assert codes(answer) == ["VALIDATION_ERROR"] * 6
    elsewhere.refresh_from_db()
    assert elsewhere.status == "booked"


def test_one_visit_twice_is_done_one_after_the_other(caller, clinic):
    visit = AppointmentFactory(patient__clinic=clinic)
    assert codes(bulk(caller, "cancel", [str(visit.pk)] * 2)) == [200, 200]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"operation": "erase", "items": ["x"]}, "operation"),
        ({"operation": ["cancel"], "items": ["x"]}, "operation"),
        ({"operation": "cancel", "items": []}, "items"),
        ({"operation": "cancel", "items": "x"}, "items"),
        ({"operation": "cancel", "items": {"id": "x"}}, "items"),
        ({"operation": "cancel", "items": ["x"] * 1001}, "items"),
        ({"operation": "cancel"}, "items"),
        ({"operation": "cancel", "items": ["x"], "atomic": "perhaps"}, "atomic"),
        ({"operation": "cancel", "items": ["x"], "dry_run": True}, "dry_run"),
    ],
)
def test_a_request_that_can_not_be_taken_is_refused_whole(caller, body, field):
    assert field in refused(caller.post(BULK, body, format="json"), 400)


def test_a_viewer_changes_nothing(api, clinic):
    viewer = api(ViewerFactory(clinics=[clinic]))
    body = {"operation": "create", "items": [booking(clinic)]}
    refused(viewer.post(BULK, body, format="json"), 403, "PERMISSION_DENIED")


def test_an_item_that_can_not_be_read_costs_no_query(caller, django_assert_max_num_queries):
    with django_assert_max_num_queries(4):
        bulk(caller, "cancel", [str(uuid4()) for _number in range(500)])


def test_a_clinic_with_a_limit_is_full_by_what_was_there_and_by_the_call_itself(api):
    clinic = ClinicFactory(slot_capacity=1)
    AppointmentFactory(patient__clinic=clinic, starts_at=monday(clinic))
    items = [booking(clinic), booking(clinic, 1), {**booking(clinic, 2), **when_of(booking(clinic, 1))}]
    answer = bulk(api(StaffFactory(clinics=[clinic])), "create", items)
    assert codes(answer) == ["APPOINTMENT_CONFLICT", 201, "APPOINTMENT_CONFLICT"]
    assert Appointment.objects.count() == 2


def when_of(item):
    return {"appointment_datetime": item["appointment_datetime"]}
