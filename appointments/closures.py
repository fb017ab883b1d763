"""Days on which a clinic is closed, and what becomes of the visits that fall on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, Change, plain, record
from accounts.models import Clinic
from appointments import services
from appointments.errors import AppointmentConflict
from appointments.free_slots import next_free_slots
from appointments.locking import hold_for_closing
from appointments.models import Appointment, AppointmentQuerySet, Closure
from appointments.rules import refuse_odd_year
from common.errors import DomainError, NotFound, StateConflict, ValidationFailed
from common.ids import new_id


@dataclass(frozen=True, slots=True)
class Closing:
    """What closing a day did: the keys of the live visits that fell on it, by what became of each."""

    closure: Closure
    is_new: bool
    affected: list[UUID]
    moved: list[UUID]
    # Those that stand on the closed day still, and why.
    not_moved: list[tuple[UUID, DomainError]]


def close_day(
    *, clinic: Clinic, day: date, reason: str = "", move_to: date | None = None, actor: Actor, now: datetime
) -> Closing:
    """Closes a day: from now on nothing is booked on it or moved to it.

    With `move_to` its live visits move to the same time of that day, or to the next free time from there,
    and their patients are told. Each visit moves with its text, or stays and is named with the reason; a
    second call moves those that are left. StateConflict for a day that is closed already, without `move_to`.
    """
    _refuse_day(clinic, day, "date", now)
    if move_to is not None:
        _refuse_day(clinic, move_to, "move_to", now)
    closure, is_new = _close(clinic, day, reason, move_to, actor, now)
    affected = list(visits_on([closure]).order_by("starts_at", "pk").values_list("pk", flat=True))
    if move_to is None:
        return Closing(closure, is_new, affected, [], [])
    refused = [(pk, refusal) for pk in affected if (refusal := _move(pk, move_to, actor, now)) is not None]
    stays = {pk for pk, _refusal in refused}
    return Closing(closure, is_new, affected, [pk for pk in affected if pk not in stays], refused)


def open_day(closure_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Takes a closure back. What was moved stays where it is."""
    with transaction.atomic():
        closure = Closure.objects.select_for_update().filter(pk=closure_id).first()
        if closure is None:
            raise NotFound(_("There is no such closed day."))
        record(actor, [Change.of(closure, "opened", {"date": [plain(closure.date), None]})], now=now)
        closure.delete()


def visits_on(closures: Sequence[Closure]) -> AppointmentQuerySet:
    """The live visits that fall on these days. The closures come with their clinic."""
    found = AppointmentQuerySet(Appointment).live()
    if not closures:
        return found.none()
    on_one = AppointmentQuerySet(Appointment).none()
    for closure in closures:
        begin, end = bounds(closure)
        on_one |= found.filter(clinic=closure.clinic_id, starts_at__gte=begin, starts_at__lt=end)
    return on_one


def bounds(closure: Closure) -> tuple[datetime, datetime]:
    """[begin, end) of the day on the clinic's clock."""
    zone = closure.clinic.zone
    begin = datetime.combine(closure.date, time(), zone)
    return begin.astimezone(UTC), datetime.combine(closure.date + timedelta(days=1), time(), zone).astimezone(
        UTC
    )


def _refuse_day(clinic: Clinic, day: date, field: str, now: datetime) -> None:
    try:
        refuse_odd_year(datetime.combine(day, time(), UTC))
    except DomainError as error:
        raise ValidationFailed.on(field, error.message) from error
    if day < now.astimezone(clinic.zone).date():
        raise ValidationFailed.on(field, _("This day is in the past."))


def _close(
    clinic: Clinic, day: date, reason: str, move_to: date | None, actor: Actor, now: datetime
) -> tuple[Closure, bool]:
    with transaction.atomic():
        hold_for_closing(clinic)
        closed = {c.date: c for c in Closure.objects.filter(clinic=clinic, date__in=[day, move_to or day])}
        if move_to is not None and (move_to == day or move_to in closed):
            raise ValidationFailed.on("move_to", _("The clinic is closed on that day too."))
        if day in closed:
            if move_to is None:
                raise StateConflict(_("The clinic is closed on this day already."))
            closed[day].clinic = clinic
            return closed[day], False
        closure = Closure.objects.create(id=new_id(), clinic=clinic, date=day, reason=reason, created_at=now)
        values = {"date": [None, plain(day)], "reason": [None, reason]}
        record(actor, [Change.of(closure, "closed", values)], now=now)
        return closure, True


def _move(appointment_id: UUID, day: date, actor: Actor, now: datetime) -> DomainError | None:
    """Moves one visit, or says why it stays."""
    appointment = Appointment.objects.select_related("clinic").get(pk=appointment_id)
    clinic, version = appointment.clinic, appointment.version
    same_time = appointment.starts_at.astimezone(clinic.zone).time()
    wanted = datetime.combine(day, same_time, clinic.zone)

    def move(starts_at: datetime) -> None:
        services.change(
            appointment_id, starts_at=starts_at, version=version, by_clinic=True, actor=actor, now=now
        )

    try:
        try:
            move(wanted)
        except (AppointmentConflict, ValidationFailed):
            # Taken, or earlier today: the next one that is free.
            free = next_free_slots(
                clinic=clinic,
                patient_id=appointment.patient_id,
                minutes=appointment.duration_minutes,
                after=max(wanted, now + timedelta(minutes=1)),
                appointment_id=appointment_id,
                count=1,
            )
            if not free:
                raise
            move(free[0])
    except DomainError as refusal:
        return refusal
    return None
