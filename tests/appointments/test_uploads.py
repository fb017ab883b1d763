from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import AuditEntry
from appointments.file_import import uploads
from appointments.file_import.errors import UnreadableFile
from appointments.file_import.importing import PreviewOutdated
from appointments.models import Appointment, FileImport, RejectedRow
from common.errors import StateConflict
from tests.factories.accounts import ClinicFactory, StaffFactory

pytestmark = pytest.mark.django_db

HEADER = "name,phone,date,time,reference\n"
GOOD = HEADER + "Neo,71234567,2030-06-04,09:00,A-1\nKabo,72234567,2030-06-04,10:00,A-2\n"
WITH_A_BAD_ROW = GOOD + "Mpho,3912345,2030-06-04,11:00,A-3\n"


@pytest.fixture
def clinic():
    return ClinicFactory(code="GAB01")


@pytest.fixture
def nurse(clinic):
    return StaffFactory(clinics=[clinic])


def uploaded(nurse, clinic, text, now=None):
    return uploads.upload(
        filename="list.csv", content=text.encode(), clinic=clinic, user=nurse, now=now or timezone.now()
    )


def confirmed(waiting, nurse):
    return uploads.confirm(waiting.pk, user=nurse, now=timezone.now())


def test_a_preview_counts_and_changes_nothing(nurse, clinic):
    waiting = uploaded(nurse, clinic, WITH_A_BAD_ROW)
    assert (waiting.created, waiting.rejected, waiting.rows, waiting.state) == (2, 1, 3, "previewed")
    assert not Appointment.objects.exists()


def test_confirming_does_what_the_preview_said(nurse, clinic):
    done = confirmed(uploaded(nurse, clinic, WITH_A_BAD_ROW), nurse)
    assert (done.created, done.rejected, done.state) == (2, 1, "done")
    assert Appointment.objects.count() == 2


def test_what_the_file_held_is_dropped_once_it_is_imported_but_not_its_rejected_rows(nurse, clinic):
    done = confirmed(uploaded(nurse, clinic, WITH_A_BAD_ROW), nurse)
    done.refresh_from_db()
    assert (bytes(done.content), done.examples) == (b"", [])
    assert done.rejected_rows.get().cells[0] == "Mpho"


def test_a_second_confirmation_imports_nothing_more(nurse, clinic):
    waiting = uploaded(nurse, clinic, GOOD)
    first, second = confirmed(waiting, nurse), confirmed(waiting, nurse)
    assert (first.created, second.created, second.finished_at) == (2, 2, first.finished_at)
    assert AuditEntry.objects.filter(action="file imported").count() == 1


def test_an_import_is_in_the_log_with_its_counts(nurse, clinic):
    done = confirmed(uploaded(nurse, clinic, GOOD), nurse)
    entry = AuditEntry.objects.get(object_id=done.pk)
    assert (entry.actor_id, entry.changes["created"]) == (nurse.pk, [None, 2])


def test_what_has_changed_since_the_preview_is_previewed_anew_and_not_imported(nurse, clinic):
    waiting = uploaded(nurse, clinic, GOOD)
    confirmed(uploaded(nurse, clinic, GOOD), nurse)
    with pytest.raises(PreviewOutdated):
        confirmed(waiting, nurse)
    waiting.refresh_from_db()
    assert (waiting.created, waiting.unchanged, waiting.state) == (0, 2, "previewed")
    assert confirmed(waiting, nurse).state == "done"


def test_someone_who_lost_a_clinic_does_not_import_into_it(nurse, clinic):
    waiting = uploaded(
        nurse, None, GOOD.replace("reference\n", "reference,clinic\n").replace("A-1", "A-1,GAB01")
    )
    nurse.clinics.clear()
    with pytest.raises(PreviewOutdated):
        confirmed(waiting, nurse)
    assert not Appointment.objects.exists()


def test_a_file_that_cannot_be_read_is_not_stored(nurse, clinic):
    with pytest.raises(UnreadableFile):
        uploaded(nurse, clinic, "no,headings,here\n1,2,3\n")
    assert not FileImport.objects.exists()


def test_a_cell_with_a_nul_is_stored_without_it(nurse, clinic):
    waiting = uploaded(nurse, clinic, GOOD.replace("Kabo", "Ka\0bo"))
    assert waiting.rejected_rows.get().cells[0] == "Ka\ufffdbo"


def test_a_dropped_file_leaves_nothing_of_what_it_held(nurse, clinic):
    waiting = uploaded(nurse, clinic, WITH_A_BAD_ROW)
    uploads.discard(waiting.pk, actor=Actor.of(nurse), now=timezone.now())
    waiting.refresh_from_db()
    assert (waiting.state, bytes(waiting.content), waiting.examples) == ("discarded", b"", [])
    assert not RejectedRow.objects.exists()


def test_an_imported_file_cannot_be_dropped(nurse, clinic):
    done = confirmed(uploaded(nurse, clinic, GOOD), nurse)
    with pytest.raises(StateConflict):
        uploads.discard(done.pk, actor=Actor.of(nurse), now=timezone.now())


def test_files_that_nobody_confirmed_within_a_day_are_forgotten(nurse, clinic):
    now = timezone.now()
    old = uploaded(nurse, clinic, GOOD, now - timedelta(hours=25))
    young = uploaded(nurse, clinic, GOOD, now - timedelta(hours=23))
    assert uploads.forget_old_uploads(now=now) == 1
    old.refresh_from_db()
    young.refresh_from_db()
    assert (bytes(old.content), old.state, young.state) == (b"", "discarded", "previewed")
