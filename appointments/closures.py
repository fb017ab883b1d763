"""Days on which a clinic is closed, sessions that can't take place, and what becomes of their visits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, Change, plain, record
from accounts.models import Clinic
from appointments.diary import Span
from appointments.free_slots import day_of
from appointments.locking import hold_for_closing
from appointments.models import Appointment, AppointmentQuerySet, Closure
from appointments.moving import Plan, move_all, plan_moves
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
    *,
    clinic: Clinic,
    day: date,
    reason: str = "",
    move_to: date | None = None,
    expected: str | None = None,
    actor: Actor,
    now: datetime,
) -> Closing:
    """Closes a day: from now on nothing is booked on it or moved to it.

    With `move_to` its live visits move to the same time of that day, or to the next free time from there,
    and their patients are told: all in one step. Each visit moves with its text, or stays and is named with
    the reason; a second call moves those that are left. StateConflict for a day that is closed already,
    without `move_to`. `expected` is the digest of the plan that was looked at; PlanChanged if it is another.
    """
    _refuse_days(clinic, day, move_to, now)
    with transaction.atomic():
        closure, is_new = _close(clinic, day, reason, move_to, actor, now)
        affected = list(visits_on([closure]).order_by("starts_at", "pk").values_list("pk", flat=True))
        if move_to is None:
            return Closing(closure, is_new, affected, [], [])
        away_from = bounds(closure)
        plan = None if is_new else plan_moves(clinic=clinic, away_from=away_from, to=move_to, now=now)
        # The second click of two: nothing is left to be agreed to.
        if plan is None or plan.moves:
            plan = move_all(
                clinic=clinic, away_from=away_from, to=move_to, expected=expected, actor=actor, now=now
            )
    refused = [(stay.appointment.pk, stay.refusal) for stay in plan.stays]
    return Closing(closure, is_new, affected, [move.appointment.pk for move in plan.moves], refused)


def plan_to_close(*, clinic: Clinic, day: date, move_to: date, now: datetime) -> Plan:
    """What `close_day` with `move_to` would do to each visit; changes nothing. Its refusals of days."""
    _refuse_days(clinic, day, move_to, now)
    _refuse_closed(clinic, day, move_to)
    return plan_moves(clinic=clinic, away_from=day_of(clinic, day), to=move_to, now=now)


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of a day on the clinic's clock, [from, to): a session that can't take place."""

    day: date
    begin: time
    end: time

    def span(self, clinic: Clinic) -> Span:
        begin = datetime.combine(self.day, self.begin, clinic.zone).astimezone(UTC)
        return begin, datetime.combine(self.day, self.end, clinic.zone).astimezone(UTC)


def plan_to_move_session(*, clinic: Clinic, hours: Hours, move_to: date, now: datetime) -> Plan:
    """What `move_session` would do to each visit; changes nothing."""
    _refuse_session(clinic, hours, move_to, now)
    return plan_moves(clinic=clinic, away_from=hours.span(clinic), to=move_to, now=now)


def move_session(
    *,
    clinic: Clinic,
    hours: Hours,
    move_to: date,
    expected: str | None = None,
    actor: Actor,
    now: datetime,
) -> Plan:
    """Moves the live visits that start in these hours, as `close_day` does, and closes nothing.

    `move_to` may be the same day: then they go to free times outside these hours.
    """
    _refuse_session(clinic, hours, move_to, now)
    span = hours.span(clinic)
    return move_all(clinic=clinic, away_from=span, to=move_to, expected=expected, actor=actor, now=now)


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


def bounds(closure: Closure) -> Span:
    """[begin, end) of the day on the clinic's clock."""
    return day_of(closure.clinic, closure.date)


def _refuse_days(clinic: Clinic, day: date, move_to: date | None, now: datetime) -> None:
    _refuse_day(clinic, day, "date", now)
    if move_to is not None:
        _refuse_day(clinic, move_to, "move_to", now)


def _refuse_session(clinic: Clinic, hours: Hours, move_to: date, now: datetime) -> None:
    _refuse_days(clinic, hours.day, move_to, now)
    if hours.begin >= hours.end:
        raise ValidationFailed.on("to", _("This is not after the beginning."))
    if Closure.objects.filter(clinic=clinic, date=move_to).exists():
        raise ValidationFailed.on("move_to", _("The clinic is closed on that day."))


def _refuse_closed(clinic: Clinic, day: date, move_to: date) -> None:
    if move_to == day or Closure.objects.filter(clinic=clinic, date=move_to).exists():
        raise ValidationFailed.on("move_to", _("The clinic is closed on that day too."))


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
