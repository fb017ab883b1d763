"""What is behind the clinics: people and keys, files, closed days, alarms, the queue, who signed in."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django_q.models import OrmQ, Schedule, Task
from django_q.signing import SignedPackage

from accounts.models import ApiKey, Role, User
from appointments.models import Closure, FileImport, RejectedRow
from messaging.models import Alarm, AlarmKind, MessageTemplate, ProviderState, TemplateKey
from tests.factories.district.plan import Plan, store

STATES = ("done", "previewed", "failed", "discarded", "done")


def fill(plan: Plan) -> None:
    _people(plan)
    store(Closure, _closures(plan))
    _files(plan)
    store(Alarm, _alarms(plan))
    store(MessageTemplate, _templates(plan))
    store(ProviderState, (ProviderState(name=f"former{n}") for n in range(min(len(plan.clinics), 4))))
    _work(plan)
    _sign_ins(plan)


def _people(plan: Plan) -> None:
    people = [User(username=f"person{n:05d}", password="!", role=Role.STAFF) for n in plan.of_every(1000)]
    store(User, people)
    members = User.clinics.through
    store(
        members,
        (members(user=person, clinic=plan.clinics[n % len(plan.clinics)]) for n, person in enumerate(people)),
    )
    keys = (
        ApiKey(
            name=f"System {n}",
            prefix=f"crk_{n}",
            digest=f"{n:064d}",
            role=Role.STAFF,
            expires_at=plan.now + timedelta(days=300),
            created_by=plan.admin,
            created_at=plan.now,
        )
        for n in plan.of_every(20_000)
    )
    store(ApiKey, keys)


def _closures(plan: Plan) -> Iterator[Closure]:
    for clinic in plan.clinics:
        for number in plan.of_every(8000, least=2):
            day = plan.today + timedelta(days=200 + number)
            yield Closure(clinic=clinic, date=day, reason="Holiday", created_at=plan.now)


def _files(plan: Plan) -> None:
    """A file a day or so; the nurse brought every other one."""
    files = [
        FileImport(
            filename=f"week-{number}.csv",
            content=b"",
            clinic=plan.clinics[0],
            clinic_ids=[str(plan.clinics[0].pk)],
            uploaded_by=(plan.nurse, plan.admin)[number % 2],
            uploaded_at=plan.now - timedelta(days=number),
            state=STATES[number % len(STATES)],
            rejected=1,
        )
        for number in plan.of_every(800, least=10)
    ]
    store(FileImport, files)
    store(
        RejectedRow,
        (
            RejectedRow(
                file_import=file, row=2, line=2, code="INVALID_PHONE", reason="No phone.", cells=["x"]
            )
            for file in files
        ),
    )


def _alarms(plan: Plan) -> Iterator[Alarm]:
    for number in plan.of_every(1000, least=6):
        opened_at = plan.now - timedelta(days=number)
        yield Alarm(
            kind=AlarmKind.PROVIDER_DOWN,
            subject=f"former{number}",
            facts={"code": "READ_TIMEOUT"},
            opened_at=opened_at,
            seen_at=opened_at,
            closed_at=None if number < 3 else opened_at,
        )


def _templates(plan: Plan) -> Iterator[MessageTemplate]:
    for clinic in plan.clinics:
        for key in (TemplateKey.MISSED, TemplateKey.CANCELLED):
            yield MessageTemplate(clinic=clinic, key=key, language="en", body="Please call {clinic_phone}.")


def _work(plan: Plan) -> None:
    def done(number: int) -> dict[str, Any]:
        begun = plan.now - timedelta(minutes=number)
        return {
            "name": f"pass-{number}",
            "func": "messaging.tasks.dispatch",
            "started": begun,
            "stopped": begun,
        }

    for succeeded in (True, False):
        mark = "s" if succeeded else "f"
        tasks = (
            Task(id=f"{mark}{n:031d}", result="", success=succeeded, group="texts", **done(n))
            for n in plan.of_every(100)
        )
        store(Task, tasks)
    waiting = {"id": "0" * 32, "name": "pass", "func": "messaging.tasks.dispatch", "args": (), "kwargs": {}}
    payload = SignedPackage.dumps(waiting)
    store(OrmQ, (OrmQ(key="clinic_reminders", payload=payload) for _n in plan.of_every(5000)))
    schedules = plan.of_every(50, least=4, most=30)
    store(
        Schedule,
        (
            Schedule(name=f"pass-{n}", func="messaging.tasks.dispatch", task=f"s{0:031d}", next_run=plan.now)
            for n in schedules
        ),
    )


def _sign_ins(plan: Plan) -> None:
    tried = {
        "user_agent": "Firefox",
        "ip_address": "203.0.113.7",
        "http_accept": "*/*",
        "path_info": "/admin/login/",
    }
    for model in (AccessLog, AccessFailureLog):
        store(model, (model(username=f"person{n:05d}", **tried) for n in plan.of_every(10)))
    store(
        AccessAttempt,
        (
            AccessAttempt(
                username=f"person{n:05d}", get_data="", post_data="", failures_since_start=1, **tried
            )
            for n in plan.of_every(1000)
        ),
    )
