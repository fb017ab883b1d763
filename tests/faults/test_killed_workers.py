"""Workers killed with SIGKILL between claim and result, and in the middle of the provider's answer.

A small run of what `make faults` does with FAULT_MESSAGES=1000; the books are the provider's own.
"""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from messaging.models import Message, MessageStatus
from tests.doubles.twilio import TwilioDouble, running_twilio
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MessageFactory

ROOT = Path(__file__).resolve().parents[2]
MESSAGES = int(os.environ.get("FAULT_MESSAGES", "200"))
KILLS = int(os.environ.get("FAULT_KILLS", "2"))
ROUNDS_AFTER = 12
OPEN = [MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.UNKNOWN]


@pytest.fixture
def double():
    with running_twilio() as twilio:
        yield twilio


def environment(process_environment: dict[str, str], double: TwilioDouble) -> dict[str, str]:
    return {
        **process_environment,
        "SMS_PROVIDERS": "twilio",
        "SMS_LOOKUP_GRACE_SECONDS": "1",
        "TWILIO_ACCOUNT_SID": double.account,
        "TWILIO_AUTH_TOKEN": double.token,
        "TWILIO_FROM": "Clinic",
        "TWILIO_API_BASE_URL": double.base_url,
        "DJANGO_SETTINGS_MODULE": "clinic_reminders.settings",
    }


def worker(at, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """One pass in a process of its own. Each round's clock is later, so that dead claims have run out."""
    command = [sys.executable, "manage.py", "send_reminders", "--at", at.isoformat()]
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)


def kill_in_the_middle(process: subprocess.Popen[bytes], double: TwilioDouble, more: int) -> bool:
    """SIGKILL as soon as the provider has taken `more` texts of this round; False if it was done before."""
    before = len(double.accepted())
    while process.poll() is None and len(double.accepted()) < before + more:
        pass
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


@pytest.mark.parametrize("trouble", ["none", "dropped_answers"])
def test_no_text_is_lost_or_doubled_when_workers_are_killed(process_environment, double, trouble):
    chance = random.Random(7)
    rules = [{"do": "accept_then_drop", "share": 0.2}] if trouble == "dropped_answers" else []
    double.behave(latency_ms=60, rules=rules)
    now = timezone.now()
    clinic = ClinicFactory(quiet_from=None, quiet_to=None)
    for number in range(MESSAGES):
        MessageFactory(
            clinic=clinic, to=f"+26771{number:06d}", created_at=now, expires_at=now + timedelta(days=30)
        )
    env = environment(process_environment, double)
    rounds = killed = 0
    for rounds in range(1, KILLS + ROUNDS_AFTER + 1):
        process = worker(now + timedelta(minutes=5 * rounds), env)
        if rounds <= KILLS:
            killed += kill_in_the_middle(process, double, more=chance.randint(1, 60))
        else:
            assert process.wait() == 0
        if rounds >= KILLS and not Message.objects.filter(status__in=OPEN).exists():
            break
    taken = Counter(message["to"] for message in double.accepted())
    states = Counter(Message.objects.values_list("status", flat=True))
    lost, doubled = MESSAGES - len(taken), sum(count - 1 for count in taken.values())
    print(
        f"{MESSAGES} messages, {KILLS} kills, {trouble}, {rounds} rounds: {dict(states)}; {lost=} {doubled=}"
    )
    assert killed == KILLS
    assert (lost, doubled) == (0, 0)
    assert set(states) <= {MessageStatus.SENT, MessageStatus.DELIVERED}
