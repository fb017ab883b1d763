import csv
import io
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import AuditEntry
from appointments.models import Appointment, FileImport
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, ViewerFactory

pytestmark = pytest.mark.django_db
UPLOAD = "/api/v1/appointments/upload"
UPLOADS = "/api/v1/appointments/uploads"
HEADER = "patient_phone,patient_name,appointment_datetime,clinic,reference,colour\n"


@pytest.fixture
def clinic():
    return ClinicFactory(code="GAB01")


def row(n, phone=None, clinic="GAB01"):
    day = timezone.now() + timedelta(days=10 + n // 100)
    time = f"{8 + n % 100 // 10:02d}:{n % 10:02d}"
    return f"{phone or f'+26771{n:06d}'},Patient {n},{day:%Y-%m-%d} {time},{clinic},R{n},red\n"


def file(*rows, header=HEADER):
    return SimpleUploadedFile("visits.csv", (header + "".join(rows)).encode(), content_type="text/csv")


def upload(caller, content, **fields):
    return caller.post(UPLOAD, {"file": content, **fields}, format="multipart")


def code_of(answer):
    return answer.status_code, answer.json()["error"]["code"]


def test_a_file_is_imported_and_its_report_adds_up(caller):
    answer = upload(caller, file(row(1), row(2, phone="12"), row(3)))
    assert answer.status_code == 200
    report = answer.json()
    counts = {name: report[name] for name in ("created", "updated", "unchanged", "rejected")}
    assert counts == {"created": 2, "updated": 0, "unchanged": 0, "rejected": 1}
    assert report["status"] == "done"
    assert report["dry_run"] is False
    assert report["ignored_columns"] == ["colour"]
    assert Appointment.objects.count() == 2


def test_a_rejected_row_is_named_with_its_line_column_code_and_reason(caller):
    [error] = upload(caller, file(row(1), row(2, phone="12"))).json()["errors"]
    assert (error["row"], error["line"], error["column"]) == (3, 3, "patient_phone")
    assert error["code"] == "INVALID_PHONE"
    assert error["message"]


def test_the_same_file_again_changes_nothing(caller):
    upload(caller, file(row(1), row(2)))
    again = upload(caller, file(row(1), row(2))).json()
    assert (again["created"], again["unchanged"]) == (0, 2)


@pytest.mark.parametrize("dry_run", ["true", "1"])
def test_a_dry_run_says_what_the_import_does_and_does_nothing(caller, dry_run):
    said = upload(caller, file(row(1), row(2, phone="12")), dry_run=dry_run).json()
    assert not Appointment.objects.exists()
    assert said["dry_run"] is True
    done = upload(caller, file(row(1), row(2, phone="12"))).json()
    same = ("created", "updated", "unchanged", "rejected", "errors")
    assert {name: said[name] for name in same} == {name: done[name] for name in same}


def test_rows_without_a_clinic_go_to_the_one_given(caller, clinic):
    report = upload(caller, file(row(1, clinic="")), clinic="gab01").json()
    assert report["created"] == 1
    assert Appointment.objects.get().clinic == clinic


@pytest.mark.parametrize("code", ["NOWHERE", "FRA01"])
def test_a_clinic_that_is_not_among_the_callers_is_refused(caller, code):
    ClinicFactory(code="FRA01")
    answer = upload(caller, file(row(1)), clinic=code)
    assert code_of(answer) == (400, "VALIDATION_ERROR")
    assert list(answer.json()["error"]["details"]) == ["clinic"]


def test_rows_of_another_clinic_are_rejected(caller):
    ClinicFactory(code="FRA01")
    assert upload(caller, file(row(1, clinic="FRA01"))).json()["rejected"] == 1
    assert not Appointment.objects.exists()


@pytest.mark.parametrize(
    "content",
    [b"", HEADER.encode(), b"name,colour\nMpho,red\n"],
    ids=["empty", "only headings", "no phone column"],
)
def test_a_file_that_can_not_be_read_is_refused_and_not_kept(caller, content):
    answer = upload(caller, SimpleUploadedFile("visits.csv", content))
    assert code_of(answer) == (400, "VALIDATION_ERROR")
    assert not FileImport.objects.exists()


def test_a_file_over_20_megabytes_is_refused(caller):
    answer = upload(caller, SimpleUploadedFile("visits.csv", b"x" * (20 * 1024 * 1024 + 1)))
    assert code_of(answer) == (413, "PAYLOAD_TOO_LARGE")


def test_a_form_far_over_20_megabytes_is_refused_before_it_is_read(caller):
    answer = caller.generic(
        "POST", UPLOAD, b"x", "multipart/form-data; boundary=x", CONTENT_LENGTH="99999999"
    )
    assert code_of(answer) == (413, "PAYLOAD_TOO_LARGE")


def test_a_form_without_a_file_is_refused_by_field(caller):
    answer = caller.post(UPLOAD, {"clinic": "GAB01"}, format="multipart")
    assert list(answer.json()["error"]["details"]) == ["file"]


def test_a_field_that_is_not_known_is_refused(caller):
    answer = upload(caller, file(row(1)), dryrun="true")
    assert code_of(answer) == (400, "VALIDATION_ERROR")
    assert not Appointment.objects.exists()


def test_a_file_as_json_is_refused(caller):
    assert code_of(caller.post(UPLOAD, {}, format="json")) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_form_that_is_none_is_refused(caller):
    answer = caller.generic("POST", UPLOAD, b"nothing", "multipart/form-data")
    assert answer.status_code == 400


def test_more_than_1000_rows_wait_for_the_background(caller):
    answer = upload(caller, file(*map(row, range(1001))))
    assert answer.status_code == 202
    assert set(answer.json()) == {"upload_id"}
    waiting = caller.get(f"{UPLOADS}/{answer.json()['upload_id']}").json()
    assert (waiting["status"], waiting["progress"]) == ("waiting", 0)
    assert not Appointment.objects.exists()


def test_1000_rows_are_answered_at_once(caller):
    answer = upload(caller, file(*map(row, range(1000))))
    assert (answer.status_code, answer.json()["created"]) == (200, 1000)


def test_the_report_can_be_read_again(caller):
    report = upload(caller, file(row(1), row(2, phone="12"))).json()
    assert caller.get(f"{UPLOADS}/{report['upload_id']}").json() == report
    assert report["progress"] == 100


def test_the_rejected_rows_come_back_as_they_were_with_a_reason(caller):
    report = upload(caller, file(row(1), row(2, phone="12"))).json()
    answer = caller.get(f"{UPLOADS}/{report['upload_id']}/errors.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    [rejected] = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert rejected["patient_phone"] == "12"
    assert rejected["reason"]


def test_the_rejected_rows_of_a_file_that_waits_are_not_known_yet(caller):
    upload_id = upload(caller, file(*map(row, range(1001)))).json()["upload_id"]
    assert code_of(caller.get(f"{UPLOADS}/{upload_id}/errors.csv")) == (409, "STATE_CONFLICT")


@pytest.mark.parametrize("made_by", [StaffFactory, ViewerFactory])
@pytest.mark.parametrize("path", ["", "/errors.csv"])
def test_anothers_file_is_not_there_even_in_the_same_clinic(api, clinic, caller, made_by, path):
    upload_id = upload(caller, file(row(1))).json()["upload_id"]
    answer = api(made_by(clinics=[clinic])).get(f"{UPLOADS}/{upload_id}{path}")
    assert code_of(answer) == (404, "NOT_FOUND")


def test_an_administrator_reads_every_report(api, caller):
    upload_id = upload(caller, file(row(1))).json()["upload_id"]
    assert api(AdminFactory()).get(f"{UPLOADS}/{upload_id}").status_code == 200


def test_an_upload_that_never_was_is_not_found(caller):
    assert code_of(caller.get(f"{UPLOADS}/{uuid4()}")) == (404, "NOT_FOUND")


def test_a_viewer_may_not_upload(api, clinic):
    answer = upload(api(ViewerFactory(clinics=[clinic])), file(row(1)))
    assert code_of(answer) == (403, "PERMISSION_DENIED")
    assert not Appointment.objects.exists()


def test_an_import_is_in_the_audit_log(caller):
    upload_id = upload(caller, file(row(1))).json()["upload_id"]
    assert AuditEntry.objects.filter(action="file imported", object_id=upload_id).exists()


def test_json_in_place_of_a_file_is_told_what_to_send(api):
    answer = api(StaffFactory(clinics=[ClinicFactory()])).post(
        "/api/v1/appointments/upload", {}, format="json"
    )
    assert answer.status_code == 415
    assert "multipart/form-data" in answer.json()["error"]["message"]
