from datetime import datetime, time, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import AuditEntry
from common.clock import Clock
from messaging.dispatch import dispatch
from messaging.models import Message
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory

pytestmark = pytest.mark.django_db
SCHEDULE = "/api/v1/sms/schedule"
TEXT = {"to": "71234567", "body": "Please call us."}


@pytest.fixture
def clinic():
    return ClinicFactory(quiet_from=None, quiet_to=None)


@pytest.fixture
def nurse(clinic):
    return StaffFactory(clinics=[clinic])


@pytest.fixture
def caller(api, nurse):
    return api(nurse)


@pytest.fixture
def visit(clinic):
    return AppointmentFactory(patient__clinic=clinic, patient__name="Kabo Molefe", language="tn")


def in_hours(hours):
    return timezone.now().replace(microsecond=0) + timedelta(hours=hours)


def scheduled(caller, **body):
    answer = caller.post(SCHEDULE, body, format="json")
    assert answer.status_code == 202, answer.content
    return answer.json()


def refused(caller, status=400, **body):
    answer = caller.post(SCHEDULE, body, format="json")
    assert answer.status_code == status, answer.content
    assert not Message.objects.exists()
    return answer.json()["error"]


def test_a_text_waits_for_its_time(caller):
    at = in_hours(5)
    shown = scheduled(caller, **TEXT, send_at=at.isoformat())
    assert (shown["status"], datetime.fromisoformat(shown["send_at"])) == ("queued", at)
    assert shown["appointment_id"] is None
    assert not OrmQ.objects.exists()


def test_a_time_without_an_offset_is_on_the_clinics_clock(caller, clinic):
    clinic.time_zone = "Asia/Tokyo"
    clinic.save()
    local = (in_hours(30)).astimezone(clinic.zone)
    shown = scheduled(caller, **TEXT, send_at=f"{local:%Y-%m-%dT%H:%M:%S}")
    assert datetime.fromisoformat(shown["send_at"]) == local
    assert shown["send_at"].endswith("+09:00")


def test_a_time_in_quiet_hours_is_moved_to_their_end(caller, clinic):
    clinic.quiet_from, clinic.quiet_to = time(20), time(7)
    clinic.save()
    evening = (in_hours(72)).astimezone(clinic.zone).replace(hour=21, minute=0, second=0)
    shown = scheduled(caller, **TEXT, send_at=evening.isoformat())
    assert datetime.fromisoformat(shown["send_at"]) == evening + timedelta(hours=10)


def test_a_clock_that_is_a_little_slow_means_now(caller, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        scheduled(caller, **TEXT, send_at=(timezone.now() - timedelta(seconds=30)).isoformat())
    assert OrmQ.objects.count() == 1


@pytest.mark.parametrize(
    "send_at",
    [
        None,
        "",
        5,
        True,
        [],
        {},
        "tomorrow",
        "2026-13-01T10:00",
        "2999-01-01",
        "9999-12-31T23:59:59",
        "2030-01-01",
    ],
)
def test_a_time_that_cannot_be_read_is_refused(caller, send_at):
    assert "send_at" in refused(caller, **TEXT, send_at=send_at)["details"]


@pytest.mark.parametrize("hours", [-1, 24 * 366])
def test_a_time_that_is_past_or_too_far_is_refused(caller, hours):
    assert "send_at" in refused(caller, **TEXT, send_at=in_hours(hours).isoformat())["details"]


def test_a_text_to_a_phone_is_checked_as_one_that_is_sent_at_once(caller):
    at = in_hours(5).isoformat()
    assert "to" in refused(caller, body="Hello", send_at=at)["details"]
    assert "to" in refused(caller, to="3951234", body="Hello", send_at=at)["details"]
    assert "body" in refused(caller, to="71234567", send_at=at)["details"]


# A visit's reminder


def test_a_visits_reminder_is_written_in_its_language(caller, visit, nurse):
    shown = scheduled(caller, appointment_id=str(visit.pk), send_at=in_hours(5).isoformat())
    assert shown["appointment_id"] == str(visit.pk)
    assert (shown["to"], shown["language"]) == (visit.patient.phone, "tn")
    assert "Dumela Kabo Molefe" in shown["body"]
    entry = AuditEntry.objects.get(object_id=shown["id"])
    assert (entry.action, entry.actor_id) == ("scheduled", nurse.pk)


def test_who_has_several_clinics_need_not_name_the_visits(api, visit):
    caller = api(AdminFactory())
    ClinicFactory()
    shown = scheduled(caller, appointment_id=str(visit.pk), send_at=in_hours(5).isoformat())
    assert shown["clinic_id"] == str(visit.clinic_id)


def test_a_visit_and_a_phone_do_not_go_together(caller, visit):
    error = refused(caller, appointment_id=str(visit.pk), to="71234567", send_at=in_hours(5).isoformat())
    assert "to" in error["details"]


@pytest.mark.parametrize("clinics", [0, 1])
def test_another_clinics_visit_is_refused(api, visit, clinics):
    caller = api(StaffFactory(clinics=ClinicFactory.create_batch(clinics)))
    for some_id in (visit.pk, uuid4()):
        error = refused(caller, appointment_id=str(some_id), send_at=in_hours(5).isoformat())
        assert "appointment_id" in error["details"]


def test_a_visit_of_another_clinic_than_the_one_named_is_refused(api, visit):
    error = refused(
        api(AdminFactory()),
        appointment_id=str(visit.pk),
        clinic_id=str(ClinicFactory().pk),
        send_at=in_hours(5).isoformat(),
    )
    assert "appointment_id" in error["details"]


def test_a_viewer_schedules_nothing(api, clinic, visit):
    viewer = api(ViewerFactory(clinics=[clinic]))
    refused(viewer, 403, appointment_id=str(visit.pk), send_at=in_hours(5).isoformat())


def test_a_visit_that_is_cancelled_gets_no_reminder(caller, clinic):
    visit = AppointmentFactory(patient__clinic=clinic, status="cancelled")
    error = refused(caller, 409, appointment_id=str(visit.pk), send_at=in_hours(5).isoformat())
    assert error["code"] == "STATE_CONFLICT"


@pytest.mark.parametrize("hours", [0, 1])
def test_a_reminder_leaves_before_the_visit(caller, visit, hours):
    at = visit.starts_at + timedelta(hours=hours)
    assert "send_at" in refused(caller, appointment_id=str(visit.pk), send_at=at.isoformat())["details"]


def test_a_reminder_that_quiet_hours_would_carry_past_the_visit_is_too_late(caller, visit, clinic):
    clinic.quiet_from, clinic.quiet_to = time(20), time(9)
    clinic.save()
    at = visit.starts_at - timedelta(hours=1)
    shown = scheduled(caller, appointment_id=str(visit.pk), send_at=at.isoformat())
    assert (shown["status"], shown["error"]["code"]) == ("expired", "TOO_LATE")


def test_a_patient_who_said_no_gets_none(caller, visit):
    visit.patient.consent = False
    visit.patient.save()
    shown = scheduled(caller, appointment_id=str(visit.pk), send_at=in_hours(5).isoformat())
    assert (shown["status"], shown["error"]["code"]) == ("suppressed", "NO_CONSENT")


@pytest.mark.django_db(transaction=True)
def test_a_visit_that_was_moved_meanwhile_gets_no_text_with_the_old_time(caller, visit):
    shown = scheduled(caller, appointment_id=str(visit.pk), send_at=in_hours(5).isoformat())
    visit.starts_at += timedelta(days=1)
    visit.ends_at += timedelta(days=1)
    visit.save()
    dispatch(clock=Clock(in_hours(6)))
    assert caller.get(f"/api/v1/sms/status/{shown['id']}").json()["status"] == "cancelled"


@pytest.mark.django_db(transaction=True)
def test_a_visits_text_leaves_at_its_time(caller, visit):
    shown = scheduled(caller, appointment_id=str(visit.pk), send_at=in_hours(5).isoformat())
    dispatch(clock=Clock(in_hours(4)))
    assert Message.objects.get(pk=shown["id"]).status == "queued"
    dispatch(clock=Clock(in_hours(6)))
    assert Message.objects.get(pk=shown["id"]).status == "sent"


def texts_of(visit):
    texts = Message.objects.filter(subject_id=visit.pk).order_by("created_at", "pk")
    return [(message.status, message.to, message.language) for message in texts]


@pytest.mark.django_db(transaction=True)
def test_a_new_phone_gets_the_text_in_place_of_the_old_one(caller, visit):
    scheduled(caller, appointment_id=str(visit.pk), send_at=in_hours(5).isoformat())
    old = visit.patient.phone
    visit.patient.phone = "+26772000000"
    visit.patient.save()
    dispatch(clock=Clock(in_hours(6)))
    assert texts_of(visit) == [("cancelled", old, "tn"), ("sent", "+26772000000", "tn")]


@pytest.mark.django_db(transaction=True)
def test_the_text_is_written_again_in_the_visits_new_language(caller, visit):
    scheduled(caller, appointment_id=str(visit.pk), send_at=in_hours(5).isoformat())
    visit.language = "en"
    visit.save()
    dispatch(clock=Clock(in_hours(6)))
    phone = visit.patient.phone
    assert texts_of(visit) == [("cancelled", phone, "tn"), ("sent", phone, "en")]
