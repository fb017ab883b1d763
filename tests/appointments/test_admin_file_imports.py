import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from appointments.file_import.reading import MAX_BYTES
from appointments.models import Appointment, FileImport
from tests.architecture.house import ROOT
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory

pytestmark = pytest.mark.django_db

ADD = reverse("admin:appointments_fileimport_add")
LIST = reverse("admin:appointments_fileimport_changelist")
MESSY = (ROOT / "tests/data/appointments_messy.csv").read_bytes()


@pytest.fixture
def clinics():
    return [ClinicFactory(code="GAB01", default_language="tn"), ClinicFactory(code="FRW02")]


@pytest.fixture
def nurse(client, clinics):
    nurse = StaffFactory(clinics=clinics)
    client.force_login(nurse)
    return nurse


def send(client, content, name="list.csv", **fields):
    return client.post(ADD, {"file": SimpleUploadedFile(name, content), **fields}, follow=True)


def page_of(waiting):
    return reverse("admin:appointments_fileimport_change", args=[waiting.pk])


def take(client, waiting, step):
    url = reverse("admin:appointments_fileimport_step", args=[waiting.pk])
    return client.post(url, {"step": step}, follow=True).content.decode()


def counts(waiting):
    waiting.refresh_from_db()
    return waiting.created, waiting.updated, waiting.unchanged, waiting.rejected


def test_a_file_is_previewed_confirmed_and_imported(client, nurse):
    preview = send(client, MESSY).content.decode()
    waiting = FileImport.objects.get()
    assert "nothing is imported yet" in preview
    assert "Import 14 rows" in preview
    assert (counts(waiting), Appointment.objects.count()) == ((14, 0, 2, 13), 0)
    result = take(client, waiting, "confirm")
    assert "14 rows are imported" in result
    assert (counts(waiting), Appointment.objects.count()) == ((14, 0, 2, 13), 14)


def test_the_preview_shows_each_rejected_row_with_its_cell_and_reason(client, nurse):
    preview = send(client, MESSY).content.decode()
    assert re.search(">3912345</td><td[^>]*>This is not a mobile number", preview)
    assert "NOT_A_MOBILE" in preview


def test_the_preview_shows_what_patients_will_read(client, nurse):
    assert "Dumela Thabo Molefe" in send(client, MESSY).content.decode()


def test_columns_that_are_not_used_are_named(client, nurse):
    content = b"phone,date,time,clinic,weather\n71234567,2030-06-04,09:00,GAB01,sunny\n"
    assert "<code>weather</code>" in send(client, content).content.decode()


def test_a_double_click_imports_once(client, nurse):
    send(client, MESSY)
    waiting = FileImport.objects.get()
    take(client, waiting, "confirm")
    again = take(client, waiting, "confirm")
    assert "any more" in again
    assert (counts(waiting), Appointment.objects.count()) == ((14, 0, 2, 13), 14)


def test_a_preview_that_no_longer_holds_is_shown_anew(client, nurse, clinics):
    send(client, b"phone,date,time,clinic,name,reference\n71234567,2030-06-04,09:00,GAB01,Neo,A-1\n")
    waiting = FileImport.objects.get()
    patient = PatientFactory(clinic=clinics[0], phone="+26772222222", name="Kabo")
    AppointmentFactory(patient=patient, reference="A-1")
    page = take(client, waiting, "confirm")
    assert "Something has changed since the preview" in page
    assert (counts(waiting), waiting.state) == ((0, 0, 0, 1), "previewed")


def test_the_new_preview_can_be_confirmed(client, nurse, clinics):
    rows = b"71234567,2030-06-04,09:00,GAB01,Neo,A-1\n71234568,2030-06-05,09:00,GAB01,Tau,A-2\n"
    send(client, b"phone,date,time,clinic,name,reference\n" + rows)
    waiting = FileImport.objects.get()
    patient = PatientFactory(clinic=clinics[0], phone="+26772222222", name="Kabo")
    AppointmentFactory(patient=patient, reference="A-1")
    assert re.search(r"Import 1 row\s*<", take(client, waiting, "confirm"))
    assert "1 row is imported" in take(client, waiting, "confirm")
    assert (counts(waiting), waiting.state) == ((1, 0, 0, 1), "done")


def test_the_form_offers_spreadsheets(client, nurse):
    page = client.get(ADD).content.decode()
    assert 'accept=".csv,.txt,.tsv,.xlsx"' in page
    assert "CSV or Excel (.xlsx)" in page


def test_a_file_is_hidden_from_who_has_lost_one_of_its_clinics(client, nurse, clinics):
    send(client, MESSY)
    nurse.clinics.set(clinics[:1])
    waiting = FileImport.objects.get()
    assert [client.get(address).status_code for address in addresses(waiting)] == [404, 404]
    step = reverse("admin:appointments_fileimport_step", args=[waiting.pk])
    assert client.post(step, {"step": "confirm"}).status_code == 404
    assert client.get(LIST).context["cl"].result_count == 0


def test_a_further_clinic_hides_no_file(client, nurse, clinics):
    send(client, MESSY)
    nurse.clinics.add(ClinicFactory())
    waiting = FileImport.objects.get()
    assert [client.get(address).status_code for address in addresses(waiting)] == [200, 200]


def test_a_file_reaches_only_the_clinics_of_when_it_was_uploaded(client, clinics):
    nurse = StaffFactory(clinics=clinics[:1])
    client.force_login(nurse)
    send(
        client, b"phone,date,time,clinic\n71234567,2030-06-04,09:00,FRW02\n71234567,2030-06-05,09:00,GAB01\n"
    )
    nurse.clinics.add(clinics[1])
    waiting = FileImport.objects.get()
    take(client, waiting, "confirm")
    assert (counts(waiting), waiting.state) == ((1, 0, 0, 1), "done")


def test_a_dropped_file_imports_nothing(client, nurse):
    send(client, MESSY)
    waiting = FileImport.objects.get()
    assert "Nothing was imported" in take(client, waiting, "discard")
    take(client, waiting, "confirm")
    assert not Appointment.objects.exists()


def test_the_rejected_rows_can_be_downloaded_corrected_and_imported(client, nurse):
    send(client, MESSY)
    waiting = FileImport.objects.get()
    take(client, waiting, "confirm")
    url = reverse("admin:appointments_fileimport_rejected", args=[waiting.pk])
    answer = client.get(url)
    assert "no-store" in answer["Cache-Control"]
    assert "attachment" in answer["Content-Disposition"]
    send(client, answer.content.replace(b"3912345", b"71999888"), name="again.csv")
    again = FileImport.objects.get(filename="again.csv")
    assert counts(again)[0] == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "This file is empty."),
        (b"phone,date,time\n", "no appointments under them"),
        (b"a,b\n1,2\n", "No column for the patient"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), None),
        (b"phone\n" + b"7" * MAX_BYTES, "larger than 20 MB"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_at_the_file(client, nurse, content, said):
    page = send(client, content)
    errors = page.context["adminform"].form.errors
    assert list(errors) == ["file"]
    assert said is None or said in errors["file"][0]
    assert not FileImport.objects.exists()


def test_the_clinic_for_rows_without_one_must_be_ones_own(client, nurse):
    page = send(client, MESSY, clinic=ClinicFactory().pk)
    assert "clinic" in page.context["adminform"].form.errors


def test_rows_of_another_clinic_are_rejected(client, clinics):
    client.force_login(StaffFactory(clinics=clinics[:1]))
    send(client, b"phone,date,time,clinic\n71234567,2030-06-04,09:00,FRW02\n")
    assert counts(FileImport.objects.get()) == (0, 0, 0, 1)


def addresses(waiting):
    return [page_of(waiting), reverse("admin:appointments_fileimport_rejected", args=[waiting.pk])]


@pytest.mark.parametrize("role", [StaffFactory, ViewerFactory])
def test_a_file_is_not_there_for_anyone_else(client, nurse, clinics, role):
    send(client, MESSY)
    waiting = FileImport.objects.get()
    client.force_login(role(clinics=clinics))
    assert [client.get(address).status_code for address in addresses(waiting)] == [404, 404]
    step = reverse("admin:appointments_fileimport_step", args=[waiting.pk])
    assert client.post(step, {"step": "confirm"}).status_code == 404
    assert client.get(LIST).context["cl"].result_count == 0


def test_an_admin_sees_every_file(client, nurse):
    send(client, MESSY)
    waiting = FileImport.objects.get()
    client.force_login(AdminFactory())
    assert [client.get(address).status_code for address in addresses(waiting)] == [200, 200]


def test_the_list_does_not_load_the_files(client, nurse, django_assert_max_num_queries):
    send(client, MESSY)
    with django_assert_max_num_queries(15) as seen:
        client.get(LIST)
    assert not any('"content"' in query["sql"] for query in seen.captured_queries)


def test_a_formula_in_a_rejected_row_leaves_as_text(client, nurse):
    send(client, b"phone,date,time,name\n391,2030-06-04,09:00,=1+1\n")
    url = reverse("admin:appointments_fileimport_rejected", args=[FileImport.objects.get().pk])
    assert "'=1+1" in io.StringIO(client.get(url).content.decode()).getvalue()
