"""The manager's page of delivery, and the lists that it leads into."""

import csv
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.urls import reverse

from messaging.reason_words import in_words
from tests.factories.accounts import AdminFactory, ClinicFactory, ViewerFactory
from tests.factories.messaging import MailFactory, MessageFactory

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:messaging_message_delivery")
NOON = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
MARCH = {"from": "2026-03-01", "until": "2026-03-31"}


def text(clinic, status, provider="twilio", **fields):
    sent = {"sent_at": NOON} if status in ("sent", "delivered", "undelivered") else {}
    return MessageFactory(
        clinic=clinic, status=status, provider=provider, **{"created_at": NOON, **sent, **fields}
    )


def test_the_share_is_of_the_texts_that_a_provider_was_given(client, nurse, clinic):
    for status in ("delivered", "delivered", "sent", "undelivered"):
        text(clinic, status)
    text(clinic, "suppressed", provider="", error_code="OPTED_OUT")
    figures = client.get(PAGE, MARCH).context["figures"]
    assert [figure for _label, figure, _href in figures][:3] == ["50.0 %", "1", "4"]


def test_parts_cost_by_the_providers_price(client, nurse, clinic, settings):
    settings.SMS_PRICE_PER_PART = {"twilio": ("0.05", "USD"), "smsgate": ("0.25", "BWP")}
    text(clinic, "delivered", segments=3)
    text(clinic, "sent", provider="smsgate", segments=2)
    page = client.get(PAGE, MARCH)
    assert page.context["figures"][3][1] == "0.50 BWP + 0.15 USD"
    assert {line.title: line.cells[-1].text for line in dict(page.context["parts"])["Providers"]} == {
        "twilio": "0.15 USD",
        "smsgate": "0.50 BWP",
    }


def test_reasons_are_told_in_words_the_commonest_first(client, nurse, clinic):
    text(clinic, "failed", error_code="21211")
    for _number in range(2):
        text(clinic, "undelivered", error_code="30003")
    reasons = client.get(PAGE, MARCH).context["reasons"]
    assert [(line.title, line.cells[0].text) for line in reasons] == [
        ("The phone is off or out of reach [30003]", "2"),
        ("The number does not exist [21211]", "1"),
    ]


def test_a_code_that_nobody_knows_is_told_as_it_is():
    assert in_words("99999") == "The provider's code 99999"


def test_each_figure_leads_to_as_many_texts(client, nurse, clinic):
    text(clinic, "delivered")
    text(clinic, "sent", provider="smsgate")
    text(clinic, "unknown", error_code="READ_TIMEOUT")
    text(clinic, "undelivered", error_code="30003")
    text(clinic, "expired", provider="", error_code="TOO_LATE")
    text(clinic, "queued", provider="")
    text(clinic, "delivered", created_at=NOON.replace(month=4))
    text(ClinicFactory(), "delivered")
    page = client.get(PAGE, MARCH)
    parts = [*page.context["parts"], ("reasons", page.context["reasons"])]
    cells = [cell for _title, lines in parts for line in lines for cell in line.cells if cell.href]
    counted = {cell.href: cell.text for cell in cells}
    found = {href: str(client.get(href).context["cl"].result_count) for href in counted}
    assert found == counted
    assert len(counted) > 12


def test_mails_and_other_clinics_texts_are_not_counted(client, nurse):
    MailFactory(created_at=NOON, status="sent")
    text(ClinicFactory(), "delivered")
    assert "No text was asked for in these days." in client.get(PAGE, MARCH).content.decode()


def test_a_viewer_reads_it_and_nobody_without_a_role(client, clinic):
    client.force_login(ViewerFactory(clinics=[clinic]))
    assert client.get(PAGE).status_code == 200
    client.force_login(ViewerFactory(role=""))
    assert client.get(PAGE).status_code == 302


def test_the_figures_come_as_csv(client, nurse, clinic):
    text(clinic, "failed", error_code="=1+1")
    answer = client.get(PAGE, {**MARCH, "format": "csv"})
    [row] = csv.DictReader(StringIO(answer.getvalue().decode("utf-8-sig")))
    assert (row["provider"], row["error_code"], row["messages"]) == ("twilio", "'=1+1", "1")


def test_it_costs_as_many_queries_for_many_clinics_as_for_few(client, django_assert_max_num_queries):
    for _number in range(12):
        text(ClinicFactory(), "delivered")
    client.force_login(AdminFactory())
    with django_assert_max_num_queries(12):
        assert len(dict(client.get(PAGE, MARCH).context["parts"])["Clinics"]) == 12
