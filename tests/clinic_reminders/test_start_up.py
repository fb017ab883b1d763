"""A missing or contradictory setting stops the start of every process, with the mend."""

import os
import re
import stat
import subprocess
import sys

import pytest

from clinic_reminders.home import BASE_DIR
from tests.programs import bare_environment


def start(tmp_path, *command, **variables):
    given = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "CLINIC_REMINDERS_HOME": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "clinic_reminders.settings",
        "SECRET_KEY": "x" * 60,
        "ALLOWED_HOSTS": "clinic.example",
        **variables,
    }
    environment = bare_environment(**given)
    return subprocess.run(
        [sys.executable, *command], cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=60
    )


WSGI = ("-c", "import clinic_reminders.wsgi")


@pytest.mark.parametrize(
    "command",
    [("manage.py", "check"), ("manage.py", "migrate"), ("manage.py", "qcluster"), WSGI],
    ids=["check", "migrate", "qcluster", "web"],
)
def test_without_a_secret_key_nothing_starts(tmp_path, command):
    ended = start(tmp_path, *command, SECRET_KEY="")
    assert ended.returncode != 0
    assert "SECRET_KEY is not set. " in ended.stderr.replace("\n", " ").replace("HINT: ", "")
    assert "Put a long random value into .env" in ended.stderr


@pytest.mark.parametrize(
    "variable",
    ["TIME_ZONE", "LOG_FORMAT", "LOG_LEVEL", "CORS_ALLOWED_ORIGINS", "SMS_PROVIDERS"],
)
def test_a_value_that_means_nothing_is_named_with_the_mend(tmp_path, variable):
    ended = start(tmp_path, "manage.py", "check", **{variable: "Nowhere"})
    assert ended.returncode != 0
    assert variable in ended.stderr
    assert "HINT: " in ended.stderr
    assert "Traceback" not in ended.stderr


WRONG = [
    ("API_RATE_LIMIT", "many"),
    ("LOGIN_RATE_LIMIT", "5"),
    ("TRUSTED_PROXIES", "proxy.example"),
    ("REDIS_URL", "http://host"),
    ("SENTRY_DSN", "sentry.example"),
    ("SMS_PATIENT_DAILY_LIMIT", "three"),
    ("SMS_PATIENT_DAILY_LIMIT", "0"),
    ("SMS_PATIENT_DAILY_LIMIT", "-1"),
    ("SMS_LOOKUP_GRACE_SECONDS", "abc"),
    ("DATABASE_URL", ""),
    ("DATABASE_URL", "garbage"),
    ("DATABASE_URL", "mysql://u:hidden@host/name"),
    ("DATABASE_URL", "postgres://u:hidden@host:port/name"),
    ("DATABASE_URL", "postgres://u:hidden@host"),
    ("DATABASE_URL", "sqlite:////proc/none/db.sqlite3"),
    ("HTTPS_REQUIRED", "yess"),
    ("DEBUG", "maybe"),
    ("SMS_SENDING_ENABLED", "enabled"),
]


@pytest.mark.parametrize(("variable", "value"), WRONG)
def test_a_value_of_the_wrong_kind_is_named_with_the_mend(tmp_path, variable, value):
    ended = start(tmp_path, "manage.py", "check", **{variable: value})
    assert ended.returncode == 1
    assert f"(clinic_reminders.E006) {variable} " in ended.stderr
    assert re.search(rf"HINT: .*{variable}", ended.stderr)
    assert "Traceback" not in ended.stderr
    assert "hidden" not in ended.stderr


@pytest.mark.parametrize(
    "command",
    [("manage.py", "migrate"), ("manage.py", "send_reminders"), ("manage.py", "qcluster"), WSGI],
    ids=["migrate", "send_reminders", "qcluster", "web"],
)
def test_nothing_starts_on_a_database_that_is_none(tmp_path, command):
    ended = start(tmp_path, *command, DATABASE_URL="garbage")
    assert ended.returncode != 0
    assert "DATABASE_URL names no database that can be used." in ended.stderr


def test_the_web_server_ends_with_the_mend_and_no_traceback(tmp_path):
    ended = start(
        tmp_path, "-m", "gunicorn", "clinic_reminders.wsgi", "--bind", "127.0.0.1:0", DATABASE_URL="garbage"
    )
    assert ended.returncode != 0
    assert "DATABASE_URL names no database that can be used. Set DATABASE_URL=" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_web_server_says_that_the_console_tells_nobody(tmp_path):
    ended = start(tmp_path, *WSGI)
    assert ended.returncode == 0
    assert "SMS_PROVIDERS holds console: texts are printed, and no patient will be told." in ended.stderr


def test_a_relative_database_is_the_homes_wherever_a_command_starts(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    ended = start(
        home,
        "-c",
        "from clinic_reminders.settings import DATABASES; print(DATABASES['default']['NAME'])",
        DATABASE_URL="sqlite:///var/other.sqlite3",
    )
    assert ended.stdout.strip() == str(home / "var" / "other.sqlite3")


def test_the_folder_of_the_database_is_its_owners_alone(tmp_path):
    start(tmp_path, "manage.py", "check", DATABASE_URL="sqlite:///var/db.sqlite3")
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700


def test_a_command_whose_reader_has_had_enough_ends_without_a_trace():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        environment = bare_environment(SECRET_KEY="x" * 50, DEBUG="on")
        arguments = [sys.executable, "manage.py", "help"]
        done = subprocess.run(arguments, cwd=BASE_DIR, env=environment, stdout=closed, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (1, b"")
