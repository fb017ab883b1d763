"""Every example in docs/api.md is run as it stands there, against a site of its own."""

import os
import re
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from accounts import api_keys, sign_in
from accounts.api import tokens
from accounts.audit import SYSTEM
from accounts.models import Clinic
from common.rest.door import BASE
from messaging.models import MessageTemplate
from tests.architecture.house import ROOT
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, UserFactory
from tests.factories.clinic_life import clinic_life

TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
# A Tuesday, as in the examples; so that their times stay to come.
FIRST = date(2026, 12, 1)
NOT_SIGNED_IN = f"curl -s http://127.0.0.1:8000{BASE}/appointments\n"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def still_to_come(text: str) -> str:
    """The example's days, moved on by whole weeks."""
    today = timezone.localdate()
    weeks = max(0, (today + timedelta(days=7) - FIRST).days // 7 + 1)

    def moved(match: re.Match[str]) -> str:
        return (date.fromisoformat(match[0]) + timedelta(weeks=weeks)).isoformat()

    return re.sub(r"\b20\d\d-\d\d-\d\d\b", moved, text)


@pytest.fixture
def values(live_server) -> dict[str, str]:
    """What the examples leave to the reader: ids and tokens of a site with one clinic."""
    clinic = ClinicFactory(code="GAB01")
    admin = AdminFactory()
    StaffFactory(username="nurse.gab", password="dumela-demo", clinics=[clinic])
    life = clinic_life(clinic, admin, alone=True)
    # One of the examples gives the clinic this text.
    MessageTemplate.objects.filter(clinic=clinic).delete()
    pair = tokens.pair(sign_in.begin(admin, now=timezone.now()))
    return {
        "ACCESS": pair["access"],
        "REFRESH": pair["refresh"],
        "CLINIC_ID": str(clinic.pk),
        "APPOINTMENT_ID": str(life.appointment),
        "MESSAGE_ID": str(life.message),
        "UPLOAD_ID": str(life.upload),
        "USER_ID": str(UserFactory(is_active=False).pk),
    }


def filled(text: str, values: dict[str, str], site: str) -> str:
    for name, value in values.items():
        text = re.sub(rf"(?<![$\w]){name}\b", value, text)
    return still_to_come(text).replace("http://127.0.0.1:8000", site)


@pytest.mark.parametrize(
    "example", blocks("bash"), ids=lambda text: re.search(r"/api/v1(\S+?)[\"'\s]", text)[1]
)
def test_an_example_with_curl_does_what_the_docs_say(live_server, values, tmp_path: Path, example: str):
    if shutil.which("curl") is None:
        pytest.skip("no curl on this machine")
    shutil.copy(ROOT / "tests/data/appointments_messy.csv", tmp_path / "appointments.csv")
    command = filled(example, values, live_server.url).replace("curl -s ", "curl -s -w '\\n%{http_code}' ", 1)
    environment = {"PATH": os.environ["PATH"], "ACCESS": values["ACCESS"]}
    said = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    ).stdout
    status = said.rsplit("\n", 1)[1]
    expected = {"401"} if example == NOT_SIGNED_IN else {"200", "201", "202", "204"}
    assert status in expected, said


def test_the_working_day_in_python_goes_through(live_server, values):
    options = {"expires_at": None, "made_by": None, "actor": SYSTEM, "now": timezone.now()}
    clinics = list(Clinic.objects.all())
    _key, secret = api_keys.issue(name="Laboratory", role="staff", clinics=clinics, **options)
    script = still_to_come("\n".join(blocks("python")))
    environment = {"PATH": os.environ["PATH"], "SITE": live_server.url, "API_KEY": secret}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in {"queued", "sent"}


def test_there_is_an_example_of_each_way_to_call():
    assert len(blocks("bash")) > 15
    assert len(blocks("python")) > 4
