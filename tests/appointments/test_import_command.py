import os
import stat
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from appointments.models import Appointment
from clinic_reminders.home import BASE_DIR
from tests.factories.accounts import ClinicFactory

ROWS = """phone,datetime,clinic,name
71234567,2090-01-02 09:00,GAB01,Thabo
bad,2090-01-02 10:00,GAB01,Neo Moeti
"""


@pytest.fixture
def file(tmp_path, db):
    ClinicFactory(code="GAB01")
    path = tmp_path / "in.csv"
    path.write_text(ROWS)
    return path


def run(*arguments):
    """Exit code and what was said."""
    said = StringIO()
    try:
        call_command("import_appointments", *map(str, arguments), stdout=said, stderr=said)
    except SystemExit as ended:
        return ended.code, said.getvalue()
    return 0, said.getvalue()


@pytest.mark.parametrize("more", [[], ["--dry-run"]], ids=["real", "dry run"])
def test_the_imported_file_is_never_written_over(file, more):
    code, said = run(file, "--errors", file, *more)
    assert code == 2
    assert "Give it another name." in said
    assert file.read_text() == ROWS
    assert not Appointment.objects.exists()


def test_the_imported_file_by_another_name_is_never_written_over(file, tmp_path):
    other = tmp_path / "other.csv"
    os.link(file, other)
    assert run(file, "--errors", other)[0] == 2
    assert file.read_text() == ROWS


def test_rejected_rows_that_could_not_be_written_stop_the_import_before_it_begins(file, tmp_path):
    code, said = run(file, "--errors", tmp_path / "nowhere" / "out.csv")
    assert code == 2
    assert "out.csv can't be written: No such file or directory." in said
    assert not Appointment.objects.exists()


def test_a_folder_is_no_place_for_the_rejected_rows(file, tmp_path):
    assert run(file, "--errors", tmp_path)[0] == 2
    assert not Appointment.objects.exists()


def test_the_rejected_rows_are_their_owners_alone_and_leave_no_draft(file, tmp_path):
    out = tmp_path / "out.csv"
    assert run(file, "--errors", out)[0] == 1
    assert "Neo Moeti" in out.read_text(encoding="utf-8")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_a_refused_import_leaves_an_older_file_of_rejected_rows_as_it_was(file, tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("older")
    (tmp_path / "empty.csv").write_text("")
    assert run(tmp_path / "empty.csv", "--errors", out)[0] == 2
    assert out.read_text() == "older"


@pytest.mark.parametrize("name", ["nowhere.csv", ""], ids=["no file", "a folder"])
def test_a_file_that_can_not_be_read_is_told_and_changes_nothing(file, tmp_path, name):
    code, said = run(tmp_path / name)
    assert code == 2
    assert "can't be read: " in said
    assert not Appointment.objects.exists()


def test_a_clinic_that_there_is_not_is_told_with_those_that_there_are(file):
    code, said = run(file, "--clinic", "NOWHERE")
    assert code == 2
    assert "There is no clinic NOWHERE. Known clinics: GAB01." in said
    assert not Appointment.objects.exists()


def test_before_there_is_any_clinic_that_is_said(db, tmp_path):
    (tmp_path / "in.csv").write_text(ROWS)
    assert "Known clinics: none yet." in run(tmp_path / "in.csv", "--clinic", "GAB01")[1]


def test_rows_that_name_no_clinic_are_of_the_given_one(db, tmp_path):
    clinic = ClinicFactory(code="GAB01")
    ClinicFactory()
    path = tmp_path / "in.csv"
    path.write_text("phone,datetime,name\n71234567,2090-01-02 09:00,Thabo\n")
    code, said = run(path, "--clinic", "gab01")
    assert (code, Appointment.objects.get().clinic) == (0, clinic)
    assert "created 1, updated 0, unchanged 0, rejected 0" in said


def test_a_dry_run_says_what_would_happen_and_writes_the_rejected_rows_alone(file, tmp_path):
    code, said = run(file, "--dry-run", "--errors", tmp_path / "out.csv")
    assert code == 1
    assert "Dry run: nothing was changed. The import would give:\ncreated 1" in said
    assert "Neo Moeti" in (tmp_path / "out.csv").read_text(encoding="utf-8")
    assert not Appointment.objects.exists()


def test_columns_that_mean_nothing_here_are_named(file):
    file.write_text("phone,datetime,clinic,name,shoe size\n71234567,2090-01-02 09:00,GAB01,Thabo,43\n")
    code, said = run(file)
    assert code == 0
    assert "Ignored columns: shoe size" in said


def test_of_many_rejected_rows_the_first_are_shown_and_the_rest_counted(file):
    rows = "".join(f"bad{number},2090-01-02 10:00,GAB01,Neo\n" for number in range(53))
    file.write_text(f"phone,datetime,clinic,name\n{rows}")
    code, said = run(file)
    assert code == 1
    assert said.count("  rejected row ") == 50
    assert "  … and 3 more; use --errors to see them all." in said


def test_rejected_rows_that_can_not_be_written_in_the_end_leave_the_import_as_it_is(file, tmp_path):
    out = tmp_path / "out.csv"

    def somebody_takes_the_place(execute, sql, params, many, context):
        if sql.startswith("INSERT"):
            out.mkdir(exist_ok=True)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(somebody_takes_the_place), pytest.raises(CommandError) as refusal:
        run(file, "--errors", out)
    assert str(refusal.value).startswith("The rows are imported, but ")
    assert Appointment.objects.count() == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def command(tmp_path, url, *arguments):
    """The command in a process of its own, with a database that is not the tests'."""
    (tmp_path / "in.csv").write_text(ROWS)
    environment = {**os.environ, "DATABASE_URL": url, "CLINIC_REMINDERS_HOME": str(tmp_path)}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("url", "mend"),
    [
        ("sqlite:///new.sqlite3", "Run: python manage.py migrate"),
        ("sqlite:////proc/none.sqlite3", "Check DATABASE_URL"),
        ("postgres://u:secret@127.0.0.1:1/x", "Check DATABASE_URL"),
    ],
    ids=["not migrated", "no file", "no server"],
)
@pytest.mark.parametrize(
    ("arguments", "code"), [(["import_appointments", "{}/in.csv"], 2), (["send_reminders"], 1)]
)
def test_a_database_that_can_not_be_used_is_told_with_the_mend(tmp_path, url, mend, arguments, code):
    ended = command(tmp_path, url, *(argument.format(tmp_path) for argument in arguments))
    assert ended.returncode == code
    assert mend in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "secret" not in ended.stderr
