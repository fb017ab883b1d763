"""Who has a visit when: a patient is in one place at a time, and a clinic has room for so many."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import Clinic
from appointments.errors import AppointmentConflict, InTheWay
from appointments.models import MAX_DURATION_MINUTES, Appointment, AppointmentQuerySet, Closure

Span = tuple[datetime, datetime]
# Of the visits in the way so many are named.
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Visit:
    """One live appointment's place in time: [starts_at, ends_at)."""

    appointment_id: UUID
    clinic_id: UUID
    patient_id: UUID
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, appointment: Appointment) -> "Visit":
        return cls(
            appointment.pk,
            appointment.clinic_id,
            appointment.patient_id,
            appointment.starts_at,
            appointment.ends_at,
        )

    @property
    def days(self) -> set[date]:
        """In UTC; none is longer than a day."""
        return {self.starts_at.astimezone(UTC).date(), self.ends_at.astimezone(UTC).date()}

    def overlaps(self, other: "Visit") -> bool:
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


class Diary:
    """The live visits that new ones could collide with, in memory."""

    def __init__(self) -> None:
        self._visits: dict[UUID, Visit] = {}
        # Taken out here, though still stored as live.
        self._removed: set[UUID] = set()
        self._by_patient: dict[UUID, tuple[UUID, ...]] = {}
        # By the days (in UTC) that a visit touches: a clinic's whole month is not looked through for one.
        self._by_clinic: dict[tuple[UUID, date], set[UUID]] = defaultdict(set)
        self._closed: set[tuple[UUID, date]] = set()

    def load_patients(self, patient_ids: Collection[UUID], span: Span) -> None:
        """Reads these patients' visits within `span`.

        Visits that are here already stay as they are: they may have been moved in the meantime.
        """
        self._read(Q(patient__in=patient_ids) & _within(span))

    def load_clinic(self, clinic_id: UUID, spans: Iterable[Span]) -> None:
        """Reads all visits of a clinic within the spans."""
        merged = _merged(spans)
        if merged:
            self._read(Q(clinic=clinic_id) & reduce(or_, map(_within, merged)))

    def load_closures(self, clinics: Iterable[Clinic], span: Span, *, since: datetime | None = None) -> None:
        """Reads which days of these clinics within `span` are closed; a day too many does no harm.

        With `since`, only those that were closed from then on.
        """
        first, last = span[0].date() - timedelta(days=1), span[1].date() + timedelta(days=1)
        found = Closure.objects.filter(clinic__in={c.pk for c in clinics}, date__range=(first, last))
        if since is not None:
            found = found.filter(created_at__gte=since)
        self._closed.update(found.values_list("clinic_id", "date"))

    def _read(self, condition: Q) -> None:
        found = AppointmentQuerySet(Appointment).live().filter(condition)
        for row in found.values_list("pk", "clinic_id", "patient_id", "starts_at", "ends_at").iterator():
            if row[0] not in self._visits and row[0] not in self._removed:
                self.put(Visit(*row))

    def put(self, visit: Visit) -> None:
        self.forget(visit.appointment_id)
        self._removed.discard(visit.appointment_id)
        self._visits[visit.appointment_id] = visit
        self._by_patient[visit.patient_id] = (
            *self._by_patient.get(visit.patient_id, ()),
            visit.appointment_id,
        )
        for day in visit.days:
            self._by_clinic[visit.clinic_id, day].add(visit.appointment_id)

    def remove(self, appointment_id: UUID) -> None:
        """Takes a visit out, though it may still be stored as live."""
        self.forget(appointment_id)
        self._removed.add(appointment_id)

    def forget(self, appointment_id: UUID) -> None:
        """Drops what was read; the next load reads it again."""
        visit = self._visits.pop(appointment_id, None)
        if visit is not None:
            others = self._by_patient[visit.patient_id]
            self._by_patient[visit.patient_id] = tuple(pk for pk in others if pk != appointment_id)
            for day in visit.days:
                self._by_clinic[visit.clinic_id, day].discard(appointment_id)

    def check_open(self, visit: Visit, clinic: Clinic) -> None:
        """Raises AppointmentConflict when the clinic is closed on a day of `visit`."""
        first = visit.starts_at.astimezone(clinic.zone).date()
        last = (visit.ends_at - timedelta(microseconds=1)).astimezone(clinic.zone).date()
        if (clinic.pk, first) in self._closed or (clinic.pk, last) in self._closed:
            raise AppointmentConflict(
                _("The clinic is closed on this day."),
                reason=InTheWay.CLOSED,
                details={"appointment_datetime": [_("Choose another day.")]},
            )

    def check(self, visit: Visit, clinic: Clinic) -> None:
        """Raises AppointmentConflict when the patient or the clinic has no room for `visit`."""
        for other in self._of(self._by_patient.get(visit.patient_id, ())):
            if other.appointment_id != visit.appointment_id and other.overlaps(visit):
                raise AppointmentConflict(
                    _("The patient has another appointment at this time (%(when)s).")
                    % {"when": f"{other.starts_at.astimezone(clinic.zone):%d.%m.%Y %H:%M}"},
                    reason=InTheWay.PATIENT,
                    details={"appointment_datetime": [_("Choose another time.")]},
                    facts={"conflicts_with": _as_facts([other], clinic)},
                )
        others = self._others(visit)
        if clinic.slot_capacity is not None and peak(visit, others) >= clinic.slot_capacity:
            raise AppointmentConflict(
                _("The clinic is full at this time: %(capacity)s at once.")
                % {"capacity": clinic.slot_capacity},
                reason=InTheWay.CLINIC_FULL,
                details={"appointment_datetime": [_("Choose another time.")]},
                facts={"conflicts_with": _as_facts(others, clinic)},
            )

    def is_closed(self, clinic: Clinic, day: date) -> bool:
        return (clinic.pk, day) in self._closed

    def places_left(self, visit: Visit, clinic: Clinic) -> int | None:
        """How many more could have a visit at this time; None where there is no limit."""
        if clinic.slot_capacity is None:
            return None
        return max(clinic.slot_capacity - peak(visit, self._others(visit)), 0)

    def has_room(self, visit: Visit, clinic: Clinic) -> bool:
        try:
            self.check_open(visit, clinic)
            self.check(visit, clinic)
        except AppointmentConflict:
            return False
        return True

    def _of(self, ids: Iterable[UUID]) -> Iterable[Visit]:
        return (self._visits[i] for i in ids)

    def _others(self, visit: Visit) -> list[Visit]:
        """The clinic's other visits during `visit`."""
        return [
            other
            for other in self._of(
                set[UUID]().union(*(self._by_clinic[visit.clinic_id, d] for d in visit.days))
            )
            if other.appointment_id != visit.appointment_id and other.overlaps(visit)
        ]


def peak(visit: Visit, others: Iterable[Visit]) -> int:
    """The most of `others` that are on at one moment of `visit`."""
    changes = []
    for other in others:
        changes += [(max(other.starts_at, visit.starts_at), 1), (other.ends_at, -1)]
    peak = present = 0
    for _moment, change in sorted(changes):  # an end sorts before a start at the same moment
        present += change
        peak = max(peak, present)
    return peak


def _as_facts(visits: Sequence[Visit], clinic: Clinic) -> list[dict[str, Any]]:
    """What a caller may know of the visits in the way: which and when, not whose."""
    return [
        {
            "id": str(visit.appointment_id),
            "appointment_datetime": visit.starts_at.astimezone(clinic.zone).isoformat(),
            "duration_minutes": int((visit.ends_at - visit.starts_at).total_seconds() // 60),
        }
        for visit in sorted(visits, key=lambda v: (v.starts_at, v.appointment_id))[:MOST_SHOWN]
    ]


def _within(span: Span) -> Q:
    # The lower bound on the start lets the index do the work: no visit is longer than a day.
    starts_at, ends_at = span
    earliest = starts_at - timedelta(minutes=MAX_DURATION_MINUTES)
    return Q(starts_at__gt=earliest, starts_at__lt=ends_at, ends_at__gt=starts_at)


def _merged(spans: Iterable[Span]) -> list[Span]:
    """The same time in fewer spans; gaps under a day are closed, to keep the query short."""
    merged: list[Span] = []
    for starts_at, ends_at in sorted(spans):
        if merged and starts_at - merged[-1][1] < timedelta(days=1):
            merged[-1] = (merged[-1][0], max(merged[-1][1], ends_at))
        else:
            merged.append((starts_at, ends_at))
    return merged
