import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.audit import SYSTEM
from accounts.models import AuditEntry
from appointments.models import Appointment, AppointmentStatus, Reminder
from appointments.patients import change_patient
from tests.appointments.visit_pages import ADD, LIST, booking, changed, errors_of, page_of, refused, step_of
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory, ReminderFactory, morning_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return ClinicFactory(code="GAB01", time_zone="Africa/Gaborone")


# Booking


def test_a_visit_is_booked_on_the_clinics_own_clock_with_its_reminders(client, nurse, clinic):
    client.post(ADD, booking(PatientFactory(clinic=clinic)))
    visit = Appointment.objects.get()
    assert f"{visit.starts_at.astimezone(clinic.zone):%H:%M}" == "09:30"
    assert (visit.duration_minutes, visit.language) == (clinic.slot_minutes, clinic.default_language)
    assert Reminder.objects.filter(appointment=visit).exists()
    assert AuditEntry.objects.get(object_id=visit.pk).actor_id == nurse.pk


@pytest.mark.parametrize(
    ("button", "next_page"),
    [("_save", "index"), ("_addanother", "appointments_appointment_add"), ("", "index")],
)
def test_each_save_button_books_and_leads_on(client, nurse, clinic, button, next_page):
    answer = client.post(ADD, booking(PatientFactory(clinic=clinic), **{button: "Save"}))
    assert Appointment.objects.count() == 1
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, reverse(f"admin:{next_page}"))


@pytest.mark.parametrize(
    ("button", "next_page"), [("_save", "changelist"), ("_addanother", "add"), ("_continue", "change")]
)
def test_each_save_button_changes_and_leads_on(client, nurse, clinic, button, next_page):
    visit = AppointmentFactory(patient__clinic=clinic)
    answer = client.post(page_of(visit), changed(visit, visit_type="After", **{button: "Save"}))
    following = reverse(
        f"admin:appointments_appointment_{next_page}", args=[visit.pk] if next_page == "change" else []
    )
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, following)


@pytest.mark.parametrize(
    ("day", "clock"), [("9999-12-31", "23:50"), ("2101-01-01", "09:00"), ("0001-01-01", "00:00")]
)
def test_a_time_out_of_all_bounds_is_refused_at_the_time(client, nurse, clinic, day, clock):
    page = client.post(ADD, booking(PatientFactory(clinic=clinic), starts_at_0=day, starts_at_1=clock))
    assert refused(page)["starts_at"] == ["Check the year."]


def test_a_visit_is_not_moved_out_of_all_bounds(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic)
    page = client.post(page_of(visit), changed(visit, starts_at_0="9999-12-31", starts_at_1="23:50"))
    assert errors_of(page)["starts_at"] == ["Check the year."]


def test_the_zone_is_the_clinics_and_not_the_sites(client):
    clinic = ClinicFactory(time_zone="Africa/Lagos")
    client.force_login(StaffFactory(clinics=[clinic]))
    client.post(ADD, booking(PatientFactory(clinic=clinic)))
    visit = Appointment.objects.get()
    assert f"{visit.starts_at.astimezone(clinic.zone):%H:%M}" == "09:30"
    assert "09:30" in client.get(page_of(visit)).content.decode()


def test_a_conflict_comes_back_on_the_form_with_what_was_typed(client, nurse, clinic):
    patient = PatientFactory(clinic=clinic)
    AppointmentFactory(patient=patient, starts_at=morning_in(7, clinic))
    page = client.post(ADD, booking(patient, starts_at_1="09:15", visit_type="Check-up"))
    assert page.status_code == 200
    assert "another appointment at this time" in page.content.decode()
    assert page.context["form"]["visit_type"].value() == "Check-up"
    assert Appointment.objects.count() == 1


def test_a_time_in_the_past_is_refused_at_the_time(client, nurse, clinic):
    page = client.post(ADD, booking(PatientFactory(clinic=clinic), starts_at_0="2020-01-01"))
    assert refused(page)["starts_at"] == ["This time is in the past."]


def test_a_patient_of_another_clinic_cannot_be_booked(client, nurse):
    page = client.post(ADD, booking(PatientFactory()))
    assert "patient" in refused(page)
    assert not Appointment.objects.exists()


def test_a_form_without_a_time_says_so(client, nurse, clinic):
    page = client.post(ADD, booking(PatientFactory(clinic=clinic), starts_at_1=""))
    assert "starts_at" in refused(page)


# Changing


def test_a_moved_visit_gets_new_reminders(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic)
    client.post(page_of(visit), changed(visit, starts_at_1="11:00"))
    visit.refresh_from_db()
    assert f"{visit.starts_at.astimezone(clinic.zone):%H:%M}" == "11:00"
    assert set(visit.reminders.values_list("visit_at", flat=True)) == {visit.starts_at}


def test_a_stale_page_overwrites_nothing(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic, visit_type="Before", version=3)
    page = client.post(page_of(visit), changed(visit, visit_type="After", version=2))
    visit.refresh_from_db()
    assert visit.visit_type == "Before"
    assert "Someone has changed this appointment meanwhile" in page.content.decode()


@pytest.mark.parametrize("version", ["", "²", "1.5", "x"])
def test_a_page_without_its_version_saves_nothing(client, nurse, clinic, version):
    visit = AppointmentFactory(patient__clinic=clinic, visit_type="Before")
    client.post(page_of(visit), changed(visit, visit_type="After", version=version))
    visit.refresh_from_db()
    assert visit.visit_type == "Before"


def test_the_status_cannot_be_set_by_the_form(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic)
    client.post(page_of(visit), changed(visit, status="attended", state="attended"))
    visit.refresh_from_db()
    assert visit.status == AppointmentStatus.BOOKED


# Buttons


def today(clinic):
    return timezone.now().astimezone(clinic.zone).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.mark.parametrize(
    ("before", "step", "after"),
    [
        ("booked", "attended", "attended"),
        ("booked", "missed", "missed"),
        ("booked", "confirm", "confirmed"),
        ("attended", "undo", "booked"),
        ("missed", "undo", "booked"),
    ],
)
def test_a_button_changes_the_status(client, nurse, clinic, before, step, after):
    visit = AppointmentFactory(patient__clinic=clinic, starts_at=today(clinic), status=before)
    client.post(step_of(visit), {"step": step, "version": visit.version})
    visit.refresh_from_db()
    assert visit.status == after


def test_cancelling_asks_first(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic)
    asked = client.post(step_of(visit), {"step": "cancel", "version": 1})
    visit.refresh_from_db()
    assert (asked.status_code, visit.status) == (200, "booked")
    client.post(step_of(visit), {"step": "cancel", "version": 1, "sure": "yes"})
    visit.refresh_from_db()
    assert visit.status == "cancelled"


def test_cancelling_what_someone_has_moved_meanwhile_is_refused(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic, version=2)
    client.post(step_of(visit), {"step": "cancel", "version": 1, "sure": "yes"})
    visit.refresh_from_db()
    assert visit.status == "booked"


def test_a_step_that_a_status_does_not_have_changes_nothing(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic, status="cancelled")
    page = client.post(step_of(visit), {"step": "attended", "version": 1}, follow=True)
    visit.refresh_from_db()
    assert visit.status == "cancelled"
    assert "any more" in page.content.decode()


def test_attendance_before_the_day_is_refused_in_words(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic)
    page = client.post(step_of(visit), {"step": "attended", "version": 1}, follow=True)
    assert "before the day of the visit" in page.content.decode()


def test_a_step_is_never_taken_by_a_link(client, nurse, clinic):
    assert client.get(step_of(AppointmentFactory(patient__clinic=clinic))).status_code == 405


# Many at once


def test_an_action_does_what_it_can_and_names_the_rest(client, nurse, clinic):
    came = AppointmentFactory(patient__clinic=clinic, starts_at=today(clinic))
    early = AppointmentFactory(patient__clinic=clinic)
    chosen = {"action": "mark_attended", "_selected_action": [came.pk, early.pk], "index": 0}
    page = client.post(f"{LIST}?day=all", chosen, follow=True).content.decode()
    came.refresh_from_db()
    early.refresh_from_db()
    assert (came.status, early.status) == ("attended", "booked")
    assert "1 appointment: attended" in page
    assert "before the day of the visit" in page


def test_many_are_cancelled_after_a_question(client, nurse, clinic):
    visits = [AppointmentFactory(patient__clinic=clinic) for _ in range(2)]
    chosen = {"action": "cancel_visits", "_selected_action": [visit.pk for visit in visits]}
    asked = client.post(LIST, chosen | {"index": 0})
    assert "Cancel these visits" in asked.content.decode()
    assert set(Appointment.objects.values_list("status", flat=True)) == {"booked"}
    client.post(LIST, chosen | {"sure": "yes"})
    assert set(Appointment.objects.values_list("status", flat=True)) == {"cancelled"}


def test_an_action_does_not_reach_another_clinic(client, nurse):
    visit = AppointmentFactory()
    chosen = {"action": "cancel_visits", "_selected_action": [visit.pk], "sure": "yes"}
    client.post(LIST, chosen)
    visit.refresh_from_db()
    assert visit.status == "booked"


def test_appointments_are_never_deleted(client, clinic):
    client.force_login(AdminFactory(is_superuser=True))
    visit = AppointmentFactory(patient__clinic=clinic)
    url = reverse("admin:appointments_appointment_delete", args=[visit.pk])
    assert client.post(url, {"post": "yes"}).status_code == 403
    assert "delete_selected" not in client.get(LIST).content.decode()


def test_the_visit_of_an_erased_patient_leads_to_no_page_of_theirs(client, nurse, clinic):
    gone = PatientFactory(clinic=clinic, name="", name_key="", phone="", erased_at=timezone.now())
    visit = AppointmentFactory(patient=gone, status="cancelled")
    page = client.get(page_of(visit)).content.decode()
    assert "(erased)" in page
    assert str(gone.pk) not in page


def test_a_rule_of_days_reads_in_days(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic)
    for hours in (168, 24):
        ReminderFactory(appointment=visit, hours_before=hours)
    page = client.get(page_of(visit)).content.decode()
    assert "7 days before" in page
    assert "24 hours before" in page


def test_the_history_says_choices_and_answers_in_words(client, nurse, clinic):
    patient = PatientFactory(clinic=clinic, consent=None, consent_source="", consent_at=None)
    change_patient(patient.pk, consent=False, actor=SYSTEM, now=timezone.now())
    page = client.get(reverse("admin:appointments_patient_history", args=[patient.pk])).content.decode()
    assert "agrees to be texted: – → No" in page
    assert "consent came from: – → told a nurse" in page
