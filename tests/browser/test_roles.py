"""What each role meets on its screens: nothing that would be refused, nothing of another clinic."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from appointments.models import Appointment
from stock.models import StockAlert
from tests.browser.test_admin_pages import PHONE_WIDTH, signed_in
from tests.browser.test_day_pages import EVERY_DAY, fits, today
from tests.browser.test_sign_in import WIDTHS, errors_of
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory, ReminderFactory, morning_in
from tests.factories.messaging import MessageFactory, ReplyFactory
from tests.factories.stock import stocked

pytestmark = pytest.mark.browser

HERE, THERE = "+26771111222", "+26772333444"
READ = {
    "Today",
    "Appointments",
    "Patients",
    "Patients to phone",
    "What runs out",
    "Stock levels",
    "Attendance",
}
WRITTEN = {"Book a visit", "Close a day, move a session", "Import a file", "Issue from stock"}
RULED = {"People who sign in", "API keys", "Who changed what", "Failed sign-ins", "Failed tasks"}
LISTS = (
    *("appointments_appointment", "appointments_patient", "appointments_patienttophone", "messaging_message"),
    *("messaging_reply", "stock_stocklevel", "stock_stockalert"),
)
# Where a press would be a POST that is no search, no sign-out, no choice of language.
BUTTONS = """() => [...document.querySelectorAll("#main form button, #main form input[type=submit]")]
  .filter(one => one.form.method === "post" && one.checkVisibility() && one.form.id !== "changelist-form")
  .map(one => one.innerText.trim() + " at " + location.pathname)"""
LINKS = """() => [...document.querySelectorAll("#main a[href], #nav-sidebar a[href]")]
  .map(one => new URL(one.getAttribute("href"), location.href)).filter(to => to.origin === location.origin)
  .map(to => to.pathname + (to.pathname === location.pathname ? "" : to.search))"""


def life(clinic, name, phone):
    """A visit today, one tomorrow whose patient no text reaches, a text, a reply, an item that is low."""
    visit = AppointmentFactory(
        patient__clinic=clinic, patient__name=name, patient__phone=phone, starts_at=today(clinic)
    )
    text = MessageFactory(clinic=clinic, to=phone, recipient_id=visit.patient_id, status="sent")
    ReminderFactory(appointment=visit, message=text, state="queued")
    to_phone = AppointmentFactory(
        patient__clinic=clinic,
        patient__name=f"{name} Junior",
        patient__phone=phone[:-1] + "9",
        patient__consent=False,
        starts_at=morning_in(1, clinic),
    )
    ReminderFactory(appointment=to_phone)
    reply = ReplyFactory(clinic=clinic, phone=phone)
    level = stocked(1, clinic=clinic, reorder_level=5, item__name=f"Item of {name}")
    alert = StockAlert.objects.get(level=level)
    things = [visit, visit.patient, text, reply, level, alert]
    return [reverse(f"admin:{t._meta.label_lower.replace('.', '_')}_change", args=[t.pk]) for t in things]


@pytest.fixture
def clinics(transactional_db):
    return [
        ClinicFactory(code="GAB01", name="Bontleng Clinic", opening_hours=EVERY_DAY),
        ClinicFactory(code="FRW02", name="Tati Clinic", opening_hours=EVERY_DAY),
    ]


@pytest.fixture
def here(clinics):
    return life(clinics[0], "Thabo Molefe", HERE)


@pytest.fixture
def there(clinics):
    return life(clinics[1], "Gorata Sibanda", THERE)


def person(factory, clinics):
    return factory() if factory is AdminFactory else factory(clinics=clinics[:1])


def main_pages(things):
    lists = [reverse(f"admin:{name}_changelist") for name in LISTS]
    reports = ["stock_stocklevel_report", "appointments_patient_attendance", "messaging_message_delivery"]
    return [reverse("admin:index"), *lists, *things, *(reverse(f"admin:{name}") for name in reports)]


def menu_of(page, width):
    if width == PHONE_WIDTH:
        page.get_by_role("button", name="Menu").first.click()
        expect(page.locator("#nav-sidebar")).to_be_visible()
    entries = page.locator("#nav-sidebar a").all_inner_texts()
    return {entry.split("\n")[-1].strip() for entry in entries}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("factory", "shown", "hidden"),
    [
        (ViewerFactory, READ, WRITTEN | RULED),
        (StaffFactory, READ | WRITTEN, RULED),
        (AdminFactory, READ | WRITTEN | RULED, set()),
    ],
)
def test_the_menu_holds_what_the_role_may_open(browser, live_server, clinics, width, factory, shown, hidden):
    page = signed_in(browser, live_server, person(factory, clinics), width)
    errors = errors_of(page)
    entries = menu_of(page, width)
    assert (shown - entries, hidden & entries) == (set(), set())
    assert (errors, fits(page, width)) == ([], True)


@pytest.mark.parametrize("factory", [ViewerFactory, StaffFactory, AdminFactory])
def test_no_link_leads_to_a_page_that_refuses(browser, live_server, clinics, here, there, factory):
    page = signed_in(browser, live_server, person(factory, clinics), max(WIDTHS))
    leads = {}
    for address in main_pages(here):
        page.goto(live_server.url + address)
        for link in page.evaluate(LINKS):
            leads.setdefault(re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", link.split("?")[0]), link)
    answers = {link: page.request.get(live_server.url + link).status for link in leads.values()}
    assert len(answers) > 20
    assert {link: status for link, status in answers.items() if status != 200} == {}


@pytest.mark.parametrize("width", WIDTHS)
def test_a_viewer_reads_and_is_offered_nothing_to_do(browser, live_server, clinics, here, width):
    page = signed_in(browser, live_server, person(ViewerFactory, clinics), width)
    errors = errors_of(page)
    offered, wide = [], []
    for address in main_pages(here):
        page.goto(live_server.url + address, wait_until="networkidle")
        offered += page.evaluate(BUTTONS)
        if not fits(page, width):
            wide.append(address)
    assert (offered, wide, errors) == ([], [], [])


def test_a_viewer_reads_no_whole_phone_number_anywhere(browser, live_server, clinics, here):
    page = signed_in(browser, live_server, person(ViewerFactory, clinics), max(WIDTHS))
    told = []
    for address in main_pages(here):
        page.goto(live_server.url + address)
        told += [address for phone in (HERE, HERE[4:]) if phone in page.content()]
    assert told == []
    page.goto(live_server.url + here[1])
    expect(page.locator("#content")).to_contain_text("222")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("factory", [ViewerFactory, StaffFactory])
def test_another_clinics_things_are_not_there(browser, live_server, clinics, here, there, width, factory):
    page = signed_in(browser, live_server, person(factory, clinics), width)
    for address in there:
        answer = page.goto(live_server.url + address)
        assert (address, answer.status) == (address, 404)
        expect(page.get_by_role("heading")).to_contain_text("not here")
        assert fits(page, width)
    other = str(clinics[1].pk)
    seen = []
    for address in [*main_pages([]), f"{reverse('admin:index')}?clinic=FRW02"]:
        for asked in ("", f"?clinic={other}", f"?clinic__id__exact={other}"):
            page.goto(live_server.url + address + ("" if "?" in address else asked))
            seen += [address + asked for word in ("Sibanda", "Tati Clinic", THERE) if word in page.content()]
    assert seen == []


def test_staff_come_to_no_page_of_an_administrator(browser, live_server, clinics):
    page = signed_in(browser, live_server, person(StaffFactory, clinics), PHONE_WIDTH)
    for name in ("accounts_user", "accounts_apikey", "accounts_auditentry"):
        answer = page.goto(live_server.url + reverse(f"admin:{name}_changelist"))
        assert (name, answer.status) == (name, 403)
        expect(page.get_by_role("heading")).to_have_text("This page is not for you")
        page.get_by_role("link", name="Go to the start").click()
        expect(page.get_by_role("heading", name="Today")).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS)
def test_an_administrator_sees_each_clinic_and_changes_between_them(
    browser, live_server, clinics, here, there, width
):
    page = signed_in(browser, live_server, AdminFactory(), width)
    errors = errors_of(page)
    page.goto(f"{live_server.url}{reverse('admin:index')}?clinic=GAB01")
    expect(page.locator(".visit")).to_contain_text("Thabo Molefe")
    page.locator("select[name=clinic]").select_option("FRW02")
    expect(page.locator(".visit")).to_contain_text("Gorata Sibanda")
    page.goto(live_server.url + reverse("admin:appointments_patient_changelist"))
    expect(page.locator("#result_list")).to_contain_text("Thabo Molefe")
    expect(page.locator("#result_list")).to_contain_text("Gorata Sibanda")
    assert (errors, fits(page, width)) == ([], True)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_nurse_of_no_clinic_is_told_whom_to_ask(browser, live_server, width):
    page = signed_in(browser, live_server, StaffFactory(), width)
    errors = errors_of(page)
    for address in (
        reverse("admin:index"),
        reverse("admin:appointments_appointment_add"),
        reverse("admin:appointments_closure_add"),
    ):
        page.goto(live_server.url + address, wait_until="networkidle")
        expect(page.locator("#content")).to_contain_text("Ask your administrator")
        assert fits(page, width)
    assert errors == []


def test_a_visit_that_a_viewer_posts_by_hand_is_refused_in_plain_words(browser, live_server, clinics, here):
    visit = Appointment.objects.get(patient__phone=HERE)
    page = signed_in(browser, live_server, person(ViewerFactory, clinics), PHONE_WIDTH)
    answer = page.goto(live_server.url + reverse("admin:appointments_appointment_add"))
    assert answer.status == 403
    page.goto(live_server.url + reverse("admin:index"))
    token = next(one["value"] for one in browser.cookies() if "csrf" in one["name"])
    posted = page.request.post(
        live_server.url + reverse("admin:appointments_appointment_step", args=[visit.pk]),
        form={"step": "attended", "version": str(visit.version), "csrfmiddlewaretoken": token},
        headers={"Referer": live_server.url + "/admin/"},
    )
    assert posted.status in (200, 403)
    visit.refresh_from_db()
    assert visit.status == "booked"
    assert visit.updated_at <= timezone.now()
