from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from accounts.audit import SYSTEM
from accounts.models import AuditEntry, Clinic
from appointments.file_import.importing import PreviewOutdated, Report, import_file
from appointments.file_import.reading import open_file
from appointments.file_import.rows import RejectedRecord
from appointments.models import Appointment, Patient, Reminder
from appointments.patients import change_patient
from appointments.services import book, cancel, change, confirm, mark_attendance
from tests.factories.accounts import ClinicFactory
from tests.factories.appointments import PatientFactory

DATA = Path(__file__).parent.parent / "data"
NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
HEADER = "phone,datetime,clinic,name,reference,file no,language,duration minutes,consent,status,visit type"
COLUMNS = HEADER.split(",")
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clinics():
    return [
        ClinicFactory(code="GAB01", default_language="tn"),
        ClinicFactory(code="FRW02", default_language="en"),
    ]


@dataclass
class Imported:
    report: Report
    refused: list[RejectedRecord]

    def __getattr__(self, name):
        return getattr(self.report, name)

    @property
    def codes(self):
        return [item.code for item in self.refused]


def counts(report):
    return (report.created, report.updated, report.unchanged, report.rejected)


def run(content, **options):
    rejected = []
    if isinstance(content, str):
        content = (HEADER + "\n" + content).encode()
    report = import_file(
        open_file(content),
        clinics=Clinic.objects.all(),
        actor=SYSTEM,
        now=options.pop("now", NOW),
        on_rejected=rejected.extend,
        **options,
    )
    return Imported(report, rejected)


def row(**cells):
    cells = {
        "phone": "71234567",
        "datetime": "2026-12-20 09:00",
        "clinic": "GAB01",
        "name": "Neo Kgosi",
        **cells,
    }
    return ",".join(str(cells.get(column.replace(" ", "_"), "")) for column in COLUMNS)


def rows(*lines):
    return "\n".join(lines)


def test_the_messy_sample_gives_its_known_counts_twice_and_in_its_second_version():
    messy = (DATA / "appointments_messy.csv").read_bytes()
    assert counts(run(messy)) == (14, 0, 2, 13)
    assert counts(run(messy)) == (0, 0, 16, 13)
    assert counts(run((DATA / "appointments_messy_v2.csv").read_bytes())) == (1, 3, 11, 0)


def test_of_the_messy_sample_only_the_rows_meant_to_be_bad_are_rejected():
    report = run((DATA / "appointments_messy.csv").read_bytes())
    references = [item.record.cells["reference"] for item in report.refused]
    assert [r for r in references if not r.startswith("B-")] == ["A-001"]


def test_what_a_spreadsheet_saves_is_imported():
    excel = (DATA / "appointments_excel.csv").read_bytes()
    assert counts(run(excel)) == (200, 0, 0, 0)
    assert counts(run(excel)) == (0, 0, 200, 0)


@pytest.mark.parametrize("name", ["appointments_messy.csv", "appointments_excel.csv"])
def test_a_dry_run_says_what_the_import_does_and_changes_nothing(name):
    content = (DATA / name).read_bytes()
    dry = run(content, dry_run=True)
    assert not Appointment.objects.exists()
    assert not Patient.objects.exists()
    wet = run(content)
    assert counts(dry) == counts(wet)
    assert dry.chunk_digests == wet.chunk_digests


def test_a_dry_run_sees_across_chunks_what_earlier_rows_would_do(monkeypatch):
    monkeypatch.setattr("appointments.file_import.importing.CHUNK", 1)
    content = (DATA / "appointments_messy.csv").read_bytes()
    dry = run(content, dry_run=True)
    assert counts(dry) == (14, 0, 2, 13)
    assert run(content, expected_digests=dry.chunk_digests).created == 14


def test_created_appointments_have_their_reminders():
    run(row())
    assert sorted(Reminder.objects.values_list("hours_before", flat=True)) == [24, 168]


def test_a_moved_row_moves_the_appointment_and_its_reminders():
    run(row(reference="A"))
    assert counts(run(row(reference="A", datetime="2026-12-22 10:00"))) == (0, 1, 0, 0)
    assert set(Reminder.objects.values_list("visit_at", flat=True)) == {
        datetime(2026, 12, 22, 8, 0, tzinfo=UTC)
    }


def test_a_file_does_not_undo_a_nurse_who_moved_the_visit():
    run(row(reference="A"))
    change(Appointment.objects.get().pk, starts_at=NOW + timedelta(days=3), actor=SYSTEM, now=NOW)
    assert counts(run(row(reference="A"))) == (0, 0, 1, 0)
    assert Appointment.objects.get().starts_at == NOW + timedelta(days=3)


def test_a_row_without_reference_finds_the_visit_that_a_nurse_moved():
    run(row())
    change(Appointment.objects.get().pk, starts_at=NOW + timedelta(days=3), actor=SYSTEM, now=NOW)
    assert counts(run(row())) == (0, 0, 1, 0)


def test_a_file_does_not_undo_a_nurse_who_cancelled_the_visit():
    run(row())
    cancel(Appointment.objects.get().pk, actor=SYSTEM, now=NOW)
    assert counts(run(row())) == (0, 0, 1, 0)


def test_a_file_changes_what_changed_in_the_file_and_leaves_what_a_nurse_changed():
    run(row(reference="A", language="tn"))
    change(Appointment.objects.get().pk, starts_at=NOW + timedelta(days=3), actor=SYSTEM, now=NOW)
    assert counts(run(row(reference="A", language="en"))) == (0, 1, 0, 0)
    appointment = Appointment.objects.get()
    assert (appointment.language, appointment.starts_at) == ("en", NOW + timedelta(days=3))


def test_a_file_does_not_undo_a_nurse_who_corrected_the_phone():
    run(row(reference="A", file_no="F1"))
    change_patient(Patient.objects.get().pk, phone="72345678", actor=SYSTEM, now=NOW)
    run(rows(row(reference="A", file_no="F1"), row(reference="B", file_no="F1", datetime="2026-12-28 09:00")))
    assert Patient.objects.get().phone == "+26772345678"


def test_a_file_does_not_undo_a_patients_no():
    run(row(reference="A", consent="yes"))
    change_patient(Patient.objects.get().pk, consent=False, actor=SYSTEM, now=NOW)
    run(row(reference="B", consent="yes", datetime="2026-12-28 09:00"))
    assert Patient.objects.get().consent is False


def test_a_blank_cell_leaves_what_is_stored():
    run(row(reference="A", language="tn", visit_type="review", duration_minutes=45, consent="no"))
    run(row(reference="A", datetime="2026-12-21 09:00"))
    appointment = Appointment.objects.select_related("patient").get()
    assert (appointment.language, appointment.visit_type, appointment.duration_minutes) == (
        "tn",
        "review",
        45,
    )
    assert appointment.patient.consent is False


def test_a_reference_that_arrives_later_is_adopted():
    run(row())
    assert counts(run(row(reference="A"))) == (0, 1, 0, 0)
    assert Appointment.objects.get().reference == "A"
    assert counts(run(row(reference="A"))) == (0, 0, 1, 0)


def test_a_patient_number_that_arrives_later_is_adopted():
    run(row(reference="A"))
    assert counts(run(row(reference="A", file_no="F1"))) == (0, 1, 0, 0)
    assert Patient.objects.get().patient_number == "F1"


def test_a_patient_number_is_adopted_by_a_new_appointment_too():
    run(row(reference="A"))
    assert counts(run(row(reference="B", file_no="F1", datetime="2026-12-28 09:00"))) == (1, 0, 0, 0)
    assert Patient.objects.get().patient_number == "F1"


@pytest.mark.parametrize("cells", [{"phone": "72345678"}, {"name": "Neo Molefe"}])
def test_a_reference_with_the_same_name_or_phone_corrects_the_patient(cells):
    run(row(reference="A"))
    assert counts(run(row(reference="A", **cells))) == (0, 1, 0, 0)
    assert Patient.objects.count() == 1


def test_a_reference_with_another_name_and_phone_is_rejected():
    run(row(reference="A"))
    report = run(row(reference="A", phone="72345678", name="Thabo Tau"))
    assert report.codes == ["REFERENCE_REUSED"]
    assert Patient.objects.get().name == "Neo Kgosi"


def test_a_family_shares_a_phone():
    run(rows(row(name="Neo Kgosi"), row(name="Thabo Kgosi")))
    assert Patient.objects.count() == 2


def test_case_and_spacing_of_a_name_do_not_make_another_patient():
    run(row(datetime="2026-12-20 09:00"))
    run(row(name="  NEO   kgosi ", datetime="2026-12-21 09:00"))
    assert Patient.objects.count() == 1


def test_the_same_number_in_two_clinics_is_two_patients():
    run(rows(row(file_no="F1"), row(file_no="F1", clinic="FRW02", phone="72345678", name="Thabo")))
    assert Patient.objects.count() == 2


def test_two_patients_with_one_name_and_phone_are_told_apart_by_number_or_not_at_all():
    run(rows(row(file_no="F1"), row(file_no="F2", datetime="2026-12-21 09:00")))
    assert Patient.objects.count() == 2
    assert run(row(datetime="2026-12-22 09:00")).codes == ["AMBIGUOUS_PATIENT"]


def test_a_correction_must_not_make_two_patients_one():
    run(rows(row(reference="A"), row(reference="B", name="Thabo Kgosi")))
    assert run(row(reference="B", name="Neo Kgosi")).codes == ["OTHER_PATIENT"]


def test_one_patient_and_time_twice_in_a_file_with_other_content_is_rejected():
    assert run(rows(row(visit_type="review"), row(visit_type="refill"))).codes == ["DUPLICATE_ROW"]


def test_the_past_is_refused_for_new_and_moved_rows_but_not_for_those_that_stay():
    run(row(reference="A"))
    later = NOW + timedelta(days=60)
    assert counts(run(row(reference="A"), now=later)) == (0, 0, 1, 0)
    assert run(row(reference="A", datetime="2026-12-21 09:00"), now=later).codes == ["IN_THE_PAST"]
    assert run(row(reference="B"), now=later).codes == ["IN_THE_PAST"]


def test_attendance_from_a_file_is_recorded_after_the_day_has_come():
    run(row(reference="A"))
    assert run(row(reference="A", status="attended")).codes == ["STATE_CONFLICT"]
    report = run(row(reference="A", status="missed"), now=NOW + timedelta(days=60))
    assert counts(report) == (0, 1, 0, 0)
    assert Appointment.objects.get().status == "missed"


def test_a_file_may_cancel_a_visit_with_its_reminders():
    run(row(reference="A"))
    assert counts(run(row(reference="A", status="cancelled"))) == (0, 1, 0, 0)
    assert not Reminder.objects.exists()


def test_a_cancelled_visit_is_not_moved_by_a_file():
    run(row(reference="A"))
    cancel(Appointment.objects.get().pk, actor=SYSTEM, now=NOW)
    assert run(row(reference="A", datetime="2026-12-21 09:00")).codes == ["STATE_CONFLICT"]


def test_a_visit_marked_by_a_nurse_stays_marked():
    run(row(reference="A", status="booked"))
    day = datetime(2026, 12, 20, 8, 0, tzinfo=UTC)
    mark_attendance(Appointment.objects.get().pk, attended=True, actor=SYSTEM, now=day)
    assert counts(run(row(reference="A", status="booked"), now=day)) == (0, 0, 1, 0)
    assert Appointment.objects.get().status == "attended"


def test_a_full_clinic_rejects_the_row_too_many(clinics):
    Clinic.objects.filter(code="GAB01").update(slot_capacity=2)
    lines = [row(phone=f"7123456{n}", name=f"Patient {n}") for n in range(3)]
    report = run(rows(*lines))
    assert counts(report) == (2, 0, 0, 1)
    assert report.codes == ["APPOINTMENT_CONFLICT"]


def test_a_row_collides_with_what_a_nurse_booked(clinics):
    patient = PatientFactory(clinic=clinics[0], phone="+26771234567", name="Neo Kgosi")
    starts_at = datetime(2026, 12, 20, 7, 15, tzinfo=UTC)
    book(clinic=clinics[0], patient=patient, starts_at=starts_at, actor=SYSTEM, now=NOW)
    assert run(row(reference="A")).codes == ["APPOINTMENT_CONFLICT"]


def test_two_visits_of_a_patient_may_change_places():
    run(rows(row(reference="A"), row(reference="B", datetime="2026-12-20 10:00")))
    report = run(
        rows(row(reference="B", datetime="2026-12-20 11:00"), row(reference="A", datetime="2026-12-20 10:00"))
    )
    assert counts(report) == (0, 2, 0, 0)


def test_rows_without_a_clinic_take_the_one_that_was_chosen(clinics):
    assert run(row(clinic="")).codes == ["MISSING_CLINIC"]
    assert run(row(clinic=""), default_clinic=clinics[1]).created == 1
    assert Appointment.objects.get().clinic == clinics[1]


@pytest.mark.parametrize(("named", "chosen"), [("FRW02", None), ("", "FRW02")])
def test_a_clinic_outside_ones_own_is_unknown_named_or_chosen(clinics, named, chosen):
    rejected = []
    import_file(
        open_file((HEADER + "\n" + row(clinic=named)).encode()),
        clinics=clinics[:1],
        default_clinic=clinics[1] if chosen else None,
        actor=SYSTEM,
        now=NOW,
        on_rejected=rejected.extend,
    )
    assert [item.code for item in rejected] == ["UNKNOWN_CLINIC"]


def test_a_change_since_the_preview_is_not_imported_over():
    preview = run(row(reference="A"), dry_run=True)
    run(row(reference="A", visit_type="review"))
    with pytest.raises(PreviewOutdated):
        run(row(reference="A"), expected_digests=preview.chunk_digests)
    assert Appointment.objects.get().visit_type == "review"


def test_a_preview_of_an_update_holds_only_while_nobody_changes_the_visit():
    run(row(reference="A"), now=NOW - timedelta(hours=1))
    preview = run(row(reference="A", language="en"), dry_run=True)
    change(Appointment.objects.get().pk, visit_type="review", actor=SYSTEM, now=NOW)
    with pytest.raises(PreviewOutdated):
        run(row(reference="A", language="en"), expected_digests=preview.chunk_digests)


def test_rows_that_only_repeat_an_earlier_row_keep_the_preview_valid(monkeypatch):
    monkeypatch.setattr("appointments.file_import.importing.CHUNK", 1)
    content = rows(row(reference="A"), row(reference="A"), row(reference="B", datetime="2026-12-21 09:00"))
    preview = run(content, dry_run=True)
    assert counts(run(content, expected_digests=preview.chunk_digests)) == (2, 0, 1, 0)


def test_in_one_transaction_an_outdated_preview_leaves_nothing_behind(monkeypatch):
    monkeypatch.setattr("appointments.file_import.importing.CHUNK", 1)
    content = rows(row(reference="A"), row(reference="B", datetime="2026-12-21 09:00"))
    digests = run(content, dry_run=True).chunk_digests
    with pytest.raises(PreviewOutdated):
        run(content, expected_digests=[digests[0], "other"], in_one_transaction=True)
    assert not Appointment.objects.exists()


def test_who_imported_what_is_in_the_audit_log():
    run(row(reference="A"))
    entries = AuditEntry.objects.filter(object_id=Appointment.objects.get().pk)
    assert [(e.actor_name, e.action) for e in entries] == [("system", "imported")]


def test_the_number_of_queries_does_not_grow_with_the_rows_of_a_chunk(django_assert_max_num_queries):
    lines = [row(phone=f"712345{n:02d}", name=f"Patient {n}", reference=f"R{n}") for n in range(90)]
    with django_assert_max_num_queries(60):
        assert run(rows(*lines)).created == 90


def test_the_first_reminders_are_shown_as_their_patients_will_read_them():
    [example] = run(row(language="en"), dry_run=True).examples
    assert example.text.startswith("Hello Neo Kgosi")
    assert "09:00" in example.text


def test_a_nurses_no_is_not_undone_by_a_file_that_says_yes_for_the_first_time():
    run(row(reference="A"))
    change_patient(Patient.objects.get().pk, consent=False, actor=SYSTEM, now=NOW)
    run(row(reference="B", consent="yes", datetime="2026-12-28 09:00"))
    assert Patient.objects.get().consent is False


def test_within_one_file_a_no_is_the_stronger_word():
    run(
        rows(row(reference="A", consent="no"), row(reference="B", consent="yes", datetime="2026-12-28 09:00"))
    )
    assert Patient.objects.get().consent is False


def test_a_file_that_gains_a_column_does_not_undo_what_a_nurse_has_set():
    run(row(reference="A"))
    pk = Appointment.objects.get().pk
    change(pk, language="en", actor=SYSTEM, now=NOW)
    confirm(pk, actor=SYSTEM, now=NOW)
    run(row(reference="A", language="tn", status="booked", visit_type="review"))
    appointment = Appointment.objects.get()
    assert (appointment.language, appointment.status, appointment.visit_type) == ("en", "confirmed", "review")
