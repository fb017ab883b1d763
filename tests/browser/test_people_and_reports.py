"""A patient's page with its merge, and the managers' pages, as they stand on a phone and on a desk."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from appointments.models import Patient
from tests.browser.test_admin_pages import PHONE_WIDTH, SMALL, signed_in
from tests.browser.test_sign_in import WIDTHS, errors_of
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory, ReminderFactory, morning_in
from tests.factories.messaging import MessageFactory, OptOutFactory, ReplyFactory

pytestmark = pytest.mark.browser
ATTENDANCE = reverse("admin:appointments_patient_attendance")
DELIVERY = reverse("admin:messaging_message_delivery")


def page_of(patient, name="change", *more):
    return reverse(f"admin:appointments_patient_{name}", args=[patient.pk, *more])


def someone(clinic, name="Boitumelo Kgosietsile-Rantshabeng"):
    """With a past, texts, a reply and an opt-out."""
    patient = PatientFactory(clinic=clinic, name=name, patient_number="OMANG-123456789")
    for days, status in ((-90, "attended"), (-60, "missed"), (-30, "attended"), (5, "booked")):
        starts_at = morning_in(days, clinic)
        visit = AppointmentFactory(patient=patient, status=status, starts_at=starts_at, visit_type="Review")
        text = MessageFactory(
            clinic=clinic,
            to=patient.phone,
            recipient_id=patient.pk,
            status="delivered" if days < 0 else "queued",
            provider="twilio" if days < 0 else "",
            sent_at=starts_at - timedelta(days=1) if days < 0 else None,
            created_at=starts_at - timedelta(days=1),
            subject_type="appointments.appointment",
            subject_id=visit.pk,
            subject_at=starts_at,
        )
        ReminderFactory(appointment=visit, message=text, state="queued")
    OptOutFactory(phone=patient.phone, source="reply")
    ReplyFactory(phone=patient.phone, clinic=clinic, body="Can I come later? " * 6)
    return patient


def a_year(clinic):
    """Visits and texts of a year, some missed, some that did not arrive."""
    now = timezone.now()
    for days in range(0, 360, 6):
        at = now - timedelta(days=days + 1)
        status = "missed" if days % 4 == 0 else "attended"
        visit = AppointmentFactory(patient__clinic=clinic, status=status, starts_at=at)
        failed = days % 18 == 0
        MessageFactory(
            clinic=clinic,
            status="undelivered" if failed else "delivered",
            provider="twilio" if days % 12 else "smsgate",
            error_code="30003" if failed else "",
            created_at=at,
            sent_at=at,
            subject_type="appointments.appointment",
            subject_id=visit.pk,
            subject_at=at,
        )


@pytest.mark.parametrize("width", WIDTHS)
def test_a_patients_pages_and_reports_fit_the_screen_and_raise_no_error(browser, live_server, width):
    clinic = ClinicFactory(name="Extension Fourteen Clinic, Gaborone")
    patient = someone(clinic)
    double = PatientFactory(clinic=clinic, name=patient.name)
    a_year(clinic)
    addresses = [
        page_of(patient),
        page_of(patient, "merge"),
        page_of(patient, "merge_with", double.pk),
        page_of(patient, "erase"),
        page_of(patient, "history"),
        ATTENDANCE,
        DELIVERY,
        f"{ATTENDANCE}?from=2020-01-01&until=2020-02-01",
        reverse("admin:appointments_patient_export"),
        reverse("admin:appointments_patient_changelist") + "?double=yes",
        reverse("admin:appointments_appointment_changelist") + "?day=2026-01-01..2026-03-31&weekday=2",
    ]
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
def test_a_nurse_merges_two_records_from_the_patients_page(browser, live_server, width):
    clinic = ClinicFactory()
    patient = someone(clinic, "Neo Molefe")
    double = PatientFactory(clinic=clinic, name="Neo Molefe")
    AppointmentFactory(patient=double, starts_at=morning_in(9, clinic))
    page = signed_in(browser, live_server, StaffFactory(clinics=[clinic]), width)
    errors = errors_of(page)
    page.goto(live_server.url + page_of(patient), wait_until="networkidle")
    page.click("text=1 other record has this name")
    page.click("text=Compare")
    expect(page.locator(".compare")).to_contain_text("OMANG-123456789")
    page.click(f"button[name=stays][value='{patient.pk}']")
    page.wait_for_url("**" + page_of(patient))
    expect(page.locator("body")).to_contain_text("The two records are one now.")
    assert list(Patient.objects.all()) == [patient]
    assert patient.appointments.count() == 5
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert errors == []


@pytest.mark.parametrize("width", WIDTHS)
def test_an_administrator_erases_a_patient_after_typing_the_name(browser, live_server, width):
    patient = someone(ClinicFactory(), "Neo Molefe")
    page = signed_in(browser, live_server, AdminFactory(), width)
    errors = errors_of(page)
    page.goto(live_server.url + page_of(patient), wait_until="networkidle")
    page.click("text=Erase this patient's data")
    page.check("[name=cancel_visits]")
    page.fill("[name=word]", "Neo Molefe")
    page.click("button:has-text('Erase for ever')")
    page.wait_for_url("**" + reverse("admin:appointments_patient_changelist"))
    assert Patient.objects.get(pk=patient.pk).erased_at is not None
    assert errors == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("report", "figure"), [(ATTENDANCE, "missed"), (DELIVERY, "texts did not arrive")])
def test_a_figure_of_a_report_opens_the_list_behind_it(browser, live_server, width, report, figure):
    clinic = ClinicFactory()
    a_year(clinic)
    page = signed_in(browser, live_server, StaffFactory(clinics=[clinic]), width)
    errors = errors_of(page)
    page.goto(live_server.url + report, wait_until="networkidle")
    picture = page.locator("svg.columns")
    box = picture.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    card = page.locator(".figures li", has_text=figure).locator("a")
    count = card.inner_text()
    card.click()
    page.wait_for_url("**status__exact=missed**" if report == ATTENDANCE else "**outcome=in_vain**")
    assert page.locator("#result_list tbody tr.data-row, #result_list tr.data-row").count() == int(count)
    assert errors == []


@pytest.mark.parametrize("report", [ATTENDANCE, DELIVERY])
def test_on_paper_a_report_is_figures_alone(browser, live_server, report):
    clinic = ClinicFactory()
    a_year(clinic)
    page = signed_in(browser, live_server, StaffFactory(clinics=[clinic]), max(WIDTHS))
    page.goto(live_server.url + report, wait_until="networkidle")
    page.emulate_media(media="print")
    expect(page.locator("form.filters")).to_be_hidden()
    expect(page.locator("#nav-sidebar")).to_be_hidden()
    expect(page.locator("svg.columns")).to_be_visible()
