"""Scheduled work is declared beside the tasks, in code; the database only keeps when each runs next."""

from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps
from django.db import transaction
from django.utils import timezone
from django_q.models import Schedule


@dataclass(frozen=True, slots=True)
class Every:
    """Runs `task` (dotted path, no arguments) every `minutes`, first `offset` after the declaration."""

    name: str
    task: str
    minutes: int
    offset: timedelta = timedelta()


def declared() -> list[Every]:
    """What the installed apps declare as SCHEDULES in their tasks module."""
    found: list[Every] = []
    for app in apps.get_app_configs():
        if find_spec(f"{app.name}.tasks") is not None:
            found += getattr(import_module(f"{app.name}.tasks"), "SCHEDULES", [])
    return found


def sync_schedules() -> list[str]:
    """Makes the stored schedules those declared, and gives their names. What runs on time keeps its time."""
    schedules = declared()
    with transaction.atomic():
        Schedule.objects.exclude(name__in=[s.name for s in schedules]).delete()
        for schedule in schedules:
            Schedule.objects.update_or_create(
                name=schedule.name,
                defaults={
                    "func": schedule.task,
                    "schedule_type": Schedule.MINUTES,
                    "minutes": schedule.minutes,
                    "repeats": -1,
                    "args": None,
                    "kwargs": None,
                    "hook": None,
                    "cluster": None,
                },
                create_defaults={
                    "func": schedule.task,
                    "schedule_type": Schedule.MINUTES,
                    "minutes": schedule.minutes,
                    "repeats": -1,
                    "next_run": timezone.now() + schedule.offset,
                },
            )
    return [schedule.name for schedule in schedules]
