"""What changes visits and patients, one at a time. Files do the same in sets, by the same rules."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, Change, plain, record
from accounts.models import Clinic
from appointments.diary import Diary, Visit
from appointments.locking import hold, hold_of
from appointments.models import Appointment, AppointmentStatus, Patient, Reminder
from appointments.notices import Event, announce
from appointments.reminding import plan_new, plan_reminders, resend_waiting
from appointments.rules import (
    refuse_early_attendance,
    refuse_odd_year,
    refuse_out_of_bounds,
    refuse_transition,
)
from common.errors import StateConflict, ValidationFailed, VersionConflict
from common.ids import new_id


def book(
    *,
    clinic: Clinic,
    patient: Patient,
    starts_at: datetime,
    duration_minutes: int | None = None,
    visit_type: str = "",
    language: str = "",
    reference: str = "",
    diary: Diary | None = None,
    actor: Actor,
    now: datetime,
) -> Appointment:
    """A new visit with its reminders. AppointmentConflict when the patient or the clinic has no room.

    `diary` is for who books many: it has been loaded for this visit, and its clinic and patient are held.
    """
    if patient.clinic_id != clinic.pk:
        raise ValidationFailed.on("patient", _("This patient belongs to another clinic."))
    refuse_out_of_bounds(starts_at, now)
    minutes = duration_minutes or clinic.slot_minutes
    # In UTC, sums of times are hours that pass, whatever the clinic's clocks do.
    starts_at = starts_at.astimezone(UTC)
    appointment = Appointment(
        id=new_id(),
        clinic=clinic,
        patient=patient,
        reference=reference,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=minutes),
        duration_minutes=minutes,
        visit_type=visit_type,
        language=language or clinic.default_language,
        created_at=now,
        updated_at=now,
    )
    with transaction.atomic():
        if diary is None:
            hold(clinic, patient.pk)
            diary = _diary_of(appointment)
        visit = Visit.of(appointment)
        diary.check_open(visit, clinic)
        diary.check(visit, clinic)
        _check_reference(appointment)
        _store(appointment)
        plan_new([appointment], now=now)
        values = _values(appointment)
        record(actor, [Change.of(appointment, "booked", values)], now=now)
        announce([Event(appointment, values)], now=now)
        diary.put(visit)
    return appointment


CHANGEABLE = ("starts_at", "duration_minutes", "visit_type", "language", "reference")


def change(
    appointment_id: UUID,
    *,
    version: int | None = None,
    by_clinic: bool = False,
    texts_wait: timedelta = timedelta(),
    actor: Actor,
    now: datetime,
    **changes: Any,
) -> Appointment:
    """Changes any of CHANGEABLE. A new time plans the reminders anew; a confirmed visit is booked again.

    `by_clinic`: the patient knows nothing of it yet, and is told. No text about a move leaves before
    `texts_wait` has passed: see `undoing`.
    """
    with transaction.atomic():
        appointment = held(appointment_id, version)
        before = _values(appointment)
        for field in CHANGEABLE:
            if field in changes:
                setattr(appointment, field, changes[field])
        refuse_odd_year(appointment.starts_at)
        appointment.starts_at = appointment.starts_at.astimezone(UTC)
        appointment.ends_at = appointment.starts_at + timedelta(minutes=appointment.duration_minutes)
        moved = plain(appointment.starts_at) != before["starts_at"][1]
        if moved or appointment.duration_minutes != before["duration_minutes"][1]:
            if not appointment.is_live:
                raise StateConflict(_("This appointment is over or cancelled. Book a new one."))
            if moved:
                refuse_out_of_bounds(appointment.starts_at, now)
            _make_room(appointment, new_day=moved)
        if moved and appointment.status == AppointmentStatus.CONFIRMED:
            appointment.status = AppointmentStatus.BOOKED
        _check_reference(appointment)
        done = _save(appointment, before, "moved" if moved else "changed", actor, now)
        if moved:
            plan_reminders([appointment], not_before=now + texts_wait if texts_wait else None, now=now)
            announce([Event(appointment, done, by_clinic)], texts_wait=texts_wait, now=now)
        elif appointment.language != before["language"][1]:
            resend_waiting(Reminder.objects.filter(appointment=appointment.pk), now=now)
    return appointment


def cancel(
    appointment_id: UUID,
    *,
    version: int | None = None,
    texts_wait: timedelta = timedelta(),
    actor: Actor,
    now: datetime,
) -> Appointment:
    """Cancels a visit and what waits to be sent about it. A second time changes nothing.

    The patient is told of it after `texts_wait` at the earliest: see `undoing`.
    """
    with transaction.atomic():
        appointment = held(appointment_id, version)
        if appointment.status == AppointmentStatus.CANCELLED:
            return appointment
        return _step(appointment, AppointmentStatus.CANCELLED, "cancelled", actor, now, texts_wait)


def confirm(appointment_id: UUID, *, version: int | None = None, actor: Actor, now: datetime) -> Appointment:
    with transaction.atomic():
        appointment = held(appointment_id, version)
        if appointment.status == AppointmentStatus.CONFIRMED:
            return appointment
        return _step(appointment, AppointmentStatus.CONFIRMED, "confirmed", actor, now)


def mark_attendance(
    appointment_id: UUID, *, attended: bool | None, version: int | None = None, actor: Actor, now: datetime
) -> Appointment:
    """Records that the patient came or didn't; None undoes it. Not before the visit's local day."""
    with transaction.atomic():
        appointment = held(appointment_id, version)
        wanted = {
            True: AppointmentStatus.ATTENDED,
            False: AppointmentStatus.MISSED,
            None: AppointmentStatus.BOOKED,
        }[attended]
        if appointment.status == wanted or (attended is None and appointment.is_live):
            return appointment
        if attended is None:
            # What was undone takes its place in the diary again.
            if appointment.status != AppointmentStatus.CANCELLED:
                _make_room(appointment, new_day=False)
        else:
            refuse_early_attendance(appointment.starts_at, appointment.clinic, now)
        return _step(appointment, wanted, f"marked {wanted.value}", actor, now)


def cancel_silently(appointment_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Cancels a visit, and no text says so, whatever the clinic has switched on."""
    with transaction.atomic():
        appointment = held(appointment_id, None)
        refuse_transition(appointment.status, AppointmentStatus.CANCELLED)
        before = _values(appointment)
        appointment.status = AppointmentStatus.CANCELLED
        _save(appointment, before, "cancelled", actor, now)
        plan_reminders([appointment], now=now)


def held(appointment_id: UUID, version: int | None) -> Appointment:
    appointments = Appointment.objects.select_related("clinic", "patient").filter(pk=appointment_id)
    hold_of(appointments)
    appointment = appointments.select_for_update(of=("self",)).get()
    if version is not None and version != appointment.version:
        raise VersionConflict(_("Someone has changed this appointment meanwhile. Look at it again."))
    return appointment


def _make_room(appointment: Appointment, *, new_day: bool, closed_since: datetime | None = None) -> None:
    """Checks the diary; what it says holds while the clinic and the patient are held.

    Without `new_day` the visit stands on its day already, closed or not. With `closed_since` it stood there
    until then, and only days that were closed since are closed to it.
    """
    visit, clinic = Visit.of(appointment), appointment.clinic
    diary = _diary_of(appointment, closed_since)
    if new_day:
        diary.check_open(visit, clinic)
    diary.check(visit, clinic)


def _diary_of(appointment: Appointment, closed_since: datetime | None = None) -> Diary:
    diary = Diary()
    span = (appointment.starts_at, appointment.ends_at)
    diary.load_patients([appointment.patient_id], span)
    if appointment.clinic.slot_capacity is not None:
        diary.load_clinic(appointment.clinic_id, [span])
    diary.load_closures([appointment.clinic], span, since=closed_since)
    return diary


def _check_reference(appointment: Appointment) -> None:
    taken = Appointment.objects.filter(clinic=appointment.clinic_id, reference=appointment.reference)
    if appointment.reference and taken.exclude(pk=appointment.pk).exists():
        raise ValidationFailed.on("reference", _("Another appointment of this clinic has this reference."))


def _store(appointment: Appointment) -> None:
    if not appointment.reference:
        appointment.save()
        return
    try:
        with transaction.atomic():
            appointment.save()
    except IntegrityError:
        # Somebody has taken the reference in this moment, and is there to be seen now.
        _check_reference(appointment)
        raise


def put_back(
    appointment: Appointment, before: Mapping[str, Any], *, since: datetime, actor: Actor, now: datetime
) -> Appointment:
    """Gives a visit that is `held` values back that it had until `since`, whatever step that would be.

    Its time may have passed meanwhile, but must be free, on a day that nobody has closed since. When this is
    allowed is said by `undoing`.
    """
    present = _values(appointment)
    takes_its_day = appointment.status == AppointmentStatus.CANCELLED or "starts_at" in before
    for field, value in before.items():
        setattr(appointment, field, value)
    appointment.ends_at = appointment.starts_at + timedelta(minutes=appointment.duration_minutes)
    if appointment.is_live:
        _make_room(appointment, new_day=takes_its_day, closed_since=since)
    _check_reference(appointment)
    done = _save(appointment, present, "undone", actor, now)
    plan_reminders([appointment], now=now)
    announce([Event(appointment, done)], now=now)
    return appointment


def _step(
    appointment: Appointment,
    status: AppointmentStatus,
    action: str,
    actor: Actor,
    now: datetime,
    texts_wait: timedelta = timedelta(),
) -> Appointment:
    refuse_transition(appointment.status, status)
    before = _values(appointment)
    appointment.status = status
    done = _save(appointment, before, action, actor, now)
    plan_reminders([appointment], now=now)
    announce([Event(appointment, done)], texts_wait=texts_wait, now=now)
    return appointment


def _values(appointment: Appointment) -> dict[str, list[Any]]:
    fields = (*CHANGEABLE, "status")
    return {field: [None, plain(getattr(appointment, field))] for field in fields}


def _save(
    appointment: Appointment, before: dict[str, list[Any]], action: str, actor: Actor, now: datetime
) -> dict[str, list[Any]]:
    """Stores what changed and gives it: {field: [before, after]}."""
    changes = {
        field: [before[field][1], value]
        for field, (_none, value) in _values(appointment).items()
        if before[field][1] != value
    }
    if not changes:
        return changes
    appointment.version += 1
    appointment.updated_at = now
    _store(appointment)
    record(actor, [Change.of(appointment, action, changes)], now=now)
    return changes
