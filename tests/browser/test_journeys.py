"""Whole errands at the screen, from the menu to what is stored."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from appointments.models import Appointment, FileImport, PhoneCall
from messaging.models import Message
from stock.models import StockLevel
from tests.architecture.house import ROOT
from tests.browser.test_admin_pages import PHONE_WIDTH, signed_in
from tests.browser.test_day_pages import EVERY_DAY, address, fits
from tests.browser.test_sign_in import WIDTHS, errors_of
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory, ReminderFactory, morning_in
from tests.factories.stock import moved, stocked

pytestmark = pytest.mark.browser


@pytest.fixture
def clinic(transactional_db):
    # At any hour of the day there is a text to be seen.
    return ClinicFactory(code="GAB01", opening_hours=EVERY_DAY, quiet_from=None, quiet_to=None)


@pytest.fixture
def nurse(clinic):
    return StaffFactory(clinics=[clinic])


@pytest.mark.parametrize("width", WIDTHS)
def test_a_file_with_bad_rows_is_looked_at_imported_and_the_bad_rows_taken_home(
    browser, live_server, clinic, nurse, width, tmp_path
):
    page = signed_in(browser, live_server, nurse, width)
    errors = errors_of(page)
    page.goto(address(live_server, "appointments_fileimport_add"))
    page.set_input_files("#id_file", ROOT / "tests/data/appointments_messy.csv")
    page.click("[name=_save]")
    expect(page.get_by_role("heading", name="Preview: nothing is imported yet")).to_be_visible()
    expect(page.locator(".figures li")).to_have_count(4)
    rejected = page.locator(".beside", has_text="Rejected rows")
    expect(rejected).to_contain_text("There is no phone number.")
    expect(page.locator(".sms").first).to_contain_text("Thabo Molefe")
    assert not Appointment.objects.exists()
    assert fits(page, width)
    page.get_by_role("button", name="Import ").click()
    expect(page.get_by_role("heading", name="Imported")).to_be_visible()
    done = FileImport.objects.get()
    assert Appointment.objects.count() == done.created > 0
    expect(page.locator(".figures li", has_text="rejected")).to_contain_text(str(done.rejected))
    with page.expect_download() as waits:
        page.get_by_role("link", name="Download the rejected rows").click()
    waits.value.save_as(tmp_path / "rejected.csv")
    lines = (tmp_path / "rejected.csv").read_text("utf-8-sig")
    assert "No Phone" in lines
    assert "Thabo Molefe,tn,A-001" not in lines
    assert (errors, fits(page, width)) == ([], True)


@pytest.mark.parametrize("width", WIDTHS)
def test_an_item_that_is_low_is_found_ordered_and_off_the_list_once_it_has_come(
    browser, live_server, clinic, nurse, width
):
    level = stocked(0, clinic=clinic, item__name="Paracetamol 500 mg", item__pack_size=100, reorder_level=90)
    moved(level, "receipt", 80, lot="B1", occurred_on=timezone.now().astimezone(clinic.zone).date())
    page = signed_in(browser, live_server, nurse, width)
    errors = errors_of(page)
    page.locator(".stock").get_by_role("link", name="1 item to order").click()
    line = page.locator(".stock-line", has_text="Paracetamol")
    expect(line).to_be_visible()
    assert fits(page, width)
    line.get_by_role("link", name="Paracetamol").click()
    page.click("label[for=kind-receipt]")
    page.fill("#entry_packs", "5")
    page.fill("#entry_lot", "B2")
    page.click(".entry button.good")
    expect(page.locator(".messagelist .success")).to_contain_text("On hand now: 580")
    page.goto(address(live_server, "stock_stocklevel_report"))
    expect(page.locator(".stock-line")).to_have_count(0)
    assert StockLevel.objects.get(pk=level.pk).on_hand == 580
    assert (errors, fits(page, width)) == ([], True)


@pytest.mark.parametrize("width", WIDTHS)
def test_who_is_on_the_call_list_is_opened_phoned_and_off_it(browser, live_server, clinic, nurse, width):
    visit = AppointmentFactory(
        patient__clinic=clinic, patient__consent=False, starts_at=morning_in(1, clinic)
    )
    ReminderFactory(appointment=visit)
    page = signed_in(browser, live_server, nurse, width)
    errors = errors_of(page)
    page.goto(address(live_server, "appointments_patienttophone_changelist"))
    expect(page.locator("#result_list")).to_contain_text("has not agreed to texts")
    assert fits(page, width)
    page.locator("#result_list .data-row th a").first.click()
    expect(page.get_by_role("link", name=visit.patient.phone)).to_have_attribute(
        "href", f"tel:{visit.patient.phone}"
    )
    page.get_by_role("button", name="Reached").click()
    expect(page.locator(".messagelist .success")).to_contain_text("reached")
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()
    assert PhoneCall.objects.get().outcome == "reached"
    assert (errors, fits(page, width)) == ([], True)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_session_moves_once_however_often_the_button_is_pressed(browser, live_server, clinic, nurse, width):
    AppointmentFactory(patient__clinic=clinic, starts_at=morning_in(3, clinic))
    stays = AppointmentFactory(patient__clinic=clinic, starts_at=morning_in(3, clinic) + timedelta(hours=2))
    day, other = (morning_in(days, clinic).date().isoformat() for days in (3, 4))
    query = f"?clinic=GAB01&date={day}&from=09:00&to=10:00&move_to={other}"
    first = signed_in(browser, live_server, nurse, width)
    second = browser.new_page()
    second.set_viewport_size({"width": width, "height": 900})
    for page in (first, second):
        page.goto(address(live_server, "appointments_closure_add", query=query))
        expect(page.locator(".affected tbody tr")).to_have_count(1)
    first.get_by_role("button", name="Move them and tell the patients").click()
    expect(first.get_by_text("1 visit was moved.")).to_be_visible()
    second.get_by_role("button", name="Move them and tell the patients").click()
    expect(second.get_by_text("This has been done already")).to_be_visible()
    assert Message.objects.filter(purpose="rescheduled").count() == 1
    assert Appointment.objects.get(pk=stays.pk).starts_at == stays.starts_at
    assert fits(second, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_visit_is_booked_from_the_patients_page(browser, live_server, clinic, nurse, width):
    patient = PatientFactory(clinic=clinic, name="Thabo Molefe")
    page = signed_in(browser, live_server, nurse, width)
    errors = errors_of(page)
    page.goto(address(live_server, "appointments_patient_change", patient.pk))
    page.locator("#content").get_by_role("link", name="Book a visit").click()
    expect(page.locator(".who")).to_contain_text("Thabo Molefe")
    page.locator(".slot:not(.taken)").first.click()
    expect(page.locator(".text-to-come").first).to_contain_text("Thabo Molefe")
    page.get_by_role("button", name="Book the visit").click()
    page.wait_for_url("**/admin/?clinic=GAB01&day=*")
    assert patient.appointments.count() == 1
    assert (errors, fits(page, width)) == ([], True)


def test_save_stays_in_sight_on_a_phone_while_a_patient_is_corrected(browser, live_server, clinic, nurse):
    patient = PatientFactory(clinic=clinic, name="Thabo Molefe")
    page = signed_in(browser, live_server, nurse, PHONE_WIDTH)
    page.goto(address(live_server, "appointments_patient_change", patient.pk))
    page.locator("#id_name").scroll_into_view_if_needed()
    page.fill("#id_name", "Thabo Molefi")
    expect(page.locator("[name=_save]")).to_be_in_viewport()
    page.click("[name=_save]")
    expect(page.locator(".messagelist .success")).to_be_visible()
    patient.refresh_from_db()
    assert patient.name == "Thabo Molefi"


def test_a_lists_cells_on_a_phone_are_named_as_its_headings_are(browser, live_server, clinic, nurse):
    stocked(1, clinic=clinic, reorder_level=5)
    page = signed_in(browser, live_server, nurse, PHONE_WIDTH)
    page.goto(address(live_server, "stock_stocklevel_changelist"), wait_until="networkidle")
    said = """() => [...document.querySelectorAll("#result_list tr.data-row > td")].map(cell => {
        const before = getComputedStyle(cell, "::before");
        return before.textTransform + " " + cell.dataset.label;
    })"""
    assert "none Runs out on" in page.evaluate(said)


def test_a_keyboard_skips_the_menu(browser, live_server, clinic, nurse):
    page = signed_in(browser, live_server, nurse, max(WIDTHS))
    page.goto(live_server.url + reverse("admin:index"), wait_until="networkidle")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip the menu")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#content') !== null")


def test_a_question_says_whom_it_is_about(browser, live_server, clinic, nurse):
    visit = AppointmentFactory(patient__clinic=clinic, patient__name="Thabo Molefe")
    page = signed_in(browser, live_server, nurse, PHONE_WIDTH)
    page.goto(address(live_server, "appointments_appointment_change", visit.pk))
    page.get_by_role("button", name="Cancel the visit").click()
    expect(page.get_by_role("heading", name="Cancel the visit")).to_contain_text("Thabo Molefe")


@pytest.mark.parametrize("page_of", ["appointments_patient_attendance", "stock_stocklevel_report"])
def test_on_paper_a_report_takes_the_whole_width(browser, live_server, clinic, nurse, page_of):
    stocked(1, clinic=clinic, reorder_level=5)
    page = signed_in(browser, live_server, nurse, max(WIDTHS))
    page.goto(address(live_server, page_of), wait_until="networkidle")
    page.emulate_media(media="print")
    expect(page.locator("#nav-sidebar")).to_be_hidden()
    assert page.locator("#main").bounding_box()["x"] == 0


def test_who_may_all_is_not_chosen_by_default_for_a_key(browser, live_server):
    page = signed_in(browser, live_server, AdminFactory(), PHONE_WIDTH)
    page.goto(address(live_server, "accounts_apikey_add"))
    expect(page.locator("#id_role")).to_have_value("")
    page.fill("#id_name", "Other system")
    page.click("[name=_save]")
    expect(page.locator("#content")).to_contain_text("This field is required.")
