import ast
import math
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.utils.module_loading import import_string
from django_q.models import Schedule

from common.schedules import declared
from tests.architecture import house

ENQUEUES = {"async_task", "schedule"}


def enqueued_by_name() -> Iterator[tuple[str, str]]:
    """Each dotted name given to django-q2, with where."""
    for path in house.product_files():
        for node in ast.walk(house.tree(path)):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            task = node.args[0]
            if called in ENQUEUES and isinstance(task, ast.Constant) and isinstance(task.value, str):
                yield f"{house.name(path)}:{node.lineno}", task.value


def test_something_is_declared_and_enqueued():
    assert declared()
    assert list(enqueued_by_name())


@pytest.mark.parametrize("schedule", declared(), ids=lambda schedule: schedule.name)
def test_a_declared_schedule_names_a_task_that_imports(schedule):
    assert callable(import_string(schedule.task))


def test_every_task_that_is_enqueued_by_name_imports():
    for where, task in enqueued_by_name():
        assert callable(import_string(task)), where


def test_no_two_schedules_share_a_name():
    names = [schedule.name for schedule in declared()]
    assert len(names) == len(set(names))


@pytest.mark.django_db
def test_the_database_has_exactly_the_declared_schedules():
    stored = set(Schedule.objects.values_list("name", "func", "minutes"))
    assert stored == {(schedule.name, schedule.task, schedule.minutes) for schedule in declared()}


def test_missed_runs_are_not_made_up_for_one_by_one():
    # A pass finds all that is due: after a night off one is enough, and a hundred would be a flood.
    assert settings.Q_CLUSTER["catch_up"] is False


def test_a_task_is_given_up_at_last():
    assert settings.Q_CLUSTER["max_attempts"] > 0


def test_a_task_that_waits_behind_a_full_queue_is_not_handed_out_again_while_it_runs():
    cluster = settings.Q_CLUSTER
    turns = math.ceil((cluster["queue_limit"] + cluster["bulk"]) / cluster["workers"])
    assert cluster["retry"] > cluster["timeout"] * (1 + turns)
