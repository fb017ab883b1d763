import ast
import importlib
import importlib.util
import math
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from tests.architecture import house

ENQUEUES = {"async_task", "schedule"}


def declared_schedules() -> Iterator[tuple[str, Any]]:
    """Each entry of each app's `tasks.SCHEDULES`, with the module that declares it."""
    for package in house.PACKAGES:
        module = f"{package}.tasks"
        if importlib.util.find_spec(module) is not None:
            for entry in getattr(importlib.import_module(module), "SCHEDULES", ()):
                yield module, entry


def field(entry: Any, name: str) -> Any:
    return entry.get(name) if isinstance(entry, Mapping) else getattr(entry, name, None)


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


def test_every_declared_schedule_names_a_task_that_imports():
    for module, entry in declared_schedules():
        task = field(entry, "func")
        assert isinstance(task, str), f"{module}.SCHEDULES: an entry without func"
        assert callable(import_string(task)), task


def test_every_task_that_is_enqueued_by_name_imports():
    for where, task in enqueued_by_name():
        assert callable(import_string(task)), where


def test_no_two_schedules_share_a_name():
    names = [field(entry, "name") for _, entry in declared_schedules()]
    assert None not in names
    assert len(names) == len(set(names))


def test_missed_runs_are_not_made_up_for_one_by_one():
    # A pass finds all that is due: after a night off one is enough, and a hundred would be a flood.
    assert settings.Q_CLUSTER["catch_up"] is False
    for _, entry in declared_schedules():
        assert not field(entry, "catch_up")


def test_a_task_is_given_up_at_last():
    assert settings.Q_CLUSTER["max_attempts"] > 0


def test_a_task_that_waits_behind_a_full_queue_is_not_handed_out_again_while_it_runs():
    cluster = settings.Q_CLUSTER
    turns = math.ceil((cluster["queue_limit"] + cluster["bulk"]) / cluster["workers"])
    assert cluster["retry"] > cluster["timeout"] * (1 + turns)
