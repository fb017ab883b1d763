"""axe-core over the pages: nothing that it calls serious or critical."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse

from tests.browser.test_admin_pages import pages, signed_in
from tests.browser.test_sign_in import WIDTHS
from tests.factories.accounts import AdminFactory

pytestmark = pytest.mark.browser

GRAVE = {"serious", "critical"}


def findings(page):
    """What is grave: the rule, the page, and the first place where it is broken."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']} at {page.url.split('/', 3)[3]}: {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in GRAVE
    ]


@pytest.mark.parametrize(("width", "scheme"), list(zip(WIDTHS, ["light", "dark"], strict=True)))
def test_the_pages_of_the_admin_can_be_read_by_everyone(browser, live_server, width, scheme):
    addresses = pages()
    page = signed_in(browser, live_server, AdminFactory(), width)
    page.emulate_media(color_scheme=scheme)
    found = []
    for address in addresses:
        page.goto(live_server.url + address, wait_until="networkidle")
        found += findings(page)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_sign_in_page_can_be_read_by_everyone(browser, live_server, width):
    page = browser.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(live_server.url + reverse("admin:login"), wait_until="networkidle")
    assert findings(page) == []
