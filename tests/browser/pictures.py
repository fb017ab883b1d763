"""Takes the pictures for the docs from a running site: `python -m tests.browser.pictures [address]`.

The site is one with the demo data, as `make run` starts it.
"""

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import ARGUMENTS
from tests.run import chromium

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
WIDTHS = (1440, 390)


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/admin/")
    page.fill("#id_username", "nurse.gab")
    page.fill("#id_password", "dumela-demo")
    page.click("#login-form [type=submit]")


def take(page: Page, address: str, width: int) -> None:
    def picture(name: str) -> None:
        page.screenshot(path=PICTURES / f"{name}-{width}.png", full_page=width < 500)

    page.goto(f"{address}/admin/")
    picture("home")
    page.goto(f"{address}/admin/appointments/appointment/")
    picture("appointments")
    page.goto(f"{address}/admin/appointments/appointment/add/")
    picture("book")
    page.goto(f"{address}/admin/messaging/message/")
    picture("messages")
    page.goto(f"{address}/admin/appointments/fileimport/add/")
    page.set_input_files("#id_file", ROOT / "tests" / "data" / "appointments_messy.csv")
    page.click("[name=_save]")
    page.wait_for_url("**/change/**")
    picture("import-preview")


def main(address: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        for width in WIDTHS:
            page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
            sign_in(page, address)
            take(page, address, width)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
