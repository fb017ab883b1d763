"""A nurse's day in Setswana: what she reads, and what her language must not reach."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone, translation

from accounts.audit import Actor
from accounts.preferences import change_preferences
from appointments.file_import import background, uploads
from appointments.models import Appointment, FileImport
from appointments.reminding import queue_due_reminders
from common.dates import WEEKDAYS
from messaging.models import Message, MessageEvent
from tests.architecture.house import ROOT
from tests.factories.accounts import ClinicFactory, StaffFactory
from tests.factories.appointments import AppointmentFactory, ReminderFactory

pytestmark = pytest.mark.django_db

MESSY = (ROOT / "tests/data/appointments_messy.csv").read_bytes()
LIST = reverse("admin:appointments_appointment_changelist")


@pytest.fixture
def clinic():
    return ClinicFactory(code="GAB01", default_language="tn")


@pytest.fixture
def nurse(client, clinic):
    nurse = StaffFactory(clinics=[clinic])
    change_preferences(nurse.pk, language="tn", actor=Actor.of(nurse), now=timezone.now())
    client.force_login(nurse)
    return nurse


def read(page):
    return page.content.decode()


def test_the_first_page_is_in_setswana(client, nurse):
    page = read(client.get(reverse("admin:index")))
    assert "Beeletsa ketelo" in page
    assert "Book a visit" not in page


def test_the_list_of_appointments_names_the_days_in_setswana(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic, clinic=clinic)
    there = visit.starts_at.astimezone(clinic.zone)
    page = read(client.get(LIST, {"day": "all"}))
    assert f"{WEEKDAYS['tn'][there.weekday()]} {there.day} " in page
    assert "e beeleditswe" in page.lower()


def test_the_preview_of_a_file_explains_its_rows_in_setswana(client, nurse):
    file = SimpleUploadedFile("list.csv", MESSY)
    page = read(client.post(reverse("admin:appointments_fileimport_add"), {"file": file}, follow=True))
    assert "Ponelopele: ga go ise go tsenngwe sepe" in page
    assert "Nomoro e ga se ya selefounu" in page


def test_a_form_says_what_is_wrong_in_setswana(client, nurse, clinic):
    form = {"clinic": str(clinic.pk), "name": "Kabo", "phone": "12", "language": "tn"}
    page = read(client.post(reverse("admin:appointments_patient_add"), form))
    assert "Tswee-tswee baakanya" in page
    assert "nomoro" in page.lower()


def test_a_services_refusal_stands_on_the_form_in_setswana(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic, clinic=clinic)
    long_ago = timezone.now() - timedelta(days=3)
    form = {
        "starts_at_0": long_ago.date().isoformat(),
        "starts_at_1": "09:30",
        "duration_minutes": visit.duration_minutes,
        "visit_type": visit.visit_type,
        "language": visit.language,
        "reference": visit.reference,
        "version": visit.version,
    }
    page = client.post(reverse("admin:appointments_appointment_change", args=[visit.pk]), form, follow=True)
    assert "Nako e e fetile." in read(page)


def test_a_colleague_who_reads_english_still_does(client, nurse, clinic):
    client.get(LIST)
    colleague = StaffFactory(clinics=[clinic])
    client.force_login(colleague)
    assert "Dipeeletso" not in read(client.get(LIST))


def due_text(clinic, language):
    """A reminder that a pass of a Setswana nurse's making has queued."""
    now = timezone.now()
    visit = AppointmentFactory(
        patient__clinic=clinic, language=language, starts_at=now + timedelta(hours=20), visit_type=""
    )
    ReminderFactory(appointment=visit, due_at=now - timedelta(minutes=1))
    with translation.override("tn"):
        queue_due_reminders(now=now)
    return Message.objects.get(subject_id=visit.pk)


@pytest.mark.parametrize(("language", "word"), [("en", "please come"), ("tn", "Tswee-tswee tla")])
def test_a_patients_text_is_in_the_appointments_language_whoever_works(clinic, language, word):
    text = due_text(clinic, language)
    assert word in text.body
    there = text.subject_at.astimezone(clinic.zone)
    assert WEEKDAYS[language][there.weekday()] in text.body


def test_why_a_text_was_taken_back_is_kept_in_english_and_read_in_setswana(client, nurse, clinic):
    text = due_text(clinic, "en")
    step = reverse("admin:appointments_appointment_step", args=[text.subject_id])
    version = Appointment.objects.get(pk=text.subject_id).version
    client.post(step, {"step": "cancel", "sure": "1", "version": version})
    assert MessageEvent.objects.filter(message=text, detail="The appointment was moved or ended.").exists()
    page = read(client.get(reverse("admin:messaging_message_change", args=[text.pk])))
    assert "Peeletso e sutisitswe kgotsa e fedile." in page


def test_a_long_file_is_explained_by_the_worker_in_the_language_of_who_brought_it(nurse, clinic):
    with translation.override("tn"):
        waiting = uploads.upload(
            filename="list.csv", content=MESSY, clinic=clinic, user=nurse, now=timezone.now()
        )
    FileImport.objects.filter(pk=waiting.pk).update(state=FileImport.State.WAITING, dry_run=True)
    with translation.override("en"):
        background.run_upload(waiting.pk)
    waiting.refresh_from_db()
    assert waiting.state == FileImport.State.PREVIEWED
    assert waiting.rejected_rows.filter(reason__contains="Nomoro e ga se ya selefounu").exists()
