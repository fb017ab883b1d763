from decimal import Decimal

import pytest
from django.urls import reverse

from messaging.models import MessageTemplate
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, UserFactory, ViewerFactory
from tests.factories.messaging import MessageTemplateFactory

pytestmark = pytest.mark.django_db
ADD = "admin:messaging_messagetemplate_add"


@pytest.fixture
def clinic():
    return ClinicFactory(name="Bontleng Clinic")


@pytest.fixture
def nurse(clinic, client):
    nurse = StaffFactory(clinics=[clinic])
    client.force_login(nurse)
    return nurse


def preview(client, **given):
    answer = client.post(reverse("admin:messaging_messagetemplate_preview"), given)
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_is_typed_is_shown_filled_in_and_nothing_is_saved(client, nurse, clinic):
    shown = preview(client, body="Hello {name}, {clinic}", language="en", clinic=clinic.pk)
    assert "Hello Kabo Molefe, Bontleng Clinic" in shown
    assert "It is sent as 1 part." in shown
    assert not MessageTemplate.objects.filter(clinic=clinic).exists()


def test_a_stored_template_keeps_its_own_language_and_clinic(client, nurse, clinic):
    template = MessageTemplateFactory(clinic=clinic, language="tn")
    shown = preview(client, body="{clinic} {weekday}", language="en", template=template.pk)
    assert "Bontleng Clinic" in shown
    assert "day</p>" not in shown


def test_another_clinics_name_is_not_told(client, nurse):
    other = MessageTemplateFactory(clinic=ClinicFactory(name="Secret Clinic"))
    shown = preview(client, body="{clinic}", language="en", template=other.pk, clinic=other.clinic_id)
    assert "Secret" not in shown


@pytest.mark.parametrize("body", ["Hello {nmae}", "bell \x07", "nul \x00"])
def test_why_a_text_could_not_be_saved_is_said(client, nurse, body):
    assert '<ul class="cautions' in preview(client, body=body, language="en")


@pytest.mark.parametrize(
    "given", [{"language": "fr"}, {"clinic": "x"}, {"clinic": "a\x00"}, {"template": "1"}, {"key": "none"}]
)
def test_a_form_that_makes_no_sense_is_no_crash(client, nurse, given):
    assert "Hello" in preview(client, **{"body": "Hello", **given})


def test_a_telling_word_is_warned_of_and_can_be_saved(client, nurse, clinic):
    assert "Better without: HIV" in preview(client, body="The HIV clinic", language="en")
    template = MessageTemplateFactory(clinic=clinic)
    page = reverse("admin:messaging_messagetemplate_change", args=[template.pk])
    client.post(page, {"body": "The HIV clinic", "version": 1})
    template.refresh_from_db()
    assert template.body == "The HIV clinic"


def test_diacritics_kept_and_folded_are_both_counted_and_priced(client, nurse, settings):
    settings.SMS_PRICE_PER_PART = {"twilio": (Decimal("0.05"), "USD")}
    shown = preview(client, body="ê" * 150, language="tn", key="reminder")
    assert "twilio: 0.05 USD" in shown
    assert "twilio: 0.15 USD" in shown
    assert shown.index("sent as e, o and s") < shown.index("kept")


def test_the_other_languages_text_is_counted_beside(client, nurse):
    shown = preview(client, body="Hello", language="en", key="reminder")
    assert ">English</td>" in shown
    assert ">Setswana</td>" in shown


def test_what_is_typed_is_shown_as_text(client, nurse):
    assert "<script>" not in preview(client, body="<script>alert(1)</script>", language="en")


@pytest.mark.parametrize(
    ("made_by", "status"), [(ViewerFactory, 200), (AdminFactory, 200), (UserFactory, 302)]
)
def test_who_may_read_templates_may_look(client, made_by, status):
    client.force_login(made_by())
    answer = client.post(reverse("admin:messaging_messagetemplate_preview"), {"body": "Hello"})
    assert answer.status_code == status


def test_the_page_of_a_template_shows_its_preview_at_once(client, nurse, clinic):
    template = MessageTemplateFactory(clinic=clinic)
    page = client.get(reverse("admin:messaging_messagetemplate_change", args=[template.pk]))
    assert "Kabo Molefe" in page.content.decode()


# A clinic's own, made by its staff


def own(clinic, **given):
    return {"key": "missed", "language": "en", "clinic": clinic.pk, "body": "We missed you.", **given}


def test_staff_give_their_clinic_a_text_of_its_own(client, nurse, clinic):
    client.post(reverse(ADD), own(clinic))
    assert MessageTemplate.objects.get(clinic=clinic).body == "We missed you."


def test_staff_are_offered_their_own_clinics_only(client, nurse, clinic):
    other = ClinicFactory()
    choices = client.get(reverse(ADD)).context["adminform"].form.fields["clinic"].queryset
    assert list(choices) == [clinic]
    client.post(reverse(ADD), own(other))
    assert not MessageTemplate.objects.filter(clinic=other).exists()


def test_a_second_text_of_a_kind_is_refused_at_the_clinic(client, nurse, clinic):
    MessageTemplateFactory(clinic=clinic, key="missed")
    page = client.post(reverse(ADD), own(clinic))
    assert "This clinic has such a template already." in page.content.decode()
    assert MessageTemplate.objects.filter(clinic=clinic).count() == 1


def test_a_viewer_makes_none(client, clinic):
    client.force_login(ViewerFactory(clinics=[clinic]))
    assert client.post(reverse(ADD), own(clinic)).status_code == 403
