"""The manager's page of attendance, and the lists that it leads into."""

import csv
import html
import re
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.urls import reverse

from tests.factories.accounts import AdminFactory, ClinicFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory
from tests.factories.messaging import MessageFactory

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:appointments_patient_attendance")
LIST = reverse("admin:appointments_appointment_changelist")
# A Tuesday, 11:00 in Gaborone.
TUESDAY = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
MARCH = {"from": "2026-03-01", "until": "2026-03-31"}


def visit(clinic, status, starts_at=TUESDAY, reminder=None, **fields):
    made = AppointmentFactory(patient__clinic=clinic, status=status, starts_at=starts_at, **fields)
    if reminder:
        MessageFactory(
            clinic=clinic,
            status=reminder,
            subject_type="appointments.appointment",
            subject_id=made.pk,
            subject_at=made.starts_at,
        )
    return made


def line(page, part, title):
    lines = {str(name): lines for name, lines in page.context["parts"]}[part]
    return next(line for line in lines if line.title == title)


def test_the_rate_is_of_those_marked(client, nurse, clinic):
    for status in ("attended", "attended", "attended", "missed", "booked", "cancelled"):
        visit(clinic, status)
    page = client.get(PAGE, MARCH)
    assert [figure for _label, figure, _href in page.context["figures"]] == ["25.0 %", "1", "3", "1"]


def test_a_text_that_failed_and_none_at_all_are_told_apart(client, nurse, clinic):
    for status, reminder in (("attended", "delivered"), ("missed", "failed"), ("missed", None)):
        visit(clinic, status, reminder=reminder)
    page = client.get(PAGE, MARCH)
    rates = {line.title: line.rate for line in page.context["parts"][0][1]}
    assert rates == {
        "The reminder was delivered": "0.0 %",
        "The reminder did not arrive": "100.0 %",
        "No reminder was sent": "100.0 %",
    }


def test_each_figure_leads_to_as_many_visits(client, nurse, clinic):
    for day, status, reminder in (
        (3, "attended", "delivered"),
        (4, "missed", "failed"),
        (5, "missed", None),
        (9, "booked", "sent"),
        (10, "cancelled", None),
        (10, "missed", "delivered"),
    ):
        visit(clinic, status, TUESDAY.replace(day=day), reminder)
    visit(clinic, "missed", TUESDAY.replace(month=4))
    visit(ClinicFactory(), "missed")
    page = client.get(PAGE, MARCH)
    wrong, seen = {}, 0
    for _title, lines in page.context["parts"]:
        for each in lines:
            for cell in each.cells:
                seen += 1
                found = client.get(cell.href).context["cl"].result_count
                if cell.text != str(found):
                    wrong[cell.href] = (cell.text, found)
    for _label, figure, href in page.context["figures"][1:]:
        assert figure == str(client.get(href).context["cl"].result_count), href
    assert wrong == {}
    assert seen > 20


def test_the_months_of_the_picture_lead_to_who_did_not_come(client, nurse, clinic):
    missed = visit(clinic, "missed")
    visit(clinic, "attended")
    picture = str(client.get(PAGE, MARCH).context["picture"])
    [href] = re.findall(r'href="([^"]+)"', picture)
    assert list(client.get(html.unescape(href)).context["cl"].result_list) == [missed]


def test_months_and_weekdays_are_the_clinics_own_also_in_the_list(client):
    far = ClinicFactory(time_zone="Pacific/Auckland", name="Far")
    ClinicFactory()
    client.force_login(AdminFactory())
    # Tuesday the 31st in London is Wednesday the 1st there.
    made = visit(far, "missed", datetime(2026, 3, 31, 20, tzinfo=UTC))
    page = client.get(PAGE, {"from": "2026-04-01", "until": "2026-04-30"})
    cell = line(page, "Weekdays", "Wednesday").cells[0]
    assert list(client.get(cell.href).context["cl"].result_list) == [made]


def test_one_clinic_alone_is_counted_when_asked_for(client, clinic):
    other = ClinicFactory()
    for place in (clinic, other):
        visit(place, "missed")
    client.force_login(AdminFactory())
    page = client.get(PAGE, {**MARCH, "clinic": str(other.pk)})
    assert page.context["figures"][1][1] == "1"
    assert [each.title for each in dict(page.context["parts"])["Clinics"]] == [other.name]


def test_another_clinics_visits_are_not_counted(client, nurse):
    other = visit(ClinicFactory(), "missed")
    page = client.get(PAGE, {**MARCH, "clinic": str(other.clinic_id)})
    assert "There were no visits in these days." in page.content.decode()


def test_no_visits_are_said_to_be_none(client, nurse):
    assert "There were no visits in these days." in client.get(PAGE).content.decode()


def test_a_viewer_reads_it_and_nobody_without_a_role(client, clinic):
    client.force_login(ViewerFactory(clinics=[clinic]))
    assert client.get(PAGE).status_code == 200
    client.force_login(ViewerFactory(role=""))
    assert client.get(PAGE).status_code == 302


def test_the_figures_come_as_csv_without_formulas(client, nurse, clinic):
    clinic.name = "=HYPERLINK(1)"
    clinic.save()
    visit(clinic, "missed", reminder="delivered")
    answer = client.get(PAGE, {**MARCH, "format": "csv"})
    [row] = csv.DictReader(StringIO(answer.getvalue().decode("utf-8-sig")))
    assert (row["clinic_name"], row["reminder"], row["missed"]) == ("'=HYPERLINK(1)", "delivered", "1")


def test_it_costs_as_many_queries_for_many_clinics_as_for_few(client, django_assert_max_num_queries):
    for _number in range(12):
        visit(ClinicFactory(), "missed")
    client.force_login(AdminFactory())
    with django_assert_max_num_queries(12):
        assert len(dict(client.get(PAGE, MARCH).context["parts"])["Clinics"]) == 12


@pytest.mark.parametrize(
    "query",
    [
        "day=2026-03-01..x",
        "day=..",
        "weekday=9",
        "reached=x",
        "marked=x",
        "day=2026-03-05..2026-03-01",
    ],
)
def test_a_filter_that_makes_no_sense_breaks_no_list(client, nurse, clinic, query):
    visit(clinic, "missed")
    assert client.get(f"{LIST}?{query}").status_code in (200, 302)
