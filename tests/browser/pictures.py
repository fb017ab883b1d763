"""Takes the pictures for the docs from a running site: `python -m tests.browser.pictures [address]`.

The site is one with the demo data, as `make run` starts it. Nothing in it is changed but by the import's
preview, which is never confirmed.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import ARGUMENTS
from tests.run import chromium

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
WIDTHS = (1440, 390)
HEIGHT = 900
Step = Callable[[Page], object]


def click(selector: str) -> Step:
    """A click that leads to another page."""

    def step(page: Page) -> None:
        with page.expect_navigation():
            page.locator(selector).first.click()

    return step


def fill(selector: str, text: str) -> Step:
    return lambda page: page.fill(selector, text)


def choose_file(selector: str, file: str) -> Step:
    return lambda page: page.set_input_files(selector, ROOT / "tests" / "data" / file)


FIRST = "#result_list tbody th a"
MESSY = choose_file("#id_file", "appointments_messy.csv")
# Name, address under /admin/, and what is done there before the picture is taken.
SHOWN: list[tuple[str, str, list[Step]]] = [
    ("home", "", []),
    ("appointments", "appointments/appointment/", []),
    ("appointment", "appointments/appointment/?day=all", [click(FIRST)]),
    ("book", "appointments/appointment/add/", []),
    ("close-a-day", "appointments/closure/add/", []),
    ("patients", "appointments/patient/", []),
    ("patient", "appointments/patient/", [click(FIRST)]),
    ("call-list", "appointments/patienttophone/", []),
    ("replies", "messaging/reply/", []),
    ("messages", "messaging/message/", []),
    ("import", "appointments/fileimport/add/", []),
    ("import-preview", "appointments/fileimport/add/", [MESSY, click("[name=_save]")]),
    ("stock-report", "stock/stocklevel/report/", []),
    ("stock-issue", "stock/stocklevel/issue/", []),
    ("attendance", "appointments/patient/attendance/", []),
    ("delivery", "messaging/message/delivery/", []),
]
# Those that are taken in Setswana too, as NAME-tn.
IN_SETSWANA = {"home", "book", "import-preview", "call-list"}


def take(page: Page, address: str, name: str, path: str, steps: list[Step], width: int) -> None:
    answer = page.goto(f"{address}/admin/{path}")
    if answer is None or not answer.ok:
        print(f"not taken: {name} ({path} answers {answer.status if answer else 'nothing'})")
        return
    for step in steps:
        step(page)
    if width < 500:
        # As tall as the page: what stays at the foot of the screen would else lie across its middle.
        page.set_viewport_size({"width": width, "height": page.evaluate("document.body.scrollHeight")})
    page.screenshot(path=PICTURES / f"{name}-{width}.png")
    page.set_viewport_size({"width": width, "height": HEIGHT})


def sign_in(page: Page, address: str, language: str, width: int) -> None:
    page.goto(f"{address}/admin/")
    click(f"#language-form [value={language}]")(page)
    suffix = "" if language == "en" else f"-{language}"
    page.screenshot(path=PICTURES / f"sign-in{suffix}-{width}.png")
    fill("#id_username", "nurse.gab")(page)
    fill("#id_password", "dumela-demo")(page)
    click("#login-form [type=submit]")(page)


def main(address: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        for width in WIDTHS:
            for language in ("en", "tn"):
                page = browser.new_context(viewport={"width": width, "height": HEIGHT}).new_page()
                sign_in(page, address, language, width)
                for name, path, steps in SHOWN:
                    if language == "en":
                        take(page, address, name, path, steps, width)
                    elif name in IN_SETSWANA:
                        take(page, address, f"{name}-{language}", path, steps, width)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
