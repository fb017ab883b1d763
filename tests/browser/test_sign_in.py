import pytest
from django.urls import reverse
from playwright.sync_api import ConsoleMessage, Page

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
