"""Files go on with the words of a record that was merged, or with a phone that was corrected since."""

from datetime import timedelta

import pytest

from accounts.audit import SYSTEM
from appointments.booking import book_for
from appointments.erasure import erase
from appointments.merging import merge
from appointments.models import Appointment, FormerIdentity, Patient
from appointments.patient_export import export_patient
from appointments.patients import Caller, add_patient, change_patient
from tests.admin_pages import PlainClient
from tests.appointments.test_importing import NOW, counts, row, rows, run
from tests.factories.accounts import ClinicFactory, ViewerFactory
from tests.factories.appointments import PatientFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
STAYS = {"name": "Neo Kgosi", "phone": "71234567"}
WENT = {"name": "N. Kgosi", "phone": "72333444"}


@pytest.fixture(autouse=True)
def clinics():
    return [ClinicFactory(code="GAB01"), ClinicFactory(code="FRW02")]


@pytest.fixture
def merged():
    """Two records that files have brought, with a visit each, made one by a nurse."""
    return merge_after(row(**STAYS), row(**WENT, datetime="2026-12-21 09:00"))


def merge_after(one, other):
    assert counts(run(rows(one, other))) == (2, 0, 0, 0)
    stays, goes = Appointment.objects.order_by("starts_at").values_list("patient", flat=True)
    return merge(stays=stays, goes=goes, actor=SYSTEM, now=NOW)


def only_patient():
    patient = Patient.objects.get()
    return patient.name, patient.phone, patient.patient_number


def test_a_new_visit_under_the_old_words_is_of_the_record_that_stays(merged):
    report = run(rows(row(**STAYS), row(**WENT, datetime="2026-12-28 09:00")))
    assert counts(report) == (1, 0, 1, 0)
    assert only_patient() == ("Neo Kgosi", "+26771234567", "")
    assert merged.appointments.count() == 3


def test_the_words_of_both_come_week_after_week_and_change_nothing(merged):
    for week in range(3):
        day = (NOW + timedelta(days=30 + 7 * week)).date()
        report = run(rows(row(**STAYS, datetime=f"{day} 09:00"), row(**WENT, datetime=f"{day} 12:00")))
        assert counts(report) == (2, 0, 0, 0)
    merged.refresh_from_db()
    assert only_patient() == ("Neo Kgosi", "+26771234567", "")


def test_a_preview_says_what_the_import_does(merged):
    content = row(**WENT, datetime="2026-12-28 09:00")
    dry = run(content, dry_run=True)
    assert dry.chunk_digests == run(content).chunk_digests


def test_a_visit_that_moved_along_takes_what_its_row_says_anew():
    visit = {**WENT, "reference": "R2"}
    merge_after(row(**STAYS), row(**visit, datetime="2026-12-21 09:00"))
    report = run(row(**visit, datetime="2026-12-22 10:00", consent="no"))
    assert counts(report) == (0, 1, 0, 0)
    assert Patient.objects.get().consent is False
    assert only_patient() == ("Neo Kgosi", "+26771234567", "")


def test_the_number_of_the_record_that_went_means_the_one_that_stays():
    merge_after(row(**STAYS, file_no="P1"), row(**WENT, file_no="P2", datetime="2026-12-21 09:00"))
    for day, said in ((28, {**WENT, "file_no": "P2"}), (29, {**STAYS, "file_no": "P2"})):
        assert counts(run(row(**said, datetime=f"2026-12-{day} 09:00"))) == (1, 0, 0, 0)
    assert only_patient() == ("Neo Kgosi", "+26771234567", "P1")


def test_a_number_that_was_taken_over_comes_with_the_words_it_came_with():
    merge_after(row(**STAYS), row(**WENT, file_no="P2", datetime="2026-12-21 09:00"))
    assert counts(run(row(**WENT, file_no="P2", datetime="2026-12-28 09:00"))) == (1, 0, 0, 0)
    assert only_patient() == ("Neo Kgosi", "+26771234567", "P2")


def test_a_number_is_adopted_under_the_old_words_too(merged):
    assert counts(run(row(**WENT, file_no="P9", datetime="2026-12-28 09:00"))) == (1, 0, 0, 0)
    assert only_patient() == ("Neo Kgosi", "+26771234567", "P9")


def test_the_number_of_the_record_that_went_with_another_name_and_phone_is_somebody_else():
    merge_after(row(**STAYS, file_no="P1"), row(**WENT, file_no="P2", datetime="2026-12-21 09:00"))
    other = row(name="Mpho Tau", phone="74555666", file_no="P2", datetime="2026-12-28 09:00")
    assert counts(run(other)) == (1, 0, 0, 0)
    assert Patient.objects.count() == 2


def test_the_old_words_with_a_number_of_their_own_are_somebody_else():
    merge_after(row(**STAYS, file_no="P1"), row(**WENT, datetime="2026-12-21 09:00"))
    assert counts(run(row(**WENT, file_no="P9", datetime="2026-12-28 09:00"))) == (1, 0, 0, 0)
    assert Patient.objects.count() == 2


def test_at_another_clinic_the_words_are_anybodys(merged):
    assert counts(run(row(**WENT, clinic="FRW02", datetime="2026-12-28 09:00"))) == (1, 0, 0, 0)
    assert Patient.objects.count() == 2


def test_who_is_added_by_that_name_is_meant_by_it(merged):
    added = add_patient(clinic=merged.clinic, **WENT, actor=SYSTEM, now=NOW)
    assert counts(run(row(**WENT, datetime="2026-12-28 09:00"))) == (1, 0, 0, 0)
    assert added.appointments.count() == 1


def test_what_a_nurse_corrects_later_is_not_undone_by_the_old_words(merged):
    change_patient(merged.pk, phone="75111222", name="Neo Kgosi-Tau", actor=SYSTEM, now=NOW)
    assert counts(run(row(**WENT, datetime="2026-12-28 09:00"))) == (1, 0, 0, 0)
    assert only_patient() == ("Neo Kgosi-Tau", "+26775111222", "")


def test_the_words_go_along_when_the_record_is_merged_itself(merged):
    third = PatientFactory(clinic=merged.clinic, name="Kgosi N", phone="+26776555444")
    merge(stays=third.pk, goes=merged.pk, actor=SYSTEM, now=NOW)
    report = run(rows(row(**STAYS, datetime="2026-12-28 09:00"), row(**WENT, datetime="2026-12-29 09:00")))
    assert counts(report) == (2, 0, 0, 0)
    assert only_patient() == ("Kgosi N", "+26776555444", "")


def test_a_name_that_was_taken_over_leaves_the_nameless_words_behind():
    merge_after(row(name="", phone="71234567"), row(**WENT, datetime="2026-12-21 09:00"))
    assert counts(run(row(name="", phone="71234567", datetime="2026-12-28 09:00"))) == (1, 0, 0, 0)
    assert only_patient() == ("N. Kgosi", "+26771234567", "")


def test_two_who_took_over_the_same_words_are_asked_apart_by_number():
    clinic = ClinicFactory(code="KAN03")
    for n in (1, 2):
        stays = PatientFactory(clinic=clinic, patient_number=f"A{n}", phone=f"+2677444000{n}")
        goes = PatientFactory(clinic=clinic, patient_number=f"B{n}", name="Mpho", phone="+26774555666")
        merge(stays=stays.pk, goes=goes.pk, actor=SYSTEM, now=NOW)
    said = {"clinic": "KAN03", "name": "Mpho", "phone": "74555666"}
    assert run(row(**said)).codes == ["AMBIGUOUS_PATIENT"]
    assert counts(run(row(**said, file_no="B2"))) == (1, 0, 0, 0)
    assert Appointment.objects.get().patient.patient_number == "A2"


def test_another_system_means_the_record_that_stays_and_renames_nobody(merged):
    who = Caller(merged.clinic, "+26772333444", "N. Kgosi", consent=True)
    visit = book_for(who, starts_at=NOW + 40 * DAY, actor=SYSTEM, now=NOW)
    assert visit.patient_id == merged.pk
    assert only_patient() == ("Neo Kgosi", "+26771234567", "")


def corrected(*lines, **changes):
    run(rows(*lines))
    return change_patient(Patient.objects.get().pk, actor=SYSTEM, now=NOW, **changes)


def test_a_new_visit_under_the_phone_from_before_a_correction_is_told_on_the_right_one():
    corrected(row(**STAYS), phone="75111222")
    assert counts(run(row(**STAYS, datetime="2026-12-28 09:00"))) == (1, 0, 0, 0)
    assert only_patient() == ("Neo Kgosi", "+26775111222", "")


def test_of_a_patient_whom_no_file_has_brought_too():
    patient = PatientFactory(clinic__code="KAN03", name="Mpho", phone="+26774555666")
    change_patient(patient.pk, phone="75111222", actor=SYSTEM, now=NOW)
    said = {"clinic": "KAN03", "name": "Mpho", "phone": "74555666"}
    assert counts(run(row(**said))) == (1, 0, 0, 0)
    assert only_patient() == ("Mpho", "+26775111222", "")


def test_a_file_that_has_followed_and_goes_back_is_believed():
    corrected(row(**STAYS, reference="R1"), phone="75111222")
    followed = {**STAYS, "phone": "75111222"}
    assert counts(run(row(**followed, reference="R1"))) == (0, 0, 1, 0)
    assert counts(run(row(**STAYS, datetime="2026-12-28 09:00"))) == (1, 0, 0, 0)
    assert only_patient() == ("Neo Kgosi", "+26771234567", "")


def test_another_name_on_the_phone_from_before_is_somebody_else():
    corrected(row(**STAYS), phone="75111222")
    assert counts(run(row(name="Lesego", phone="71234567", datetime="2026-12-28 09:00"))) == (1, 0, 0, 0)
    assert Patient.objects.count() == 2


def test_who_got_another_name_with_the_phone_is_not_meant_by_the_old_words():
    corrected(row(**STAYS), phone="75111222", name="Lesego")
    assert counts(run(row(**STAYS, datetime="2026-12-28 09:00"))) == (1, 0, 0, 0)
    assert Patient.objects.count() == 2


def test_another_system_that_gives_the_phone_from_before_means_somebody_new():
    patient = corrected(row(**STAYS), phone="75111222")
    who = Caller(patient.clinic, "+26771234567", "Neo Kgosi", consent=True)
    visit = book_for(who, starts_at=NOW + 40 * DAY, actor=SYSTEM, now=NOW)
    assert visit.patient_id != patient.pk


def test_a_double_with_the_phone_from_before_that_is_merged_never_brings_it_back():
    patient = corrected(row(**STAYS, reference="R1"), phone="75111222")
    run(row(**{**STAYS, "phone": "75111222"}, reference="R1"))
    double = add_patient(clinic=patient.clinic, **STAYS, actor=SYSTEM, now=NOW)
    merge(stays=patient.pk, goes=double.pk, actor=SYSTEM, now=NOW)
    assert counts(run(row(**STAYS, datetime="2026-12-28 09:00"))) == (1, 0, 0, 0)
    assert only_patient() == ("Neo Kgosi", "+26775111222", "")


def test_they_are_part_of_what_is_handed_out_and_erased(merged):
    told = export_patient(merged.pk, reader=None, actor=SYSTEM, now=NOW)
    [words] = told["formerly_known_as"]
    assert (words["name"], words["phone"]) == ("N. Kgosi", "+26772333444")
    erase(merged.pk, cancel_visits=True, actor=SYSTEM, now=NOW)
    assert not FormerIdentity.objects.exists()


def test_the_patients_page_says_them_to_a_viewer_with_a_masked_phone(merged):
    client = PlainClient()
    client.force_login(ViewerFactory(clinics=[merged.clinic]))
    page = client.get(f"/admin/appointments/patient/{merged.pk}/change/").content.decode()
    assert "N. Kgosi · +267•••••444" in page
    assert "72333444" not in page
