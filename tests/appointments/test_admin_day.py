from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from appointments.models import PhoneCall
from messaging.models import Message
from tests.factories.accounts import ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory, morning_in

pytestmark = pytest.mark.django_db
HOME = reverse("admin:index")
STEP, UNDO, CALL = (
    reverse(f"admin:appointments_appointment_day_{name}") for name in ("step", "undo", "call")
)


@pytest.fixture
def clinic():
    return ClinicFactory(code="GAB01", slot_capacity=1)


def today(clinic, hours=0):
    midnight = timezone.now().astimezone(clinic.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(hours=hours)


def visit_today(clinic, **fields):
    return AppointmentFactory(patient__clinic=clinic, starts_at=today(clinic), **fields)


def press(client, visit, step, **more):
    return client.post(STEP, {"appointment": visit.pk, "version": visit.version, "step": step, **more})


def said(answer, client):
    return client.get(answer["Location"]).content.decode()


def status(visit):
    visit.refresh_from_db()
    return visit.status


@pytest.mark.parametrize(
    ("step", "after"), [("came", "attended"), ("missed", "missed"), ("cancel", "cancelled")]
)
def test_one_click_says_what_became_of_a_visit(client, nurse, clinic, step, after):
    visit = visit_today(clinic)
    press(client, visit, step)
    assert status(visit) == after


@pytest.mark.parametrize("step", ["came", "missed", "cancel"])
def test_each_click_is_undone_from_the_page_that_follows(client, nurse, clinic, step):
    visit = visit_today(clinic, status="confirmed")
    page = client.get(press(client, visit, step)["Location"])
    [done] = page.context["undoable"]
    assert done["visit"] == visit
    answer = client.post(UNDO, {"appointment": visit.pk, "entry": done["entry"]})
    assert status(visit) == "confirmed"
    assert "Undone" in said(answer, client)


def test_a_second_click_on_the_same_button_says_nothing(client, nurse, clinic):
    visit = visit_today(clinic)
    press(client, visit, "came")
    page = client.get(press(client, visit, "came")["Location"])
    assert [str(message) for message in page.context["messages"]] == []
    assert AuditEntry.objects.filter(object_id=visit.pk).count() == 1


def test_a_page_that_is_out_of_date_says_how_the_visit_stands(client, nurse, clinic):
    visit = visit_today(clinic)
    press(client, visit, "came")
    page = said(press(client, visit, "cancel"), client)
    assert "Someone has changed this appointment meanwhile" in page
    assert "It stands so" in page
    assert status(visit) == "attended"


def test_a_second_undo_says_that_it_is_done(client, nurse, clinic):
    visit = visit_today(clinic)
    [done] = client.get(press(client, visit, "came")["Location"]).context["undoable"]
    given = {"appointment": visit.pk, "entry": done["entry"]}
    client.post(UNDO, given)
    assert "undone or changed since" in said(client.post(UNDO, given), client)


def test_after_a_minute_undo_is_neither_offered_nor_done(client, nurse, clinic):
    visit = visit_today(clinic)
    press(client, visit, "cancel")
    entry = AuditEntry.objects.get(object_id=visit.pk)
    before = entry.at - timedelta(minutes=2)
    AuditEntry.objects.update(at=before)
    type(visit).objects.update(updated_at=before)
    assert client.get(HOME).context["undoable"] == []
    assert "one minute only" in said(client.post(UNDO, {"appointment": visit.pk, "entry": entry.pk}), client)
    assert status(visit) == "cancelled"


def test_the_text_of_a_cancellation_waits_for_the_minute(client, nurse, clinic):
    clinic.send_cancellations = True
    clinic.save()
    visit = AppointmentFactory(patient__clinic=clinic)
    press(client, visit, "cancel")
    message = Message.objects.get(purpose="cancelled")
    assert message.send_at - message.created_at == timedelta(minutes=1)


def test_the_person_stays_where_they_were(client, nurse, clinic):
    kept = {"clinic": "GAB01", "day": "2026-12-01", "show": "waiting", "page": "2", "next": "//evil.example"}
    answer = press(client, visit_today(clinic), "came", **kept)
    assert answer["Location"] == f"{HOME}?clinic=GAB01&day=2026-12-01&show=waiting&page=2"


def test_attendance_of_tomorrow_is_refused_in_words(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic)
    assert "before the day of the visit" in said(press(client, visit, "came"), client)
    assert status(visit) == "booked"


@pytest.mark.parametrize("address", [STEP, UNDO, CALL])
def test_another_clinics_visit_is_not_there(client, nurse, address):
    visit = visit_today(ClinicFactory())
    given = {"step": "came", "outcome": "reached", "entry": visit.pk, "version": 1}
    assert client.post(address, {"appointment": visit.pk, **given}).status_code == 404
    assert status(visit) == "booked"


@pytest.mark.parametrize("address", [STEP, UNDO, CALL])
@pytest.mark.parametrize("key", ["", "x", "1", "\0"])
def test_what_is_no_visit_is_not_there(client, nurse, address, key):
    assert client.post(address, {"appointment": key}).status_code == 404


@pytest.mark.parametrize("address", [STEP, UNDO, CALL])
def test_a_viewer_presses_nothing(client, clinic, address):
    client.force_login(ViewerFactory(clinics=[clinic]))
    visit = visit_today(clinic)
    given = {"step": "came", "outcome": "reached", "entry": visit.pk, "version": 1}
    assert client.post(address, {"appointment": visit.pk, **given}).status_code == 403


@pytest.mark.parametrize(("address", "given"), [(STEP, {"step": "fly"}), (CALL, {"outcome": "fly"})])
def test_what_no_button_says_is_not_there(client, nurse, clinic, address, given):
    answer = client.post(address, {"appointment": visit_today(clinic).pk, "version": 1, **given})
    assert answer.status_code == 404


@pytest.mark.parametrize("address", [STEP, UNDO, CALL])
def test_who_had_to_sign_in_again_after_a_click_is_told_to_press_once_more(client, nurse, clinic, address):
    answer = client.get(address, {"appointment": visit_today(clinic).pk, "step": "came", "version": 1})
    assert "once more" in said(answer, client)
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("outcome", ["reached", "no_answer", "wrong_number"])
def test_what_came_of_a_call_is_noted_once(client, nurse, clinic, outcome):
    visit = AppointmentFactory(patient__clinic=clinic)
    for _click in range(2):
        client.post(CALL, {"appointment": visit.pk, "version": 1, "outcome": outcome})
    assert PhoneCall.objects.get().outcome == outcome


def test_a_call_about_a_visit_that_has_moved_since_is_not_noted(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic, version=2)
    answer = client.post(CALL, {"appointment": visit.pk, "version": 1, "outcome": "reached"})
    assert "changed this appointment meanwhile" in said(answer, client)
    assert not PhoneCall.objects.exists()


# Moving


def move_page(visit):
    return reverse("admin:appointments_appointment_move", args=[visit.pk])


def at(visit, clock, days=7):
    return f"{morning_in(days, visit.clinic):%Y-%m-%d}T{clock}"


def test_the_free_times_of_a_day_are_offered(client, nurse, clinic):
    clinic.opening_hours = {str(day): ["09:00", "10:30"] for day in range(7)}
    clinic.save()
    visit = AppointmentFactory(patient__clinic=clinic)
    day = morning_in(8, clinic)
    AppointmentFactory(patient__clinic=clinic, starts_at=day)
    page = client.get(move_page(visit), {"to_day": f"{day:%Y-%m-%d}"})
    assert [(slot.label, slot.is_free) for slot in page.context["slots"]] == [
        ("09:00", False),
        ("09:30", True),
        ("10:00", True),
    ]


def test_a_click_on_a_time_moves_the_visit_and_can_be_undone(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic)
    before = visit.starts_at
    answer = client.post(
        move_page(visit), {"to": at(visit, "11:00"), "version": 1, "back_clinic": "GAB01", "back_day": ""}
    )
    assert answer["Location"] == f"{HOME}?clinic=GAB01"
    visit.refresh_from_db()
    assert f"{visit.starts_at.astimezone(clinic.zone):%H:%M}" == "11:00"
    [done] = client.get(HOME).context["undoable"]
    client.post(UNDO, {"appointment": visit.pk, "entry": done["entry"]})
    visit.refresh_from_db()
    assert visit.starts_at == before


def test_a_time_that_was_taken_meanwhile_is_explained_with_others(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic)
    other = AppointmentFactory(
        patient=PatientFactory(clinic=clinic, name="Neo Tau"), starts_at=morning_in(8, clinic)
    )
    page = client.post(move_page(visit), {"to": at(visit, "09:00", 8), "version": 1})
    conflict = page.context["conflict"]
    assert "full" in conflict.message
    assert [address for _words, address in conflict.in_the_way] == [
        reverse("admin:appointments_appointment_change", args=[other.pk])
    ]
    assert len(conflict.instead) == 3
    assert "Neo Tau" in page.content.decode()


def test_a_stale_page_moves_nothing(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic, version=2)
    page = client.post(move_page(visit), {"to": at(visit, "11:00"), "version": 1})
    assert "changed this appointment meanwhile" in page.context["conflict"].message


@pytest.mark.parametrize("to", ["", "tomorrow", "2020-01-01T09:00", "9999-12-31T23:59", "2026-12-01T25:00"])
def test_a_time_that_can_not_be_moves_nothing(client, nurse, clinic, to):
    visit = AppointmentFactory(patient__clinic=clinic)
    assert client.post(move_page(visit), {"to": to, "version": 1}).status_code == 200
    assert AuditEntry.objects.count() == 0


def test_who_may_not_write_moves_nothing(client, clinic):
    client.force_login(ViewerFactory(clinics=[clinic]))
    visit = AppointmentFactory(patient__clinic=clinic)
    assert client.get(move_page(visit)).status_code == 403
    client.force_login(StaffFactory(clinics=[ClinicFactory()]))
    assert client.get(move_page(visit)).status_code == 404


def test_a_visit_that_is_over_is_not_moved(client, nurse, clinic):
    page = client.get(move_page(visit_today(clinic, status="attended")))
    assert "over or cancelled" in page.content.decode()


def test_the_visits_own_page_takes_a_cancellation_back_within_the_minute(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic)
    press(client, visit, "cancel")
    visit.refresh_from_db()
    step = reverse("admin:appointments_appointment_step", args=[visit.pk])
    page = client.get(reverse("admin:appointments_appointment_change", args=[visit.pk]))
    assert [one.name for one in page.context["steps"]] == ["take-back"]
    client.post(step, {"step": "take-back", "version": visit.version})
    assert status(visit) == "booked"
