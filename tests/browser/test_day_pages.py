"""The nurse's day, driven as a nurse does: on a phone and on a desk."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from appointments.models import Appointment, Closure, PhoneCall
from messaging.models import Message
from tests.browser.test_admin_pages import PHONE_WIDTH, SMALL, signed_in
from tests.browser.test_sign_in import WIDTHS, errors_of
from tests.factories.accounts import ClinicFactory, StaffFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory, ReminderFactory, morning_in
from tests.factories.stock import stocked

pytestmark = pytest.mark.browser
EVERY_DAY = {str(day): ["09:00", "12:00"] for day in range(7)}


@pytest.fixture
def clinic(transactional_db):
    return ClinicFactory(
        code="GAB01", slot_capacity=1, opening_hours=EVERY_DAY, quiet_from=None, quiet_to=None
    )


@pytest.fixture
def nurse(clinic):
    return StaffFactory(clinics=[clinic])


def today(clinic):
    midnight = timezone.now().astimezone(clinic.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(minutes=1)


def fits(page, width):
    return page.evaluate("document.documentElement.scrollWidth") <= width


def address(live_server, name, *keys, query=""):
    return live_server.url + reverse(f"admin:{name}", args=keys) + query


@pytest.mark.parametrize("width", WIDTHS)
def test_a_visit_into_a_full_slot_is_explained_and_booked_at_another_time(
    browser, live_server, clinic, nurse, width
):
    thabo = PatientFactory(clinic=clinic, name="Thabo Molefe")
    AppointmentFactory(patient__clinic=clinic, patient__name="Neo Tau", starts_at=morning_in(7, clinic))
    page = signed_in(browser, live_server, nurse, width)
    errors = errors_of(page)
    page.goto(address(live_server, "appointments_appointment_add"))
    page.fill("#id_who", "thabo")
    page.get_by_role("button", name="Thabo Molefe").click()
    page.fill("#id_starts_at_0", morning_in(7, clinic).date().isoformat())
    page.fill("#id_starts_at_1", "09:00")
    page.locator("#id_starts_at_1").blur()
    expect(page.locator(".text-to-come").first).to_contain_text("Thabo Molefe")
    page.get_by_role("button", name="Book the visit").click()
    conflict = page.locator(".conflict")
    expect(conflict).to_contain_text("The clinic is full at this time")
    expect(conflict).to_contain_text("Neo Tau")
    assert fits(page, width)
    conflict.locator("button").first.click()
    expect(page.locator("#id_starts_at_1")).to_have_value("09:30")
    expect(page.locator(".conflict")).to_have_count(0)
    page.get_by_role("button", name="Book the visit").click()
    page.wait_for_url("**/admin/?clinic=GAB01&day=*")
    expect(page.locator(".visit", has_text="Thabo Molefe")).to_contain_text("09:30")
    visit = Appointment.objects.get(patient=thabo)
    assert f"{visit.starts_at.astimezone(clinic.zone):%H:%M}" == "09:30"
    assert (errors, fits(page, width)) == ([], True)


def test_a_new_patient_is_added_and_booked_in_the_same_form(browser, live_server, clinic, nurse):
    page = signed_in(browser, live_server, nurse, PHONE_WIDTH)
    page.goto(address(live_server, "appointments_appointment_add"))
    page.fill("#id_who", "72 345 678")
    page.get_by_role("button", name="Add a new patient").click()
    expect(page.locator("#id_new_phone")).to_have_value("72 345 678")
    page.fill("#id_new_name", "Neo Tau")
    page.locator(".slot:not(.taken)").first.click()
    expect(page.locator(".texts")).to_contain_text("Neo Tau")
    page.get_by_role("button", name="Book the visit").click()
    page.wait_for_url("**/admin/?clinic=GAB01&day=*")
    assert Appointment.objects.get().patient.name == "Neo Tau"


def test_booking_works_without_our_scripts(browser, live_server, clinic, nurse):
    PatientFactory(clinic=clinic, name="Thabo Molefe")
    page = signed_in(browser, live_server, nurse, PHONE_WIDTH)
    page.route("**/appointments/*.js", lambda route: route.abort())
    page.goto(address(live_server, "appointments_appointment_add"))
    page.fill("#id_who", "thabo")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Thabo Molefe").click()
    page.locator(".slot:not(.taken)").first.click()
    expect(page.locator(".text-to-come").first).to_be_visible()
    page.get_by_role("button", name="Book the visit").click()
    page.wait_for_url("**/admin/?clinic=GAB01&day=*")
    assert Appointment.objects.count() == 1


@pytest.mark.parametrize("width", WIDTHS)
def test_who_came_is_marked_and_undone(browser, live_server, clinic, nurse, width):
    visit = AppointmentFactory(patient__clinic=clinic, starts_at=today(clinic), status="confirmed")
    page = signed_in(browser, live_server, nurse, width)
    errors = errors_of(page)
    card = page.locator(".visit")
    card.get_by_role("button", name="Came").click()
    expect(card.locator(".state")).to_have_text("Attended")
    expect(card.get_by_role("button")).to_have_count(0)
    assert fits(page, width)
    page.locator(".undo").get_by_role("button", name="Undo").click()
    expect(card.locator(".state")).to_have_text("Confirmed")
    expect(page.locator(".undo")).to_have_count(0)
    visit.refresh_from_db()
    assert (visit.status, errors) == ("confirmed", [])


def test_a_click_on_a_page_that_is_out_of_date_says_how_it_stands(browser, live_server, clinic, nurse):
    visit = AppointmentFactory(patient__clinic=clinic, starts_at=today(clinic))
    page = signed_in(browser, live_server, nurse, PHONE_WIDTH)
    Appointment.objects.filter(pk=visit.pk).update(version=2, status="missed")
    page.locator(".visit").get_by_role("button", name="Came").click()
    expect(page.get_by_text("It stands so")).to_be_visible()
    expect(page.locator(".visit .state")).to_have_text("Missed")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_visit_is_moved_by_one_of_the_free_times(browser, live_server, clinic, nurse, width):
    visit = AppointmentFactory(patient__clinic=clinic, starts_at=today(clinic))
    page = signed_in(browser, live_server, nurse, width)
    errors = errors_of(page)
    page.locator(".visit").get_by_role("link", name="Move").click()
    assert fits(page, width)
    page.get_by_role("button", name="10:30").click()
    expect(page.locator(".undo")).to_contain_text("moved")
    visit.refresh_from_db()
    assert f"{visit.starts_at.astimezone(clinic.zone):%H:%M}" == "10:30"
    page.locator(".undo").get_by_role("button", name="Undo").click()
    expect(page.locator(".visit")).to_have_count(1)
    assert errors == []


@pytest.mark.parametrize("width", WIDTHS)
def test_who_was_reached_by_phone_leaves_the_list(browser, live_server, clinic, nurse, width):
    visit = AppointmentFactory(
        patient__clinic=clinic, patient__consent=False, starts_at=morning_in(1, clinic)
    )
    ReminderFactory(appointment=visit)
    page = signed_in(browser, live_server, nurse, width)
    errors = errors_of(page)
    listed = page.locator(".to-phone li")
    expect(listed).to_contain_text("has not agreed to texts")
    listed.get_by_role("button", name="No answer").click()
    expect(page.locator(".to-phone li")).to_contain_text("No answer")
    page.locator(".to-phone li").get_by_role("button", name="Reached").click()
    expect(page.locator(".to-phone li")).to_have_count(0)
    assert set(PhoneCall.objects.values_list("outcome", flat=True)) == {"no_answer", "reached"}
    assert (errors, fits(page, width)) == ([], True)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_day_is_closed_and_its_visits_move_with_a_text(browser, live_server, clinic, nurse, width):
    for minutes in (0, 30):
        AppointmentFactory(
            patient__clinic=clinic, starts_at=morning_in(3, clinic) + timedelta(minutes=minutes)
        )
    AppointmentFactory(patient__clinic=clinic, starts_at=morning_in(4, clinic))
    day = morning_in(3, clinic).date()
    page = signed_in(browser, live_server, nurse, width)
    errors = errors_of(page)
    page.goto(address(live_server, "appointments_closure_add"))
    page.fill("#id_date", day.isoformat())
    page.get_by_role("button", name="Show who is affected").click()
    expect(page.locator(".affected tbody tr")).to_have_count(2)
    page.locator(".to-day").first.click()
    expect(page.locator(".affected")).to_contain_text("another time")
    text = page.locator(".text-to-come").first.inner_text()
    assert fits(page, width)
    page.fill("#id_reason", "Training")
    page.get_by_role("button", name="Close the day, move them and tell the patients").click()
    expect(page.get_by_text("2 visits were moved")).to_be_visible()
    assert Closure.objects.get().date == day
    assert text in set(Message.objects.filter(purpose="rescheduled").values_list("body", flat=True))
    assert (errors, fits(page, width)) == ([], True)


def test_a_finger_can_hit_each_button_of_the_day_on_a_phone(browser, live_server, clinic, nurse):
    visit = AppointmentFactory(patient__clinic=clinic, starts_at=today(clinic))
    ReminderFactory(
        appointment=AppointmentFactory(
            patient__clinic=clinic, patient__consent=False, starts_at=morning_in(1, clinic)
        )
    )
    stocked(1, clinic=clinic, reorder_level=5)
    page = signed_in(browser, live_server, nurse, PHONE_WIDTH)
    errors = errors_of(page)
    small, wide = [], []
    for where in (
        live_server.url + reverse("admin:index"),
        address(live_server, "appointments_appointment_add"),
        address(live_server, "appointments_appointment_move", visit.pk),
        address(live_server, "appointments_appointment_change", visit.pk),
        address(live_server, "appointments_closure_add"),
        address(live_server, "appointments_closure_changelist"),
    ):
        page.goto(where, wait_until="networkidle")
        small += page.evaluate(SMALL)
        if not fits(page, PHONE_WIDTH):
            wide.append(where)
    assert (small, wide, errors) == ([], [], [])
