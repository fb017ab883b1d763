import pytest

from common.rest.errors import CODES
from tests.browser.test_sign_in import WIDTHS, errors_of
from tests.described import operations

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_of_the_api_fits_the_screen_and_asks_nobody_else(browser, live_server, width):
    page = browser.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    errors = errors_of(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(f"{live_server.url}/api/v1/docs", wait_until="networkidle")
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert errors == []
    assert {url for url in asked if not url.startswith(live_server.url)} == set()


def test_the_page_of_the_api_leads_to_each_call_and_error(browser, live_server):
    page = browser.new_page()
    page.goto(f"{live_server.url}/api/v1/docs")
    calls = [said["operationId"] for _method, _path, said in operations()]
    ids = set(page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)"))
    linked = set(page.evaluate("[...document.querySelectorAll('nav a')].map(each => each.hash.slice(1))"))
    assert set(calls) <= ids & linked
    assert set(CODES) <= ids


def test_who_opens_a_call_reads_its_fields_and_errors(browser, live_server):
    page = browser.new_page()
    page.goto(f"{live_server.url}/api/v1/docs")
    page.locator("nav summary", has_text="appointments").click()
    page.click("nav >> text=Book an appointment")
    booking = page.locator("#appointments_create")
    assert booking.evaluate("each => each.matches(':target')")
    booking.locator("summary", has_text="Body").click()
    booking.locator("summary", has_text="Answers").click()
    assert booking.locator("dt", has_text="appointment_datetime").first.is_visible()
    assert booking.locator("a", has_text="APPOINTMENT_CONFLICT").is_visible()
