import pytest
from django.urls import reverse
from playwright.sync_api import ConsoleMessage, Page

from tests.factories.accounts import PASSWORD, ClinicFactory, StaffFactory

pytestmark = pytest.mark.browser

WIDTHS = [390, 1440]


def errors_of(page: Page) -> list[str]:
    """Grows with each error that the page writes to the browser's console."""
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # A browser asks every site for an icon, linked or not.
        if message.type == "error" and not message.location["url"].endswith("/favicon.ico"):
            errors.append(f"{message.text} ({message.location['url']})")

    page.on("console", note)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


@pytest.mark.parametrize("width", WIDTHS)
def test_the_sign_in_page_fits_the_screen_and_raises_no_error(browser, live_server, width):
    page = browser.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    errors = errors_of(page)

    page.goto(live_server.url + reverse("admin:login"), wait_until="networkidle")

    assert page.locator("input[name=username]").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert errors == []


@pytest.mark.parametrize("width", WIDTHS)
def test_a_person_who_reads_no_english_signs_in_and_works_in_setswana(browser, live_server, width):
    nurse = StaffFactory(clinics=[ClinicFactory()])
    page = browser.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    errors = errors_of(page)

    page.goto(live_server.url + reverse("admin:login"))
    page.get_by_role("button", name="Setswana").click()
    page.get_by_role("button", name="Tsena").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.fill("#id_username", nurse.username)
    page.fill("#id_password", PASSWORD)
    page.click("#login-form [type=submit]")

    page.wait_for_url("**/admin/")
    assert page.locator("html").get_attribute("lang") == "tn"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert errors == []


def test_the_menu_under_ones_name_changes_the_language_and_leads_back(browser, live_server):
    nurse = StaffFactory(clinics=[ClinicFactory()])
    page = browser.new_page()
    page.set_viewport_size({"width": 1440, "height": 900})
    errors = errors_of(page)
    page.goto(live_server.url + reverse("admin:login"))
    page.fill("#id_username", nurse.username)
    page.fill("#id_password", PASSWORD)
    page.click("#login-form [type=submit]")
    page.wait_for_url("**/admin/")

    address = live_server.url + reverse("admin:appointments_patient_changelist") + "?q=Kabo"
    page.goto(address)
    page.get_by_role("button", name=nurse.username).click()
    page.locator("form[action='/language/'] button", has_text="Setswana").click()

    page.get_by_role("heading", name="Balwetse").first.wait_for()
    assert page.url == address
    assert errors == []
