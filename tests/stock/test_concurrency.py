"""Many people at one shelf, each with a connection of their own."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from accounts.audit import SYSTEM
from common.errors import StateConflict
from stock.errors import InsufficientStock
from stock.ledger import reverse
from stock.models import Movement, StockLevel
from stock.reconciling import differences
from stock.transfers import receive_transfer, transfer_out
from tests.architecture.house import ROOT
from tests.factories.accounts import ClinicFactory
from tests.factories.stock import moved, stocked

pytestmark = pytest.mark.django_db(transaction=True)
ISSUES = """
from uuid import UUID
from django.utils import timezone
from accounts.audit import SYSTEM
from stock.errors import InsufficientStock
from stock.ledger import move
for _number in range(10):
    try:
        move(level_id=UUID("{level}"), kind="issue", quantity=1, actor=SYSTEM, now=timezone.now())
        print("issued")
    except InsufficientStock:
        print("refused")
"""


def at_once(jobs):
    """The results or refusals of the jobs, run in threads that start together."""
    start = threading.Barrier(len(jobs))

    def work(job):
        try:
            connection.ensure_connection()
            start.wait()
            return job()
        except (InsufficientStock, StateConflict) as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(work, jobs))


def refused(results):
    return sum(isinstance(result, Exception) for result in results)


@pytest.mark.postgresql
def test_64_threads_that_issue_from_one_level_lose_nothing():
    level = stocked(100)
    results = at_once([lambda: moved(level, "issue", 2)] * 64)
    assert refused(results) == 14
    assert StockLevel.objects.get().on_hand == 0
    assert Movement.objects.count() == 51
    assert not list(differences())


def test_eight_processes_that_issue_from_one_level_lose_nothing(process_environment):
    level = stocked(60)
    command = [sys.executable, "manage.py", "shell", "--command", ISSUES.format(level=level.pk)]
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=process_environment, stdout=subprocess.PIPE, text=True)
        for _number in range(8)
    ]
    said = [line for process in processes for line in process.communicate(timeout=200)[0].splitlines()]
    assert said.count("issued") == 60
    assert said.count("refused") == 20
    assert StockLevel.objects.get().on_hand == 0
    assert not list(differences())


def test_an_entry_that_several_take_back_at_once_is_taken_back_once():
    issue = moved(stocked(5), "issue", 1)
    results = at_once([lambda: reverse(movement_id=issue.pk, actor=SYSTEM, now=timezone.now())] * 6)
    assert refused(results) == 5
    assert StockLevel.objects.get().on_hand == 5


def test_a_transfer_that_several_take_in_at_once_arrives_once():
    sent = transfer_out(
        level_id=stocked(5).pk, to_clinic=ClinicFactory(), quantity=4, actor=SYSTEM, now=timezone.now()
    )
    results = at_once([lambda: receive_transfer(movement_id=sent.pk, actor=SYSTEM, now=timezone.now())] * 6)
    assert refused(results) == 5
    assert not list(differences())


def test_two_clinics_that_send_to_each_other_do_not_block_each_other():
    one = stocked(50)
    other = stocked(50, item=one.item)

    def sending(source, target):
        return lambda: transfer_out(
            level_id=source.pk, to_clinic=target.clinic, quantity=1, actor=SYSTEM, now=timezone.now()
        )

    results = at_once([sending(one, other), sending(other, one)] * 5)
    assert refused(results) == 0
    assert not list(differences())
