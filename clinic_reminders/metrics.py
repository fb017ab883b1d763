"""What Prometheus reads: numbers only, at a cost that follows the work that is due."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django_q.models import OrmQ

from accounts.models import Clinic
from appointments.models import FileImport
from clinic_reminders import health
from messaging.alarms import open_by_kind
from messaging.dispatch import sending_is_on
from messaging.models import Message, MessageQuerySet, MessageStatus

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Each has an index that holds no other.
OPEN = (MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.UNKNOWN)
Samples = Mapping[str, float] | float


def page(*, now: datetime) -> str:
    """The numbers in Prometheus' text format. Without the database, only which parts are well."""
    parts = health.parts(now=now)
    lines = [*_metric("part_ok", "Whether a part works: 1 or 0.", {p.name: float(bool(p.ok)) for p in parts})]
    if parts[0].ok:
        lines += [line for metric in _from_the_database(now) for line in metric]
    return "\n".join(lines) + "\n"


def _from_the_database(now: datetime) -> Iterator[list[str]]:
    texts = MessageQuerySet(Message).texts()
    waiting = {status.value: float(texts.filter(status=status).count()) for status in OPEN}
    yield _metric("messages_open", "Texts that are not ended.", waiting, "status")
    yield _metric(
        "messages_last_day", "Texts made in the last 24 hours, by what became of them.", _made(now), "status"
    )
    yield _metric("queue_due", "Texts that should leave now.", float(texts.due(now).count()))
    late, silent = health.oldest_due(now), health.worker_silent_for(now)
    yield _metric(
        "queue_oldest_seconds",
        "How long the first has waited.",
        late.total_seconds() if late else 0.0,
    )
    if silent is not None:
        yield _metric(
            "worker_heartbeat_age_seconds", "Since the worker last did a task.", silent.total_seconds()
        )
    yield _metric("tasks_queued", "Background tasks that wait.", float(OrmQ.objects.count()))
    waiting_files = FileImport.objects.filter(state__in=[FileImport.State.WAITING, FileImport.State.RUNNING])
    yield _metric("file_imports_open", "Files not yet imported.", float(waiting_files.count()))
    raised = {kind: float(count) for kind, count in open_by_kind().items()}
    yield _metric("alarms_open", "Alarms that are open.", raised, "kind")
    yield _metric("sending_on", "Whether texts are sent: 0 with the kill switch.", float(sending_is_on()))


def _made(now: datetime) -> dict[str, float]:
    # By the clinics' keys: the index goes by clinic and time.
    clinics = list(Clinic.objects.order_by().values_list("pk", flat=True))
    # What staff are told may be of no clinic.
    anywhere = Q(clinic__in=clinics) | Q(clinic__isnull=True)
    made = MessageQuerySet(Message).texts().filter(anywhere, created_at__gte=now - timedelta(days=1))
    counted = dict(made.order_by().values_list("status").annotate(count=Count("pk")))
    return {status: float(counted.get(status, 0)) for status in MessageStatus.values}


def _metric(name: str, help_text: str, samples: Samples, label: str = "part") -> list[str]:
    """One gauge; `samples` maps values of the label to numbers. Our labels need no escaping."""
    name = f"clinic_reminders_{name}"
    lines = [f"# HELP {name} {help_text}", f"# TYPE {name} gauge"]
    if isinstance(samples, Mapping):
        return [*lines, *(f'{name}{{{label}="{value}"}} {number:g}' for value, number in samples.items())]
    return [*lines, f"{name} {samples:g}"]
