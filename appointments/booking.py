"""What a call asks for in one go: a visit with its patient, or a visit changed together with both."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor
from accounts.models import AuditEntry, Clinic
from appointments import services
from appointments.diary import Diary, Span
from appointments.errors import AppointmentConflict, InTheWay
from appointments.file_import.identity import refuse_other_patient
from appointments.file_import.refusal import RowRefused
from appointments.locking import hold_clinics, hold_patient
from appointments.models import Appointment, AppointmentStatus, ConsentSource, Patient
from appointments.patients import Caller, change_patient, find_or_add
from common.errors import NotFound, StateConflict, ValidationFailed

Status = AppointmentStatus
SENT_TWICE_WITHIN = timedelta(minutes=10)
PATIENT_FIELDS = ("name", "phone", "patient_number")
ATTENDED = {Status.ATTENDED: True, Status.MISSED: False}


class Session:
    """Many bookings of one transaction: what they could collide with is held and read once for all."""

    def __init__(
        self, clinics: Collection[Clinic], known: Collection[UUID], spans: Collection[Span], now: datetime
    ) -> None:
        """`known`: the patients who could be meant. All of them and the clinics are held already."""
        self._now = now
        self._diary, self._known = Diary(), set(known)
        still_there = Patient.objects.known().filter(pk__in=self._known)
        self._gone = self._known - set(still_there.values_list("pk", flat=True))
        self._whole = (min(begin for begin, _ in spans), max(end for _, end in spans))
        self._diary.load_patients(self._known, self._whole)
        self._diary.load_closures(clinics, self._whole)
        for clinic in clinics:
            if clinic.slot_capacity is not None:
                self._diary.load_clinic(clinic.pk, spans)

    def diary_for(self, patient: Patient) -> Diary:
        """The diary, with the visits of a patient whom someone else has added meanwhile.

        Who is added here has none, and nobody else sees them yet.
        """
        if patient.pk in self._gone:
            raise NotFound(_("There is no such patient."))
        if patient.pk not in self._known:
            self._known.add(patient.pk)
            if patient.created_at != self._now:
                hold_patient(patient.pk)
                self._diary.load_patients([patient.pk], self._whole)
        return self._diary


def book_for(
    who: Patient | Caller, *, among: Session | None = None, actor: Actor, now: datetime, **visit: Any
) -> Appointment:
    """A new visit (as `services.book` takes it) of a patient, who is added if nobody knows them yet.

    Both or neither: a visit that is refused leaves no new patient behind. `among` is for who books many.
    """
    with transaction.atomic():
        if among is None:
            # Before the patient, as everywhere: who waits for the clinic must hold nobody's identity.
            hold_clinics([who.clinic])
        patient = who if isinstance(who, Patient) else find_or_add(who, actor=actor, now=now)
        diary = among.diary_for(patient) if among else None
        return services.book(clinic=who.clinic, patient=patient, diary=diary, actor=actor, now=now, **visit)


def book_once(
    who: Patient | Caller, *, actor: Actor, now: datetime, **visit: Any
) -> tuple[Appointment, bool]:
    """The same for a form that may be sent twice: the visit, and whether this call has booked it.

    What the actor has booked a moment ago for this very patient and time is not in its own way.
    """
    try:
        return book_for(who, actor=actor, now=now, **visit), True
    except AppointmentConflict as conflict:
        if conflict.reason != InTheWay.PATIENT:
            raise
        there = Appointment.objects.select_related("clinic", "patient").filter(
            pk__in=[fact["id"] for fact in conflict.facts["conflicts_with"]],
            starts_at=visit["starts_at"],
            created_at__gt=now - SENT_TWICE_WITHIN,
        )
        mine = AuditEntry.objects.filter(
            action="booked", actor_id=actor.id, object_id__in=[found.pk for found in there]
        )
        booked = {entry.object_id for entry in mine}
        for found in there:
            if found.pk in booked:
                return found, False
        raise


def edit(
    appointment_id: UUID, *, version: int | None = None, actor: Actor, now: datetime, **wanted: Any
) -> Appointment:
    """Takes over what of `wanted` is not so yet, all or nothing.

    Fields of `services.CHANGEABLE`; `status` and `attended`; `name`, `phone`, `patient_number` and `consent`
    of the patient. What an object says that was read before and sent back unchanged changes nothing.
    """
    with transaction.atomic():
        appointment = services.held(appointment_id, version)
        status = _status_wanted(appointment, wanted)
        _correct_patient(appointment, wanted, actor, now)
        changes = {field: wanted[field] for field in services.CHANGEABLE if field in wanted}
        if changes:
            appointment = services.change(appointment_id, actor=actor, now=now, **changes)
        if status is not None:
            appointment = set_status(appointment_id, status, actor=actor, now=now)
        return appointment


def _status_wanted(appointment: Appointment, wanted: dict[str, Any]) -> str | None:
    """The status to be reached by a step of its own; None where nothing new is said."""
    present = Status(appointment.status)
    status = wanted.get("status", present)
    if "attended" not in wanted or wanted["attended"] == ATTENDED.get(present):
        return None if status == present else status
    by_attendance = {True: Status.ATTENDED, False: Status.MISSED, None: Status.BOOKED}[wanted["attended"]]
    if status not in (present, by_attendance):
        raise ValidationFailed.on(
            "status", _("`status` and `attended` say different things. Send one of them.")
        )
    return by_attendance


def set_status(
    appointment_id: UUID, status: str, *, version: int | None = None, actor: Actor, now: datetime
) -> Appointment:
    """The step that leads to `status`; StateConflict where none does."""
    given: dict[str, Any] = {"version": version, "actor": actor, "now": now}
    if status == Status.CANCELLED:
        return services.cancel(appointment_id, **given)
    if status == Status.CONFIRMED:
        return services.confirm(appointment_id, **given)
    if status in ATTENDED:
        return services.mark_attendance(appointment_id, attended=ATTENDED[Status(status)], **given)
    appointment = services.held(appointment_id, version)
    if appointment.status == Status.CONFIRMED:
        raise StateConflict(_("A confirmed visit is booked again when it is moved. It can't be unconfirmed."))
    return services.mark_attendance(appointment_id, attended=None, **given)


def _correct_patient(appointment: Appointment, wanted: dict[str, Any], actor: Actor, now: datetime) -> None:
    patient = appointment.patient
    said = {field: wanted[field] for field in PATIENT_FIELDS if field in wanted}
    changes = {field: value for field, value in said.items() if value != getattr(patient, field)}
    if changes:
        meant = Caller(
            appointment.clinic, **{field: getattr(patient, field) for field in PATIENT_FIELDS} | said
        )
        try:
            refuse_other_patient(meant, patient)
        except RowRefused as refusal:
            raise ValidationFailed.on(
                "patient_phone",
                _("A visit stays with its patient; this is another person. Cancel it and book a new one."),
            ) from refusal
    if "consent" in wanted:
        changes["consent"] = wanted["consent"]
    if changes:
        change_patient(
            patient.pk, consent_source=ConsentSource.API, said_anew=True, actor=actor, now=now, **changes
        )
