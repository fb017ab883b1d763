from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from stock.models import Movement, StockLevel
from tests.browser.test_admin_pages import PHONE_WIDTH, SMALL, signed_in
from tests.browser.test_sign_in import WIDTHS, errors_of
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory
from tests.factories.stock import moved, stocked

pytestmark = pytest.mark.browser

QUICK = reverse("admin:stock_stocklevel_issue")
REPORT = reverse("admin:stock_stocklevel_report")


def page_of(level):
    return reverse("admin:stock_stocklevel_change", args=[level.pk])


def shelf(clinic):
    """One item that is low, with a past."""
    level = stocked(
        0, clinic=clinic, item__name="Paracetamol 500 mg tablets", item__pack_size=100, reorder_level=90
    )
    today = timezone.now().astimezone(clinic.zone).date()
    moved(level, "receipt", 200, lot="B1", occurred_on=today - timedelta(days=100))
    for weeks in range(12):
        moved(level, "issue", 10, occurred_on=today - timedelta(days=7 * weeks))
    return level


def on_hand(level):
    return StockLevel.objects.get(pk=level.pk).on_hand


@pytest.mark.parametrize("width", WIDTHS)
def test_the_stock_pages_fit_the_screen_and_raise_no_error(browser, live_server, width):
    level = shelf(ClinicFactory())
    names = ["stocklevel_changelist", "stocklevel_add", "stocklevel_ledger", "item_changelist", "item_add"]
    names += ["stockfile_add", "visittypeitem_add", "stocklevel_issue", "stocklevel_report"]
    addresses = [page_of(level), *(reverse(f"admin:stock_{name}") for name in names)]
    page = signed_in(browser, live_server, AdminFactory(), width)
    errors = errors_of(page)
    too_wide, small = [], []
    for address in addresses:
        page.goto(live_server.url + address, wait_until="networkidle")
        if page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide.append(address)
        if width == PHONE_WIDTH:
            small += page.evaluate(SMALL)
    assert (errors, too_wide, small) == ([], [], [])


@pytest.mark.parametrize("width", WIDTHS)
def test_the_report_shows_a_picture_of_each_item(browser, live_server, width):
    level = shelf(ClinicFactory())
    page = signed_in(browser, live_server, StaffFactory(clinics=[level.clinic]), width)
    errors = errors_of(page)
    page.goto(live_server.url + REPORT, wait_until="networkidle")
    picture = page.locator(".stock-line .stock-chart")
    expect(picture).to_be_visible()
    box = picture.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    page.emulate_media(media="print")
    expect(page.locator("#header")).to_be_hidden()
    expect(picture).to_be_visible()
    assert errors == []


@pytest.mark.parametrize("width", WIDTHS)
def test_a_nurse_issues_by_keyboard_and_undoes_it(browser, live_server, width):
    level = shelf(ClinicFactory())
    page = signed_in(browser, live_server, StaffFactory(clinics=[level.clinic]), width)
    errors = errors_of(page)
    page.goto(live_server.url + QUICK, wait_until="networkidle")
    if width == PHONE_WIDTH:
        page.click(".select2-selection")
    page.keyboard.type("parac")
    page.locator(".select2-results__option--highlighted", has_text="Paracetamol").wait_for()
    page.keyboard.press("Enter")
    expect(page.locator("#id_quantity")).to_be_focused()
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    expect(page.locator(".messagelist .success")).to_contain_text("On hand now: 73")
    page.click("text=Undo")
    expect(page.locator(".messagelist .success")).to_contain_text("back in stock")
    assert on_hand(level) == 80
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert errors == []


def test_two_quick_clicks_issue_once(browser, live_server):
    level = shelf(ClinicFactory())
    page = signed_in(browser, live_server, StaffFactory(clinics=[level.clinic]), PHONE_WIDTH)
    page.goto(live_server.url + page_of(level), wait_until="networkidle")
    page.fill("#entry_quantity", "5")
    page.dblclick(".entry button.good")
    expect(page.locator(".messagelist")).to_contain_text("On hand now: 75")
    assert Movement.objects.filter(level=level, kind="issue").count() == 13


@pytest.mark.parametrize("width", WIDTHS)
def test_a_delivery_shows_only_its_own_fields_and_its_sum_before_it_is_written(browser, live_server, width):
    level = shelf(ClinicFactory())
    page = signed_in(browser, live_server, StaffFactory(clinics=[level.clinic]), width)
    errors = errors_of(page)
    page.goto(live_server.url + page_of(level), wait_until="networkidle")
    expect(page.locator("#entry_packs")).to_be_hidden()
    page.click("label[for=kind-receipt]")
    expect(page.locator("#entry_to_clinic")).to_be_hidden()
    page.fill("#entry_packs", "12")
    page.fill("#entry_quantity", "5")
    page.fill("#entry_lot", "B2")
    expect(page.locator(".sum-up")).to_contain_text("1,205 tablet")
    page.click(".entry button.good")
    expect(page.locator(".messagelist .success")).to_contain_text("1,285 tablet")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert errors == []
