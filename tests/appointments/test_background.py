from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from accounts.audit import SYSTEM
from appointments.file_import import background, uploads
from appointments.file_import.background import DEAD_AFTER, nudge_waiting, run_upload
from appointments.models import Appointment, FileImport
from appointments.services import change
from common.ids import new_id
from tests.factories.accounts import ClinicFactory, StaffFactory

pytestmark = pytest.mark.django_db(transaction=True)
State = FileImport.State
ROWS = 7


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Every file is long, every chunk two rows."""
    monkeypatch.setattr(uploads, "WHOLE", 1)
    monkeypatch.setattr("appointments.file_import.importing.CHUNK", 2)


@pytest.fixture
def nurse():
    return StaffFactory(clinics=[ClinicFactory(code="GAB01")])


def content():
    day = f"{timezone.now() + timedelta(days=30):%Y-%m-%d}"
    lines = ["phone,datetime,clinic,name,reference"]
    lines += [f"7123456{n},{day} {8 + n:02d}:00,GAB01,Patient {n},R{n}" for n in range(ROWS - 1)]
    return "\n".join([*lines, f"3912345,{day} 09:00,GAB01,Land Line,R9"]).encode()


def uploaded(nurse):
    return uploads.upload(filename="a.csv", content=content(), clinic=None, user=nurse, now=timezone.now())


def accepted(nurse, **options):
    return uploads.accept(
        filename="a.csv", content=content(), clinic=None, user=nurse, now=timezone.now(), **options
    )


def counts(waiting):
    waiting.refresh_from_db()
    return (waiting.created, waiting.updated, waiting.unchanged, waiting.rejected, waiting.rows_done)


def confirmed(waiting, nurse):
    uploads.confirm(waiting.pk, user=nurse, now=timezone.now())
    run_upload(waiting.pk)
    waiting.refresh_from_db()
    return waiting


def test_a_long_file_waits_for_the_worker_and_is_previewed_by_it(nurse):
    waiting = uploaded(nurse)
    assert (waiting.state, OrmQ.objects.count()) == (State.WAITING, 1)
    run_upload(waiting.pk)
    assert counts(waiting) == (6, 0, 0, 1, ROWS)
    assert waiting.state == State.PREVIEWED
    assert not Appointment.objects.exists()
    assert waiting.rejected_rows.get().code == "NOT_A_MOBILE"


def test_what_was_previewed_is_imported_by_the_worker(nurse):
    waiting = uploaded(nurse)
    run_upload(waiting.pk)
    done = confirmed(waiting, nurse)
    assert counts(done) == (6, 0, 0, 1, ROWS)
    assert (done.state, bytes(done.content)) == (State.DONE, b"")
    assert Appointment.objects.count() == 6


def test_another_systems_file_is_imported_without_asking_back(nurse):
    waiting = accepted(nurse)
    run_upload(waiting.pk)
    assert counts(waiting) == (6, 0, 0, 1, ROWS)
    assert waiting.state == State.DONE


def test_another_systems_dry_run_changes_nothing(nurse):
    waiting = accepted(nurse, dry_run=True)
    run_upload(waiting.pk)
    assert counts(waiting) == (6, 0, 0, 1, ROWS)
    assert not Appointment.objects.exists()


class Killed(BaseException):
    """A process that dies does not run its exception handlers."""


def die_after(chunks, monkeypatch):
    real = background._progress
    done = []

    def progress(waiting, chunk):
        if len(done) == chunks:
            raise Killed
        done.append(chunk)
        real(waiting, chunk)

    monkeypatch.setattr(background, "_progress", progress)


@pytest.mark.parametrize("previewed", [True, False])
def test_an_import_is_gone_on_with_where_its_process_died(nurse, monkeypatch, previewed):
    waiting = uploaded(nurse) if previewed else accepted(nurse)
    if previewed:
        run_upload(waiting.pk)
        uploads.confirm(waiting.pk, user=nurse, now=timezone.now())
    with monkeypatch.context() as patch:
        die_after(2, patch)
        with pytest.raises(Killed):
            run_upload(waiting.pk)
    assert (counts(waiting)[-1], waiting.state, Appointment.objects.count()) == (4, State.RUNNING, 4)
    FileImport.objects.update(seen_alive_at=timezone.now() - DEAD_AFTER)
    run_upload(waiting.pk)
    assert counts(waiting) == (6, 0, 0, 1, ROWS)
    assert (waiting.state, Appointment.objects.count()) == (State.DONE, 6)


def test_a_second_run_does_nothing_while_the_first_is_alive(nurse):
    waiting = accepted(nurse)
    FileImport.objects.update(state=State.RUNNING, run=new_id(), seen_alive_at=timezone.now())
    run_upload(waiting.pk)
    assert counts(waiting)[-1] == 0


def test_only_one_file_is_run_at_a_time(nurse):
    waiting, running = accepted(nurse), accepted(nurse)
    FileImport.objects.filter(pk=running.pk).update(
        state=State.RUNNING, run=new_id(), seen_alive_at=timezone.now()
    )
    run_upload(waiting.pk)
    waiting.refresh_from_db()
    assert waiting.state == State.WAITING


def test_who_has_lost_the_file_writes_nothing_more(nurse, monkeypatch):
    waiting = accepted(nurse)
    real = background._progress

    def progress(mine, chunk):
        FileImport.objects.filter(pk=waiting.pk).update(run=new_id())
        real(mine, chunk)

    monkeypatch.setattr(background, "_progress", progress)
    run_upload(waiting.pk)
    assert not Appointment.objects.exists()


def test_what_has_changed_since_the_preview_is_previewed_anew(nurse):
    first = accepted(nurse)
    run_upload(first.pk)
    waiting = uploaded(nurse)
    run_upload(waiting.pk)
    change(Appointment.objects.first().pk, visit_type="review", actor=SYSTEM, now=timezone.now())
    again = confirmed(waiting, nurse)
    assert (again.state, again.dry_run) == (State.WAITING, True)
    run_upload(waiting.pk)
    again.refresh_from_db()
    assert again.state == State.PREVIEWED
    assert confirmed(again, nurse).state == State.DONE


def test_a_lost_nudge_is_made_up_for(nurse):
    accepted(nurse)
    OrmQ.objects.all().delete()
    nudge_waiting(now=timezone.now())
    assert OrmQ.objects.count() == 1
