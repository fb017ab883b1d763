"""Every list of the admin as a file: only what the person may see, safe for spreadsheets, on record."""

import csv
from datetime import UTC, datetime
from io import BytesIO, StringIO

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from accounts.list_exports import ExportedList
from accounts.models import AuditEntry, Role
from appointments.models import Appointment
from messaging.models import SendingSwitch
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory, ReminderFactory, morning_in
from tests.factories.messaging import AlarmFactory, MessageFactory, OptOutFactory, ReplyFactory
from tests.factories.stock import stocked

pytestmark = pytest.mark.django_db
CSV, XLSX = "0", "1"
THEIRS = {"axes", "django_q"}
LISTS = [
    model
    for model in admin.site._registry
    if model._meta.app_label not in THEIRS and model is not SendingSwitch
]


def address(model, page="export"):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}")


def exported(client, name, fmt=CSV, query=""):
    app, model = name.split(".")
    return client.post(reverse(f"admin:{app}_{model}_export") + query, {"resource": "0", "format": fmt})


def rows(answer):
    return list(csv.DictReader(StringIO(answer.getvalue().decode("utf-8-sig"))))


@pytest.fixture
def clinic():
    return ClinicFactory(code="GAB01")


def life(clinic):
    """A row for most lists."""
    visit = AppointmentFactory(
        patient__clinic=clinic, patient__consent=False, starts_at=morning_in(2, clinic)
    )
    ReminderFactory(appointment=visit, message=MessageFactory(clinic=clinic))
    ReminderFactory(appointment=visit, hours_before=168)
    ReplyFactory(clinic=clinic)
    OptOutFactory()
    AlarmFactory()
    stocked(5, clinic=clinic)
    return visit


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model._meta.label)
@pytest.mark.parametrize("fmt", [CSV, XLSX])
def test_every_list_can_be_taken_along(client, clinic, model, fmt):
    life(clinic)
    client.force_login(AdminFactory())
    assert isinstance(admin.site.get_model_admin(model), ExportedList)
    assert address(model) in client.get(address(model, "changelist")).content.decode()
    assert client.get(address(model)).status_code == 200
    answer = client.post(address(model), {"resource": "0", "format": fmt})
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.getvalue()


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model._meta.label)
@pytest.mark.parametrize("role", [Role.STAFF, Role.VIEWER])
def test_who_does_not_see_a_list_gets_no_file_of_it(client, clinic, model, role):
    client.force_login(StaffFactory(role=role, clinics=[clinic]))
    seen = client.get(address(model, "changelist")).status_code
    assert client.get(address(model)).status_code == seen
    assert client.post(address(model), {"resource": "0", "format": CSV}).status_code == seen


def test_it_holds_the_rows_of_the_persons_clinics_alone(client, nurse, clinic):
    own = PatientFactory(clinic=clinic, name="Own")
    PatientFactory(name="Other")
    assert [row["Name"] for row in rows(exported(client, "appointments.patient"))] == [own.name]


def test_it_is_filtered_and_searched_as_the_list_is(client, nurse, clinic):
    for name in ("Neo", "Kagiso"):
        PatientFactory(clinic=clinic, name=name)
    found = rows(exported(client, "appointments.patient", query="?q=kagi"))
    assert [row["Name"] for row in found] == ["Kagiso"]


def test_a_filter_that_is_none_leads_back_to_the_list(client, nurse):
    assert exported(client, "appointments.patient", query="?phone__startswith=1").status_code in (302, 400)


def test_a_viewer_gets_phones_masked(client, clinic):
    patient = PatientFactory(clinic=clinic, phone="+26771234567")
    AppointmentFactory(patient=patient)
    MessageFactory(clinic=clinic, to=patient.phone)
    ReplyFactory(clinic=clinic, phone=patient.phone, body="my leg hurts")
    client.force_login(ViewerFactory(clinics=[clinic]))
    for name in ("appointments.patient", "appointments.appointment", "messaging.message", "messaging.reply"):
        text = exported(client, name).getvalue().decode()
        assert "+267•••••567" in text
        assert "71234567" not in text
        assert "my leg" not in text


@pytest.mark.parametrize("name", ["=1+1", "+HYPERLINK(1)", "@x", "-2+3", " =1"])
def test_no_cell_is_a_formula(client, nurse, clinic, name):
    PatientFactory(clinic=clinic, name=name)
    assert rows(exported(client, "appointments.patient"))[0]["Name"] == f"'{name}"
    book = load_workbook(BytesIO(exported(client, "appointments.patient", XLSX).getvalue()))
    cells = [cell for row in book.active.iter_rows(min_row=2) for cell in row]
    assert "f" not in {cell.data_type for cell in cells}
    assert f"'{name}" in [cell.value for cell in cells]


def test_a_workbook_takes_what_it_can_not_hold_out(client, nurse, clinic):
    PatientFactory(clinic=clinic, name="Neo\x0bMolefe")
    book = load_workbook(BytesIO(exported(client, "appointments.patient", XLSX).getvalue()))
    assert book.active["B2"].value == "NeoMolefe"


def test_times_are_on_the_clinics_clock(client):
    far = ClinicFactory(time_zone="Pacific/Auckland")
    AppointmentFactory(patient__clinic=far, starts_at=datetime(2030, 7, 1, 0, 0, tzinfo=UTC))
    client.force_login(AdminFactory())
    [row] = rows(exported(client, "appointments.appointment"))
    assert row["Date and time"] == "2030-07-01 12:00"


def test_states_are_words_and_numbers_are_numbers(client, nurse, clinic):
    AppointmentFactory(patient__clinic=clinic, starts_at=morning_in(2, clinic), duration_minutes=45)
    book = load_workbook(BytesIO(exported(client, "appointments.appointment", XLSX).getvalue()))
    sheet = book.active
    told = {cell.value: sheet.cell(2, cell.column).value for cell in sheet[1]}
    assert (told["Status"], told["Minutes"]) == ("Booked", 45)


def test_the_log_says_who_took_how_many_rows_of_what(client, nurse, clinic):
    for _number in range(3):
        PatientFactory(clinic=clinic)
    exported(client, "appointments.patient", query="?consent__exact=1&q=Patient")
    entry = AuditEntry.objects.get(action="exported")
    assert (entry.actor_id, entry.clinic_id, entry.object_type) == (
        nurse.pk,
        clinic.pk,
        "appointments.patient",
    )
    assert entry.changes == {
        "rows": [None, 3],
        "format": [None, "csv"],
        "filters": [None, "consent__exact, q"],
    }


@pytest.mark.parametrize("name", ["appointments.appointment", "appointments.patient", "messaging.message"])
def test_it_costs_as_many_queries_for_many_rows_as_for_few(client, clinic, name):
    client.force_login(AdminFactory())

    def cost():
        with CaptureQueriesContext(connection) as queries:
            found = len(rows(exported(client, name)))
        return found, len(queries)

    for _number in range(2):
        life(clinic)
    few, cheap = cost()
    for _number in range(20):
        life(clinic)
    many, dear = cost()
    assert many >= few + 20
    assert dear == cheap


def test_the_library_brings_in_nothing(client):
    client.force_login(AdminFactory())
    assert client.get(address(Appointment, "changelist") + "import/").status_code in (302, 404)
    assert not hasattr(admin.site.get_model_admin(Appointment), "import_action")


def test_no_format_is_no_file(client, nurse):
    page = exported(client, "appointments.patient", "7")
    assert page.status_code == 200
    assert page.context["form"].errors
