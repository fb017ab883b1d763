"""Who has a visit when: a patient is in one place at a time, and a clinic has room for so many."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import Clinic
from appointments.errors import AppointmentConflict
from appointments.models import MAX_DURATION_MINUTES, Appointment, AppointmentQuerySet


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

    def overlaps(self, other: "Visit") -> bool:
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


class Diary:
    """The live visits that new ones could collide with, in memory."""

    def __init__(self) -> None:
        self._visits: dict[UUID, Visit] = {}
        self._by_patient: dict[UUID, set[UUID]] = defaultdict(set)
        self._by_clinic: dict[UUID, set[UUID]] = defaultdict(set)

    def load(self, wanted: Collection[Visit], limited_clinics: Collection[UUID]) -> None:
        """Reads what `wanted` could collide with: of the same patients, and of clinics with a limit.

        Visits put here before stay as they are: they may have been moved in the meantime.
        """
        if not wanted:
            return
        condition = Q(patient__in={v.patient_id for v in wanted}) & _within(
            min(v.starts_at for v in wanted), max(v.ends_at for v in wanted)
        )
        for clinic_id in limited_clinics:
            for starts_at, ends_at in _merged(v for v in wanted if v.clinic_id == clinic_id):
                condition |= Q(clinic=clinic_id) & _within(starts_at, ends_at)
        found = AppointmentQuerySet(Appointment).live().filter(condition)
        for row in found.values_list("pk", "clinic_id", "patient_id", "starts_at", "ends_at").iterator():
            if row[0] not in self._visits:
                self.put(Visit(*row))

    def put(self, visit: Visit) -> None:
        self.remove(visit.appointment_id)
        self._visits[visit.appointment_id] = visit
        self._by_patient[visit.patient_id].add(visit.appointment_id)
        self._by_clinic[visit.clinic_id].add(visit.appointment_id)

    def remove(self, appointment_id: UUID) -> None:
        visit = self._visits.pop(appointment_id, None)
        if visit is not None:
            self._by_patient[visit.patient_id].discard(appointment_id)
            self._by_clinic[visit.clinic_id].discard(appointment_id)

    def check(self, visit: Visit, clinic: Clinic) -> None:
        """Raises AppointmentConflict when the patient or the clinic has no room for `visit`."""
        for other in self._of(self._by_patient[visit.patient_id]):
            if other.appointment_id != visit.appointment_id and other.overlaps(visit):
                raise AppointmentConflict(
                    _("The patient has another appointment at this time (%(when)s).")
                    % {"when": f"{other.starts_at.astimezone(clinic.zone):%d.%m.%Y %H:%M}"},
                    details={"appointment_datetime": [_("Choose another time.")]},
                )
        if clinic.slot_capacity is not None and self._peak(visit) >= clinic.slot_capacity:
            raise AppointmentConflict(
                _("The clinic is full at this time: %(capacity)s at once.")
                % {"capacity": clinic.slot_capacity},
                details={"appointment_datetime": [_("Choose another time.")]},
            )

    def _of(self, ids: Iterable[UUID]) -> Iterable[Visit]:
        return (self._visits[i] for i in ids)

    def _peak(self, visit: Visit) -> int:
        """The most other visits of the clinic that are on at one moment of `visit`."""
        changes = []
        for other in self._of(self._by_clinic[visit.clinic_id]):
            if other.appointment_id != visit.appointment_id and other.overlaps(visit):
                changes += [(max(other.starts_at, visit.starts_at), 1), (other.ends_at, -1)]
        peak = present = 0
        for _moment, change in sorted(changes):  # an end sorts before a start at the same moment
            present += change
            peak = max(peak, present)
        return peak


def _within(starts_at: datetime, ends_at: datetime) -> Q:
    # The lower bound on the start lets the index do the work: no visit is longer than a day.
    earliest = starts_at - timedelta(minutes=MAX_DURATION_MINUTES)
    return Q(starts_at__gt=earliest, starts_at__lt=ends_at, ends_at__gt=starts_at)


def _merged(visits: Iterable[Visit]) -> list[tuple[datetime, datetime]]:
    """The spans of time that the visits cover; gaps under a day are closed, to keep the query short."""
    spans: list[tuple[datetime, datetime]] = []
    for visit in sorted(visits, key=lambda v: v.starts_at):
        if spans and visit.starts_at - spans[-1][1] < timedelta(days=1):
            spans[-1] = (spans[-1][0], max(spans[-1][1], visit.ends_at))
        else:
            spans.append((visit.starts_at, visit.ends_at))
    return spans
