"""What `make run` says before the site is up."""

import os
import stat
import subprocess
import sys

import pytest

from appointments.demo.seeding import Seeded
from appointments.demo.sign_ins import PasswordState, SignIn
from clinic_reminders.home import BASE_DIR
from clinic_reminders.local import __main__ as local
from clinic_reminders.local.address import Address
from clinic_reminders.local.processes import Child
from tests.programs import bare_environment

HERE = Address("127.0.0.1", 8000, is_loopback=True)
EVERYWHERE = Address("0.0.0.0", 8000, is_loopback=False)  # noqa: S104


def make_run(home, **variables):
    return subprocess.run(
        [sys.executable, "-m", "clinic_reminders.local"],
        cwd=BASE_DIR,
        env=bare_environment(CLINIC_REMINDERS_HOME=str(home), **variables),
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"PORT": "none"}, "PORT is 'none'. Choose a number from 1 to 65535"),
        ({"HOST": "no.such.host.invalid"}, "a name that this machine does not know"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL must be one of"),
        ({"SMS_PROVIDERS": "nowhere"}, "SMS_PROVIDERS names 'nowhere', which is no provider."),
        ({"DATABASE_URL": "sqlite:////proc/version"}, "The database that DATABASE_URL names can't be used:"),
        ({"SMS_PROVIDERS": "smsgate", "SMSGATE_BASE_URL": "http://192.0.2.1"}, "SMSGATE_"),
    ],
)
def test_what_keeps_the_site_from_starting_is_told_without_a_traceback(tmp_path, variables, told):
    ended = (
        make_run(tmp_path, PORT="8999", **variables)
        if "PORT" not in variables
        else make_run(tmp_path, **variables)
    )
    assert ended.returncode == 1
    assert told in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.fixture
def own_var(tmp_path, monkeypatch):
    """The folder of the site's data, as an earlier run left it: open to all."""
    var = tmp_path / "var"
    var.mkdir(mode=0o755)
    monkeypatch.setattr(local, "VAR_DIR", var)
    before = os.umask(0o022)
    yield var
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_what_an_earlier_run_left_open_is_closed_and_what_a_link_names_is_left_alone(own_var, tmp_path):
    (own_var / "db.sqlite3").write_text("")
    (tmp_path / "elsewhere").write_text("")
    (own_var / "link").symlink_to(tmp_path / "elsewhere")
    (own_var / "static").mkdir(mode=0o755)
    local.keep_to_owner()
    assert [mode(own_var), mode(own_var / "db.sqlite3")] == [0o700, 0o600]
    assert [mode(tmp_path / "elsewhere"), mode(own_var / "static")] == [0o644, 0o755]


def test_what_this_run_writes_is_its_owners_alone(own_var):
    local.keep_to_owner()
    (own_var / "new").write_text("")
    assert mode(own_var / "new") == 0o600


def told(capsys, address):
    person = SignIn("nurse.gab", "dumela-demo", "staff", ["GAB01"], PasswordState.KEPT)
    local.tell(address, Seeded([person], None))
    return capsys.readouterr().out


def test_who_can_sign_in_and_where_is_told(capsys):
    said = told(capsys, HERE)
    assert "Clinic Reminders is at http://127.0.0.1:8000/" in said
    assert "http://127.0.0.1:8000/admin/messaging/message/" in said
    assert "nurse.gab" in said
    assert "No patient is told" not in said


def test_where_others_can_reach_the_site_it_says_that_no_patient_is_told(capsys):
    assert "No patient is told: SMS_PROVIDERS is console." in told(capsys, EVERYWHERE)


def test_where_others_can_reach_the_site_it_warns_that_nothing_is_encrypted(capsys):
    local.warn(EVERYWHERE)
    assert "passwords and patients' data cross the network unencrypted" in capsys.readouterr().out


def test_a_child_that_was_never_started_is_stopped_without_a_word():
    child = Child("worker", ["true"])
    child.ask_to_end()
    child.kill_what_is_left()
    assert child.exit_code is None
