import pytest
from django.urls import reverse

from tests.browser.test_sign_in import WIDTHS, errors_of
from tests.factories.accounts import PASSWORD, AdminFactory
from tests.factories.appointments import AppointmentFactory, ReminderFactory
from tests.factories.messaging import MessageFactory

pytestmark = pytest.mark.browser


def pages():
    appointment = AppointmentFactory()
    message = MessageFactory(clinic=appointment.clinic)
    ReminderFactory(appointment=appointment, message=message)
    things = [appointment, appointment.patient, appointment.clinic, message]
    lists = ["appointments_appointment", "appointments_patient", "appointments_reminder", "messaging_message"]
    forms = ["appointments_appointment", "appointments_fileimport", "accounts_user", "messaging_optout"]
    return [
        reverse("admin:index"),
        reverse("admin:messaging_sendingswitch_changelist"),
        *(reverse(f"admin:{name}_changelist") for name in lists),
        *(reverse(f"admin:{name}_add") for name in forms),
        *(reverse(f"admin:{t._meta.app_label}_{t._meta.model_name}_change", args=[t.pk]) for t in things),
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_of_the_admin_fit_the_screen_and_raise_no_error(browser, live_server, width):
    admin, addresses = AdminFactory(), pages()
    page = browser.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(live_server.url + reverse("admin:login"))
    page.fill("input[name=username]", admin.username)
    page.fill("input[name=password]", PASSWORD)
    page.click("[type=submit]")
    page.wait_for_url("**" + reverse("admin:index"))
    errors = errors_of(page)
    too_wide = []
    for address in addresses:
        page.goto(live_server.url + address, wait_until="networkidle")
        if page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide.append(address)
    assert (errors, too_wide) == ([], [])
