import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.audit import SYSTEM
from clinic_reminders.home import BASE_DIR
from common.ids import new_id
from messaging import claiming
from messaging.models import Message, MessageStatus
from messaging.services import set_sending
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MessageFactory


def send(*arguments):
    said = StringIO()
    call_command("send_reminders", *arguments, stdout=said)
    return said.getvalue()


@pytest.fixture
def batches_of_two(monkeypatch):
    monkeypatch.setattr(claiming, "BATCH", 2)


def clinic(**fields):
    return ClinicFactory(quiet_from=None, quiet_to=None, **fields)


@pytest.mark.django_db(transaction=True)
def test_a_clinics_budget_holds_over_the_batches_of_a_dry_run_as_in_the_real_pass(batches_of_two):
    place = clinic(daily_message_budget=3)
    for _number in range(7):
        MessageFactory(clinic=place)
    assert "Dry run: 3 texts would be sent." in send("--dry-run")
    assert "sent 3" in send()


@pytest.mark.django_db(transaction=True)
def test_a_patients_limit_holds_over_the_batches_of_a_dry_run_as_in_the_real_pass(batches_of_two):
    place, patient = clinic(), new_id()
    for _number in range(7):
        MessageFactory(clinic=place, recipient_id=patient)
    assert "Dry run: 3 texts would be sent." in send("--dry-run")
    assert "sent 3" in send()


def test_a_dry_run_says_that_sending_is_off_and_none_would_leave(db):
    MessageFactory(clinic=clinic())
    set_sending(False, actor=SYSTEM, now=timezone.now())
    said = send("--dry-run")
    assert "0 texts would be sent: sending is switched off. Switched on, 1 would be." in said


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00", "1999-12-31T23:59", "2101-01-01T00:00", "9999-12-31T23:59"]
)
def test_a_clock_beyond_reason_is_refused(db, at):
    with pytest.raises(CommandError, match="from 2000 to 2100"):
        send("--at", at)


def test_a_text_that_nobody_could_read_waits_to_be_shown_again(process_environment):
    place = clinic()
    for _number in range(300):
        MessageFactory(clinic=place, body="Dumela. " * 20)
    command = subprocess.Popen(
        [sys.executable, "manage.py", "send_reminders", "--skip-checks"],
        cwd=BASE_DIR,
        env={**process_environment, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # As `| head -1` does.
    assert command.stdout.readline().startswith("SMS to ")
    command.stdout.close()
    with command.stderr:
        said = command.stderr.read()
    command.wait(60)
    assert said == ""
    left = Message.objects.exclude(status=MessageStatus.SENT)
    assert left.filter(error_code="NOT_SHOWN").exists()
    assert set(left.values_list("status", flat=True)) == {MessageStatus.QUEUED}
