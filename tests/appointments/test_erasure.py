"""After an erasure nothing in the database says who it was; what was counted still counts."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps

from accounts.audit import SYSTEM
from accounts.models import AuditEntry, Clinic
from appointments.attendance_report import attendance
from appointments.erasure import erase
from appointments.file_import.importing import import_file
from appointments.file_import.reading import open_file
from appointments.file_import.uploads import rejected_rows_of
from appointments.merging import merge
from appointments.models import Appointment, FileImport, Patient, RejectedRow, Reminder
from appointments.patients import change_patient
from appointments.reminding import queue_due_reminders
from appointments.services import book, mark_attendance
from common.errors import NotFound, StateConflict
from messaging.delivery_report import deliveries
from messaging.models import BadNumber, Message, MessageEvent, MessageStatus, OptOut, Receipt, Reply
from messaging.providers.base import StatusReport
from messaging.receipts import take_all
from tests.factories.accounts import AdminFactory, ClinicFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory, ReminderFactory
from tests.factories.messaging import BadNumberFactory, MessageFactory, OptOutFactory, ReplyFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PHONE, OLD_PHONE = "+26771234567", "+26772333444"
SECRETS = ("Keitumetse", "71234567", "72333444", "OMANG-42", "HOSP-9", "bring the card", "my leg hurts")


@pytest.fixture
def clinic():
    return ClinicFactory(code="GAB01", reminder_hours_before=[24])


@pytest.fixture
def patient(clinic):
    """Had another phone, and a double."""
    found = PatientFactory(
        clinic=clinic, name="Keitumetse", phone=OLD_PHONE, patient_number="OMANG-42", consent_at=NOW
    )
    double = PatientFactory(clinic=clinic, name="Keitumetse M", phone=PHONE)
    change_patient(double.pk, phone="72 444 555", actor=SYSTEM, now=NOW)
    merge(stays=found.pk, goes=double.pk, actor=SYSTEM, now=NOW)
    return change_patient(found.pk, phone=PHONE, actor=SYSTEM, now=NOW)


@pytest.fixture
def past(patient):
    """A visit with all that can come of one."""
    visit = AppointmentFactory(
        patient=patient,
        starts_at=NOW - DAY,
        status="attended",
        reference="HOSP-9",
        imported_cells={"phone": "abc"},
    )
    text = MessageFactory(
        clinic=patient.clinic,
        to=PHONE,
        body="Keitumetse, bring the card",
        recipient_id=patient.pk,
        subject_type="appointments.appointment",
        subject_id=visit.pk,
        subject_at=visit.starts_at,
        status="delivered",
        provider="twilio",
        provider_message_id="SM1",
        error_message=f"{PHONE} was busy",
        dedupe_key="reminder:1",
        created_at=NOW - 2 * DAY,
    )
    ReminderFactory(appointment=visit, message=text, state="queued")
    MessageEvent.objects.create(message=text, status="sent", at=NOW, detail=f"to {PHONE}")
    Receipt.objects.create(
        provider="twilio", provider_message_id="SM1", status="sent", detail=PHONE, at=NOW, message=text
    )
    MessageFactory(
        clinic=patient.clinic, to=OLD_PHONE, body="bring the card", status="sent", recipient_id=None
    )
    ReplyFactory(phone=PHONE, body="my leg hurts", clinic=patient.clinic, note=f"{PHONE} asks")
    ReplyFactory(phone=OLD_PHONE, body="my leg hurts", clinic=None, state="new")
    BadNumberFactory(phone=OLD_PHONE)
    mark_attendance(visit.pk, attended=False, actor=SYSTEM, now=NOW)
    return visit


def rejected_row(clinic, *cells, header=(), code="X"):
    waiting = FileImport.objects.create(
        uploaded_by=AdminFactory(),
        uploaded_at=NOW,
        filename="a.csv",
        content=b"",
        state="done",
        rejected=1,
        header=list(header),
        clinic_ids=[str(clinic.pk)],
    )
    return RejectedRow.objects.create(
        file_import=waiting, row=2, line=2, code=code, reason="", cells=list(cells)
    )


def everything():
    """The whole database as text."""
    rows = []
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.proxy:
            rows += [" ".join(map(str, row)) for row in model._default_manager.values_list()]
    return "\n".join(rows)


def erased(patient, **options):
    erase(patient.pk, actor=SYSTEM, now=NOW, **options)


def test_nothing_in_the_database_says_who_it_was(patient, past):
    rejected_row(patient.clinic, "Someone", "71 234 567")
    rejected_row(patient.clinic, "KEITUMETSE ", "bad phone")
    before = everything()
    assert [secret for secret in SECRETS if secret not in before] == []
    erased(patient)
    after = everything()
    assert [secret for secret in SECRETS if secret in after] == []


def test_a_rejected_row_with_an_earlier_name_or_number_is_emptied_and_the_file_can_still_be_had(clinic):
    patient = PatientFactory(clinic=clinic, name="Keitumetse", patient_number="OLD-1")
    change_patient(patient.pk, name="Someone new", patient_number="NEW-1", actor=SYSTEM, now=NOW)
    rows = [rejected_row(clinic, "keitumetse"), rejected_row(clinic, "OLD-1")]
    erased(patient)
    for row in rows:
        row.refresh_from_db()
        assert row.cells == []
        assert "Erased." in rejected_rows_of(row.file_import)


def test_a_rejected_row_of_another_person_stays(patient):
    other = rejected_row(patient.clinic, "Kagiso", "71 999 888")
    erased(patient)
    other.refresh_from_db()
    assert other.cells == ["Kagiso", "71 999 888"]


HEADER = ("Phone", "Name", "DateTime", "File no", "duration_minutes")
OTHERS = [
    ("71 999 888", "Kagiso", "2026-12-01 10:00", "P-2", "30"),
    ("71 999 888", "30", "2026-12-01 10:00", "P-2", "15"),
    ("71 999 888", "Kagiso", "2026-12-01 10:00", "Keitumetse", "15"),
]


@pytest.mark.parametrize("cells", OTHERS)
def test_a_number_is_looked_for_under_its_heading_and_so_is_a_name(clinic, cells):
    patient = PatientFactory(clinic=clinic, name="Keitumetse", patient_number="30")
    other = rejected_row(clinic, *cells, header=HEADER)
    erased(patient)
    other.refresh_from_db()
    assert other.cells == list(cells)


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        (("bad", "Kagiso", "", " 30 "), "X"),
        (("bad", "KEITUMETSE", "", "", ""), "X"),
        (("bad", "Kagiso", "", "", "71 234 567"), "X"),
        (("bad", "Molefe", "Keitumetse", "", "", ""), "TOO_MANY_CELLS"),
    ],
)
def test_a_row_that_tells_of_the_patient_is_emptied(clinic, cells, code):
    patient = PatientFactory(clinic=clinic, name="Keitumetse", patient_number="30", phone=PHONE)
    row = rejected_row(clinic, *cells, header=HEADER, code=code)
    erased(patient)
    row.refresh_from_db()
    assert row.cells == []


def test_a_namesake_in_a_file_of_another_clinic_stays(clinic):
    patient = PatientFactory(clinic=clinic, name="Keitumetse", phone=PHONE)
    namesake, same_phone = (
        rejected_row(ClinicFactory(), phone, "Keitumetse", header=HEADER) for phone in ("bad", "71234567")
    )
    erased(patient)
    namesake.refresh_from_db()
    same_phone.refresh_from_db()
    assert (namesake.cells, same_phone.cells) == (["bad", "Keitumetse"], [])


def test_reports_count_as_before(patient, past):
    def reports():
        bounds = lambda _zone: (NOW - 30 * DAY, NOW + 30 * DAY)  # noqa: E731
        came = attendance([patient.clinic], bounds, now=NOW)
        sent = deliveries([patient.clinic], bounds)
        return came, sent

    before = reports()
    assert before[0]
    assert before[1]
    erased(patient)
    assert reports() == before


def test_a_live_visit_keeps_the_patient_until_it_is_agreed_that_it_is_cancelled(patient):
    book(clinic=patient.clinic, patient=patient, starts_at=NOW + 2 * DAY, actor=SYSTEM, now=NOW)
    with pytest.raises(StateConflict, match="1 visit is still to come"):
        erased(patient)
    patient.refresh_from_db()
    assert patient.phone == PHONE


def test_the_visit_is_cancelled_and_no_text_says_so(patient):
    patient.clinic.send_cancellations = True
    patient.clinic.save()
    visit = book(clinic=patient.clinic, patient=patient, starts_at=NOW + 2 * DAY, actor=SYSTEM, now=NOW)
    erased(patient, cancel_visits=True)
    visit.refresh_from_db()
    assert visit.status == "cancelled"
    assert not Message.objects.exists()
    assert not Reminder.objects.exists()


def test_what_waits_to_be_sent_is_cancelled(patient):
    waiting = MessageFactory(clinic=patient.clinic, to=PHONE, recipient_id=patient.pk)
    erased(patient)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.to, waiting.body) == (MessageStatus.CANCELLED, "", "")


def test_while_a_text_is_leaving_nothing_is_erased(patient):
    MessageFactory(
        clinic=patient.clinic,
        to=PHONE,
        recipient_id=patient.pk,
        status="sending",
        claim=patient.pk,
        claimed_at=NOW,
        lease_expires_at=NOW,
    )
    with pytest.raises(StateConflict, match="in a minute"):
        erased(patient)
    assert Patient.objects.get(pk=patient.pk).name == "Keitumetse"


def test_what_a_family_shares_stays_with_the_others(patient, past):
    PatientFactory(clinic=patient.clinic, name="Kagiso", phone=PHONE)
    theirs = MessageFactory(clinic=patient.clinic, to=PHONE, body="To Kagiso", recipient_id=None)
    reply = ReplyFactory(phone=PHONE, body="from one of us")
    erased(patient)
    theirs.refresh_from_db()
    reply.refresh_from_db()
    assert (theirs.body, reply.body) == ("To Kagiso", "from one of us")


def test_the_opt_out_of_the_phone_stays(patient):
    OptOutFactory(phone=PHONE)
    erased(patient)
    assert OptOut.objects.filter(phone=PHONE, lifted_at__isnull=True).exists()
    assert not BadNumber.objects.exists()


def test_a_reply_that_nobody_has_read_is_closed(patient, past):
    erased(patient)
    assert set(Reply.objects.values_list("state", flat=True)) == {"done"}


def test_a_late_receipt_brings_nothing_back(patient, past):
    text = Message.objects.get(subject_id=past.pk)
    Message.objects.filter(pk=text.pk).update(status="unknown", provider_message_id="")
    erased(patient)
    report = StatusReport("SM1", "failed", code="30005", message=f"{PHONE} is dead", message_id=text.pk)
    take_all([("twilio", report)], now=NOW)
    text.refresh_from_db()
    assert (text.error_message, text.provider_message_id) == ("", "")


def test_what_is_erased_is_not_there_a_second_time(patient):
    erased(patient)
    with pytest.raises(NotFound):
        erased(patient)


def test_two_who_are_erased_stay_two(clinic):
    for _number in range(2):
        erased(PatientFactory(clinic=clinic))
    assert Patient.objects.filter(erased_at__isnull=False, phone="").count() == 2


def test_nothing_of_an_erased_patient_can_be_changed_or_booked(patient, past):
    erased(patient)
    with pytest.raises(StateConflict):
        mark_attendance(past.pk, attended=True, actor=SYSTEM, now=NOW)
    with pytest.raises(StateConflict):
        book(clinic=patient.clinic, patient=patient, starts_at=NOW + DAY, actor=SYSTEM, now=NOW)
    with pytest.raises(NotFound):
        change_patient(patient.pk, name="Back", actor=SYSTEM, now=NOW)


def test_the_log_says_that_it_was_done_and_by_whom_and_nothing_else(patient):
    erased(patient)
    entry = AuditEntry.objects.get(action="erased")
    assert (entry.object_id, entry.actor_name, entry.changes) == (patient.pk, "system", {})
    assert "Keitumetse" not in json.dumps(list(AuditEntry.objects.values_list("changes", flat=True)))


FILE = "phone,name,datetime,clinic,reference\n{phone},Keitumetse,{when},GAB01,{reference}\n"


def imported(reference, when="2026-12-03 10:00", phone="71 234 567"):
    file = open_file(FILE.format(phone=phone, when=when, reference=reference).encode())
    return import_file(file, clinics=Clinic.objects.all(), actor=SYSTEM, now=NOW)


@pytest.mark.parametrize("reference", ["R1", ""])
def test_the_same_file_again_brings_nobody_back_and_sends_nothing(clinic, reference):
    assert imported(reference).created == 1
    queue_due_reminders(now=NOW + 27 * HOUR)
    Message.objects.update(status="sent")
    erased(Patient.objects.get(), cancel_visits=True)
    again = imported(reference)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 1)
    queue_due_reminders(now=NOW + 28 * HOUR)
    assert (Patient.objects.count(), Appointment.objects.count(), Message.objects.count()) == (1, 1, 1)


def test_an_erased_visit_under_its_old_reference_is_refused_at_another_time(clinic):
    imported("R1")
    erased(Patient.objects.get(), cancel_visits=True)
    again = imported("R1", when="2026-12-04 10:00")
    assert (again.created, again.rejected) == (0, 1)


def test_who_comes_back_is_a_new_patient(clinic):
    imported("R1")
    erased(Patient.objects.get(), cancel_visits=True)
    assert imported("R2", when="2026-12-10 10:00").created == 1
    assert Patient.objects.known().get().name == "Keitumetse"


def test_a_visit_that_a_merge_moved_is_imported_again_without_renaming_the_patient(clinic):
    keep = PatientFactory(clinic=clinic, name="Keitu Molefe", phone="+26772000000")
    imported("R1")
    merge(stays=keep.pk, goes=Patient.objects.exclude(pk=keep.pk).get().pk, actor=SYSTEM, now=NOW)
    assert imported("R1", when="2026-12-04 10:00").updated == 1
    keep.refresh_from_db()
    assert (keep.name, keep.phone) == ("Keitu Molefe", "+26772000000")
    assert Patient.objects.count() == 1
