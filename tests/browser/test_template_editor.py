import pytest
from django.urls import reverse
from playwright.sync_api import expect

from messaging.models import MessageTemplate
from tests.browser.test_admin_pages import signed_in
from tests.browser.test_sign_in import WIDTHS, errors_of
from tests.factories.accounts import ClinicFactory, StaffFactory
from tests.factories.messaging import MessageTemplateFactory

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", WIDTHS)
def test_the_preview_follows_what_is_typed(browser, live_server, width):
    template = MessageTemplateFactory(clinic=ClinicFactory(name="Bontleng Clinic"))
    page = signed_in(browser, live_server, StaffFactory(clinics=[template.clinic]), width)
    errors = errors_of(page)
    page.goto(live_server.url + reverse("admin:messaging_messagetemplate_change", args=[template.pk]))
    preview = page.locator("#template-preview")

    page.fill("#id_body", "Hello {name}, come to {clinic} for your ARVs. " + "š" * 60)
    expect(preview.locator(".sms")).to_contain_text("Hello Kabo Molefe, come to Bontleng Clinic")
    expect(preview.locator(".cautions")).to_contain_text("ARVs")
    expect(preview).to_contain_text("sent as 1 part")
    page.check("#id_keep_diacritics")
    expect(preview).to_contain_text("paid for 2 times")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert errors == []
    assert MessageTemplate.objects.get(pk=template.pk).body == template.body


def test_a_new_text_is_previewed_for_the_clinic_that_is_chosen(browser, live_server):
    clinic = ClinicFactory(name="Bontleng Clinic")
    page = signed_in(browser, live_server, StaffFactory(clinics=[clinic]), max(WIDTHS))
    page.goto(live_server.url + reverse("admin:messaging_messagetemplate_add"))
    page.fill("#id_body", "{clinic}, {weekday}")
    page.select_option("#id_clinic", str(clinic.pk))
    expect(page.locator("#template-preview .sms")).to_contain_text("Bontleng Clinic")
