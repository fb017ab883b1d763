"""Who came and who did not: by clinic, month, weekday, and what became of the reminder."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import NamedTuple

from django.db.models import Case, CharField, Count, DateField, Exists, OuterRef, Q, Value, When
from django.db.models.functions import ExtractIsoWeekDay, TruncMonth

from accounts.models import Clinic
from accounts.zones import by_zone
from appointments.call_list import TELLING
from appointments.models import LIVE, Appointment, AppointmentStatus
from appointments.reminding import SUBJECT
from messaging.models import Message, MessageStatus

DELIVERED, SENT, NOT_REACHED = "delivered", "sent", "not_reached"
# What NOT_REACHED is, told apart: a text failed, or none was sent.
FAILED, NONE = "failed", "none"
# Of a text that was to leave; one that was taken back or waits is none.
_WITHOUT_SUCCESS = ("undelivered", "failed", "expired", "suppressed", "unknown")


class Counts(NamedTuple):
    """Visits. `unmarked`: the time has passed and nobody has said whether the patient came."""

    attended: int
    missed: int
    unmarked: int
    upcoming: int
    cancelled: int

    @property
    def no_show_rate(self) -> float | None:
        return no_show_rate(self.attended, self.missed)


COUNTS = Counts._fields


@dataclass(frozen=True, slots=True)
class Group:
    """Visits that are alike. `month` is its first day, `weekday` 1 for Monday, on the clinic's calendar."""

    clinic: Clinic
    month: date
    weekday: int
    reminder: str
    counts: Counts


def attendance(
    clinics: Iterable[Clinic],
    bounds: Callable[[tzinfo], tuple[datetime, datetime]],
    *,
    now: datetime,
    told_apart: bool = False,
) -> list[Group]:
    """Counted in the database, one query a time zone. `bounds` gives the period on a zone's clock.

    `told_apart`: `reminder` is FAILED or NONE instead of NOT_REACHED.
    """
    groups = []
    for zone, known in by_zone(clinics):
        begin, end = bounds(zone)
        visits = Appointment.objects.filter(clinic__in=list(known), starts_at__gte=begin, starts_at__lt=end)
        # Nothing else is told of these visits: without it, the texts of all clinics and years are looked at.
        texts = Q(clinic__in=list(known), subject_at__gte=begin, subject_at__lt=end)
        rows = (
            visits.annotate(
                month=TruncMonth("starts_at", tzinfo=zone, output_field=DateField()),
                weekday=ExtractIsoWeekDay("starts_at", tzinfo=zone),
                reminder=reached(told_apart=told_apart, among=texts),
            )
            .order_by()
            .values_list("clinic_id", "month", "weekday", "reminder")
            .annotate(**_counts(now))
        )
        groups += [
            Group(known[clinic_id], month, weekday, reminder, Counts(*counts))
            for clinic_id, month, weekday, reminder, *counts in rows
        ]
    return sorted(groups, key=lambda group: (group.clinic.code, group.month, group.weekday, group.reminder))


def no_show_rate(attended: int, missed: int) -> float | None:
    """Of the visits that were marked, the share that was missed; None where none was marked."""
    marked = attended + missed
    return round(missed / marked, 4) if marked else None


def summed(groups: Iterable[Group]) -> Counts:
    counts = [group.counts for group in groups]
    return Counts(*(sum(getattr(each, name) for each in counts) for name in COUNTS))


def _counts(now: datetime) -> dict[str, Count]:
    live = Q(status__in=LIVE)
    wanted = {
        "attended": Q(status=AppointmentStatus.ATTENDED),
        "missed": Q(status=AppointmentStatus.MISSED),
        "unmarked": live & Q(starts_at__lt=now),
        "upcoming": live & Q(starts_at__gte=now),
        "cancelled": Q(status=AppointmentStatus.CANCELLED),
    }
    return {name: Count("pk", filter=wanted[name]) for name in COUNTS}


def reached(*, told_apart: bool, among: Q | None = None) -> Case:
    """Of a visit: what became of the texts that told of its present time; the best of them counts.

    `among`: what is known of these texts beforehand.
    """
    told = Message.objects.filter(
        among or Q(),
        subject_type=SUBJECT,
        subject_id=OuterRef("pk"),
        subject_at=OuterRef("starts_at"),
        purpose__in=TELLING,
    )
    failed = [When(Exists(told.filter(status__in=_WITHOUT_SUCCESS)), then=Value(FAILED))]
    return Case(
        When(Exists(told.filter(status=MessageStatus.DELIVERED)), then=Value(DELIVERED)),
        When(Exists(told.filter(status=MessageStatus.SENT)), then=Value(SENT)),
        *(failed if told_apart else []),
        default=Value(NONE if told_apart else NOT_REACHED),
        output_field=CharField(),
    )
