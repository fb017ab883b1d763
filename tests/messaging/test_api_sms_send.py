from datetime import datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import AuditEntry, ConsentPolicy
from common.clock import Clock
from messaging.dispatch import dispatch
from messaging.models import Message
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.appointments import PatientFactory
from tests.factories.messaging import MessageFactory, OptOutFactory

pytestmark = pytest.mark.django_db
SEND = "/api/v1/sms/send"
PHONE = "+26771234567"
TEXT = {"to": PHONE, "body": "Please call us."}
VISIT = {"name": "Kabo", "date": "1 December", "time": "09:30", "weekday": "Tuesday"}


@pytest.fixture
def clinic():
    return ClinicFactory(name="Bontleng Clinic", phone="+2673951234", quiet_from=None, quiet_to=None)


@pytest.fixture
def nurse(clinic):
    return StaffFactory(clinics=[clinic])


@pytest.fixture
def caller(api, nurse):
    return api(nurse)


def sent(caller, **body):
    answer = caller.post(SEND, body, format="json")
    assert answer.status_code == 202, answer.content
    return answer.json()


def refused(caller, body, status=400):
    answer = caller.post(SEND, body, format="json")
    assert answer.status_code == status, answer.content
    assert not Message.objects.exists()
    return answer.json()["error"]


def test_a_text_is_queued_for_now_in_the_clinics_language(caller, clinic):
    shown = sent(caller, to="71 234 567", body="Please call us.")
    assert (shown["to"], shown["body"], shown["status"]) == (PHONE, "Please call us.", "queued")
    assert (shown["clinic_id"], shown["language"]) == (str(clinic.pk), clinic.default_language)
    assert (shown["segments"], shown["encoding"], shown["error"]) == (1, "GSM-7", None)
    assert [event["status"] for event in shown["events"]] == ["queued"]
    assert shown["appointment_id"] is None


def test_a_text_is_of_use_for_a_day(caller):
    message = Message.objects.get(pk=sent(caller, **TEXT)["id"])
    assert message.expires_at - message.send_at == timedelta(hours=24)


def test_the_worker_is_told_at_once(caller, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        sent(caller, **TEXT)
    assert [task.func() for task in OrmQ.objects.all()] == ["messaging.tasks.dispatch_due"]


@pytest.mark.django_db(transaction=True)
def test_a_text_leaves_with_the_next_pass(caller):
    shown = sent(caller, **TEXT)
    dispatch(clock=Clock())
    assert caller.get(f"/api/v1/sms/status/{shown['id']}").json()["status"] == "sent"


def test_who_sent_it_is_in_the_audit_log_without_the_phone(caller, nurse, clinic):
    shown = sent(caller, **TEXT)
    entry = AuditEntry.objects.get(object_id=shown["id"])
    assert (entry.action, entry.actor_id, entry.clinic_id) == ("sent", nurse.pk, clinic.pk)
    assert PHONE not in str(entry.__dict__)


def test_a_template_is_filled_in_with_the_context_and_the_clinic(caller):
    shown = sent(caller, to=PHONE, template="reminder", context=VISIT, language="tn")
    assert shown["language"] == "tn"
    assert "Dumela Kabo" in shown["body"]
    assert "Bontleng Clinic" in shown["body"]
    assert "{" not in shown["body"]


def test_a_value_that_looks_like_a_placeholder_stays_text(caller):
    shown = sent(caller, to=PHONE, template="reminder", context={**VISIT, "name": "{time}"})
    assert "Hello {time}," in shown["body"]


def test_typographic_characters_leave_in_their_plain_form(caller):
    assert sent(caller, to=PHONE, body="It’s “here” – š…")["body"] == 'It\'s "here" - s...'


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"body": "Hello"}, "to"),
        ({"to": "", "body": "Hello"}, "to"),
        ({"to": "395 1234", "body": "Hello"}, "to"),
        ({"to": "12", "body": "Hello"}, "to"),
        ({"to": None, "body": "Hello"}, "to"),
        ({"to": ["71234567"], "body": "Hello"}, "to"),
        ({"to": {"a": 1}, "body": "Hello"}, "to"),
        ({"to": True, "body": "Hello"}, "to"),
        ({"to": "7" * 5000, "body": "Hello"}, "to"),
        ({"to": PHONE}, "body"),
        ({"to": PHONE, "body": ""}, "body"),
        ({"to": PHONE, "body": " \u200b"}, "body"),
        ({"to": PHONE, "body": "a" * 1601}, "body"),
        ({"to": PHONE, "body": "…" * 600}, "body"),
        ({"to": PHONE, "body": "bell \x07"}, "body"),
        ({"to": PHONE, "body": "nul \x00"}, "body"),
        ({"to": PHONE, "body": ["a"]}, "body"),
        ({"to": PHONE, "body": "Hello {name}"}, "body"),
        ({"to": PHONE, "body": "a", "template": "reminder"}, "body"),
        ({"to": PHONE, "body": "a", "context": {"name": "b"}}, "context"),
        ({"to": PHONE, "template": "nonsense"}, "template"),
        ({"to": PHONE, "template": ["reminder"]}, "template"),
        ({"to": PHONE, "template": "reminder"}, "context.name"),
        ({"to": PHONE, "template": "reminder", "context": {**VISIT, "age": "3"}}, "context.age"),
        ({"to": PHONE, "template": "reminder", "context": ["name"]}, "context"),
        ({"to": PHONE, "template": "reminder", "context": {"name": {"a": 1}}}, "context"),
        ({"to": PHONE, "template": "reminder", "context": {**VISIT, "name": "a" * 201}}, "context"),
        ({"to": PHONE, "body": "a", "language": "fr"}, "language"),
        ({"to": PHONE, "body": "a", "language": 7}, "language"),
        ({"to": PHONE, "body": "a", "clinic_id": "x"}, "clinic_id"),
        ({"to": PHONE, "body": "a", "clinic_id": 10**60}, "clinic_id"),
        ({"to": PHONE, "body": "a", "urgent": True}, "urgent"),
    ],
)
def test_what_cannot_be_sent_is_refused_at_its_field(caller, body, field):
    error = refused(caller, body)
    assert error["code"] == "VALIDATION_ERROR"
    assert field in error["details"]


@pytest.mark.parametrize("body", [[], "text", 7, None, [TEXT]])
def test_a_body_that_is_no_object_is_refused(caller, body):
    assert refused(caller, body)["code"] == "VALIDATION_ERROR"


def test_a_refusal_does_not_repeat_the_number(caller):
    assert "3951234" not in str(refused(caller, {"to": "3951234", "body": "Hello"}))


def test_who_has_several_clinics_says_which(api, clinic):
    other = ClinicFactory(quiet_from=None, quiet_to=None)
    caller = api(StaffFactory(clinics=[clinic, other]))
    assert "clinic_id" in refused(caller, TEXT)["details"]
    assert sent(caller, **TEXT, clinic_id=str(other.pk))["clinic_id"] == str(other.pk)


def test_an_administrator_says_which_clinic_where_there_is_more_than_one(api, clinic):
    caller = api(AdminFactory())
    assert sent(caller, **TEXT)["clinic_id"] == str(clinic.pk)
    Message.objects.all().delete()
    ClinicFactory()
    assert "clinic_id" in refused(caller, TEXT)["details"]


@pytest.mark.parametrize("clinics", [0, 1])
def test_nobody_sends_for_another_clinic(api, clinic, clinics):
    caller = api(StaffFactory(clinics=ClinicFactory.create_batch(clinics)))
    assert "clinic_id" in refused(caller, {**TEXT, "clinic_id": str(clinic.pk)})["details"]
    assert "clinic_id" in refused(caller, {**TEXT, "clinic_id": str(uuid4())})["details"]


def test_who_has_no_clinic_sends_nothing(api):
    assert "clinic_id" in refused(api(StaffFactory()), TEXT)["details"]


def test_a_viewer_sends_nothing(api, clinic):
    assert refused(api(ViewerFactory(clinics=[clinic])), TEXT, 403)["code"] == "PERMISSION_DENIED"


# Who may be texted


def suppressed(caller):
    shown = sent(caller, **TEXT)
    assert shown["status"] == "suppressed"
    assert [event["status"] for event in shown["events"]] == ["queued", "suppressed"]
    return shown["error"]


def test_a_phone_that_opted_out_gets_nothing_and_the_answer_says_so(caller):
    OptOutFactory(phone=PHONE)
    assert suppressed(caller)["code"] == "OPTED_OUT"


def test_a_patient_who_said_no_gets_nothing(caller, clinic):
    PatientFactory(clinic=clinic, phone=PHONE, consent=False)
    assert suppressed(caller)["code"] == "NO_CONSENT"


def test_a_patient_of_another_clinic_who_said_no_is_not_this_clinics_to_know(caller):
    PatientFactory(phone=PHONE, consent=False)
    assert sent(caller, **TEXT)["status"] == "queued"


def test_a_familys_phone_gets_a_text_while_one_of_them_agrees(caller, clinic):
    PatientFactory(clinic=clinic, phone=PHONE, consent=False)
    agrees = PatientFactory(clinic=clinic, phone=PHONE)
    shown = sent(caller, **TEXT)
    assert shown["status"] == "queued"
    assert Message.objects.get(pk=shown["id"]).recipient_id == agrees.pk


def test_a_familys_phone_gets_nothing_when_all_said_no(caller, clinic):
    PatientFactory.create_batch(2, clinic=clinic, phone=PHONE, consent=False)
    assert suppressed(caller)["code"] == "NO_CONSENT"


def test_a_phone_without_a_patient_gets_nothing_where_consent_is_explicit(caller, clinic):
    clinic.consent_policy = ConsentPolicy.EXPLICIT
    clinic.save()
    assert suppressed(caller)["code"] == "NO_CONSENT"


def test_a_patient_who_agreed_is_texted_where_consent_is_explicit(caller, clinic):
    clinic.consent_policy = ConsentPolicy.EXPLICIT
    clinic.save()
    PatientFactory(clinic=clinic, phone=PHONE)
    assert sent(caller, **TEXT)["status"] == "queued"


# What has changed when it leaves


@pytest.fixture
def waiting(caller, clinic):
    """A text to a patient who agreed, not yet sent; and the patient."""
    patient = PatientFactory(clinic=clinic, phone=PHONE)
    return Message.objects.get(pk=sent(caller, **TEXT)["id"]), patient


def status_after_a_pass(message):
    dispatch(clock=Clock())
    message.refresh_from_db()
    return message.status


@pytest.mark.django_db(transaction=True)
def test_a_no_that_came_meanwhile_holds(waiting):
    message, patient = waiting
    patient.consent = False
    patient.save()
    assert status_after_a_pass(message) == "suppressed"


@pytest.mark.django_db(transaction=True)
def test_a_number_that_is_no_longer_the_patients_gets_nothing(waiting):
    message, patient = waiting
    patient.phone = "+26772000000"
    patient.save()
    assert status_after_a_pass(message) == "cancelled"


@pytest.mark.django_db(transaction=True)
def test_a_clinic_that_turned_explicit_texts_nobody_unknown(caller, clinic):
    message = Message.objects.get(pk=sent(caller, **TEXT)["id"])
    clinic.consent_policy = ConsentPolicy.EXPLICIT
    clinic.save()
    assert status_after_a_pass(message) == "suppressed"


# Quiet hours and limits


def test_in_quiet_hours_the_answer_shows_when_it_leaves(caller, clinic):
    now = timezone.now().astimezone(clinic.zone)
    ends = (now + timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)
    clinic.quiet_from, clinic.quiet_to = (now - timedelta(hours=1)).time(), ends.time()
    clinic.save()
    shown = sent(caller, **TEXT)
    assert (shown["status"], datetime.fromisoformat(shown["send_at"])) == ("queued", ends)
    assert shown["error"] is None
    assert shown["events"][-1]["code"] == "QUIET_HOURS"
    assert Message.objects.get().expires_at == ends + timedelta(hours=24)


def fourth_of_the_day(api, clinic, nurse, hour, time_machine):
    now = datetime(2026, 12, 1, hour, 30, tzinfo=ZoneInfo("Africa/Gaborone"))
    time_machine.move_to(now)
    MessageFactory.create_batch(3, clinic=clinic, to=PHONE, status="sent", sent_at=now)
    return sent(api(nurse), **TEXT)


def test_the_fourth_text_of_a_day_is_for_tomorrow_morning(api, clinic, nurse, time_machine):
    shown = fourth_of_the_day(api, clinic, nurse, 9, time_machine)
    assert (shown["status"], shown["send_at"]) == ("queued", "2026-12-02T07:00:00+02:00")


def test_asked_for_in_the_night_the_fourth_would_be_a_day_old_by_then_and_says_so(
    api, clinic, nurse, time_machine
):
    shown = fourth_of_the_day(api, clinic, nurse, 3, time_machine)
    assert (shown["status"], shown["error"]["code"]) == ("expired", "TOO_LATE")


def test_the_answer_is_the_object_that_can_be_asked_for(caller):
    shown = sent(caller, **TEXT)
    assert UUID(shown["id"])
    assert caller.get(f"/api/v1/sms/status/{shown['id']}").json() == shown
