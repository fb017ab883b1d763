import pytest
from django.urls import reverse

from tests.architecture.house import ROOT
from tests.browser.test_sign_in import WIDTHS, errors_of
from tests.factories.accounts import PASSWORD, AdminFactory, ClinicFactory, StaffFactory
from tests.factories.appointments import AppointmentFactory, ReminderFactory
from tests.factories.messaging import MessageFactory, MessageTemplateFactory

pytestmark = pytest.mark.browser


def pages():
    appointment = AppointmentFactory()
    message = MessageFactory(clinic=appointment.clinic)
    ReminderFactory(appointment=appointment, message=message)
    template = MessageTemplateFactory(clinic=appointment.clinic)
    things = [appointment, appointment.patient, appointment.clinic, message, template]
    lists = ["appointments_appointment", "appointments_patient", "appointments_reminder", "messaging_message"]
    forms = ["appointments_appointment", "appointments_fileimport", "accounts_user", "messaging_optout"]
    forms += ["messaging_messagetemplate"]
    return [
        reverse("admin:index"),
        reverse("admin:messaging_sendingswitch_changelist"),
        *(reverse(f"admin:{name}_changelist") for name in lists),
        *(reverse(f"admin:{name}_add") for name in forms),
        *(reverse(f"admin:{t._meta.app_label}_{t._meta.model_name}_change", args=[t.pk]) for t in things),
    ]


SMALL = """() => [...document.querySelectorAll(
    "button, input[type=submit], input[type=date], select, .addlink, .related-widget-wrapper-link," +
    "#header-inner a, #nav-sidebar a, #content a.rounded-default"
)].filter(one => { const box = one.getBoundingClientRect(); return box.width && box.height < 40 })
  .map(one => (one.value || one.innerText || one.title).trim() + " at " + location.pathname)"""
PHONE_WIDTH = min(WIDTHS)


def signed_in(browser, live_server, user, width):
    page = browser.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(live_server.url + reverse("admin:login"))
    page.fill("input[name=username]", user.username)
    page.fill("input[name=password]", PASSWORD)
    page.click("[type=submit]")
    page.wait_for_url("**" + reverse("admin:index"))
    return page


def test_a_finger_can_hit_each_button_on_a_phone(browser, live_server):
    addresses = pages()
    page = signed_in(browser, live_server, AdminFactory(), PHONE_WIDTH)
    small = []
    for address in addresses:
        page.goto(live_server.url + address, wait_until="networkidle")
        small += page.evaluate(SMALL)
    assert small == []


def test_why_a_row_is_rejected_is_read_on_a_phone_without_scrolling_sideways(browser, live_server):
    page = signed_in(browser, live_server, StaffFactory(clinics=[ClinicFactory(code="GAB01")]), PHONE_WIDTH)
    page.goto(live_server.url + reverse("admin:appointments_fileimport_add"))
    page.set_input_files("#id_file", ROOT / "tests/data/appointments_messy.csv")
    page.click("[name=_save]")
    page.wait_for_url("**/change/**")
    reasons = page.locator("[data-heading=Why]")
    ends = [reasons.nth(place).bounding_box() for place in range(reasons.count())]
    assert ends
    assert max(box["x"] + box["width"] for box in ends) <= PHONE_WIDTH


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_of_the_admin_fit_the_screen_and_raise_no_error(browser, live_server, width):
    addresses = pages()
    page = signed_in(browser, live_server, AdminFactory(), width)
    errors = errors_of(page)
    too_wide = []
    for address in addresses:
        page.goto(live_server.url + address, wait_until="networkidle")
        if page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide.append(address)
    assert (errors, too_wide) == ([], [])
