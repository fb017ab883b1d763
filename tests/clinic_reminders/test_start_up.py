"""A missing or contradictory setting stops the start of every process, with the mend."""

import os
import subprocess
import sys

import pytest

from clinic_reminders.home import BASE_DIR


def start(tmp_path, *command, **variables):
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "CLINIC_REMINDERS_HOME": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "clinic_reminders.settings",
        "SECRET_KEY": "x" * 60,
        "ALLOWED_HOSTS": "clinic.example",
        **variables,
    }
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


def test_words_where_a_number_belongs_are_named_with_the_mend(tmp_path):
    ended = start(tmp_path, "manage.py", "migrate", SMS_PATIENT_DAILY_LIMIT="three")
    assert ended.returncode != 0
    assert "Set SMS_PATIENT_DAILY_LIMIT=3" in ended.stderr


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
