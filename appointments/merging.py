"""Two records of one person become one. Nothing that was sent is sent again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext as _

from accounts.audit import Actor, Change, plain, record
from accounts.models import AuditEntry, Clinic
from appointments.locking import hold_many
from appointments.models import (
    IDENTITY,
    Appointment,
    ConsentSource,
    FormerIdentity,
    Patient,
    PatientQuerySet,
    Reminder,
)
from appointments.patients import PATIENT_FIELDS, store
from appointments.reminding import resend_waiting
from common.errors import NotFound, StateConflict, ValidationFailed, VersionConflict
from common.locks import one_at_a_time
from messaging.models import Message

TOOK_OVER, TAKEN_OVER = "took over a double", "taken over"
# Whoever was merged that often is looked at by a person.
MOST_MERGED = 100


def likely_doubles(patient: Patient) -> PatientQuerySet:
    """Other records of the same clinic with the same name or the same phone."""
    same = Q(phone=patient.phone)
    if patient.name_key:
        same |= Q(name_key=patient.name_key)
    found = PatientQuerySet(Patient).known().filter(same, clinic=patient.clinic_id)
    return found.exclude(pk=patient.pk).order_by("created_at", "pk")


def with_likely_double(patients: PatientQuerySet) -> PatientQuerySet:
    """Those who have the name of another record of their clinic, or no name and another record's phone.

    A phone alone is not enough here: families share one.
    """
    others = Patient.objects.known().filter(clinic=OuterRef("clinic")).exclude(pk=OuterRef("pk"))
    named = ~Q(name_key="") & Exists(others.filter(name_key=OuterRef("name_key")))
    nameless = Q(name_key="") & Exists(others.filter(phone=OuterRef("phone")))
    return patients.filter(named | nameless)


def stricter(one: Patient, other: Patient) -> Patient:
    """Whose consent holds for both: a "no" first, then what somebody said, then what `one` has."""

    def weight(patient: Patient) -> tuple[bool, bool]:
        said = patient.consent is not None and patient.consent_source != ConsentSource.ON_FILE
        return patient.consent is False, said

    return max(one, other, key=weight)


def overlapping(one: Patient, other: Patient) -> tuple[Appointment, Appointment] | None:
    """A live visit of each that can't both be one person's."""
    live = Appointment.objects.select_related("clinic").filter(status__in=("booked", "confirmed"))
    visits = sorted(live.filter(patient__in=[one.pk, other.pk]), key=lambda visit: visit.starts_at)
    last: dict[UUID, Appointment] = {}
    for visit in visits:
        theirs = last.get(other.pk if visit.patient_id == one.pk else one.pk)
        if theirs is not None and theirs.ends_at > visit.starts_at:
            return theirs, visit
        last[visit.patient_id] = visit
    return None


def merge(
    *,
    stays: UUID,
    goes: UUID,
    versions: tuple[int, int] | None = None,
    actor: Actor,
    now: datetime,
) -> Patient:
    """The record `stays` takes over the visits and texts of `goes`, which is deleted; gives it as it is then.

    What the one lacks of name and number it takes from the other. `versions`: of both, as they were looked
    at. NotFound, VersionConflict; ValidationFailed for two clinics' records; StateConflict where two live
    visits overlap. Whoever still has the old id finds nothing under it.
    """
    if stays == goes:
        raise ValidationFailed.on("goes", _("These are one record already."))
    with transaction.atomic():
        keep, away = _held(stays, goes)
        if versions is not None and versions != (keep.version, away.version):
            raise VersionConflict(_("Someone has changed one of the two meanwhile. Look at them again."))
        _refuse_overlap(keep, away)
        before = _values(keep)
        visits = _move_visits(keep, away, now)
        _move_texts(keep, away)
        lost, called = _values(away), [keep.identity, away.identity]
        called += FormerIdentity.objects.filter(patient=away.pk).values(*IDENTITY)
        away.delete()
        _take_over(keep, away, now)
        _remember(keep, called, now)
        changes = {field: [before[field], value] for field, value in _values(keep).items()}
        changed = {field: pair for field, pair in changes.items() if pair[0] != pair[1]}
        _record(actor, keep, goes, changed, lost, visits, now)
        other_words = (away.phone, away.name) != (keep.phone, keep.name)
        theirs = Reminder.objects.filter(appointment__in=visits)
        if changed.keys() & {"name", "phone"}:
            theirs = Reminder.objects.filter(appointment__patient=keep.pk)
        if other_words or changed:
            resend_waiting(theirs, now=now)
    return keep


def _held(stays: UUID, goes: UUID) -> tuple[Patient, Patient]:
    # A file that is being imported has read who is who.
    one_at_a_time("appointments.import")
    clinics = Clinic.objects.filter(pk__in=Patient.objects.filter(pk__in=[stays, goes]).values("clinic"))
    visits = Appointment.objects.filter(patient=goes).values_list("pk", flat=True)
    hold_many(list(clinics), [stays, goes], list(visits))
    both = Patient.objects.known().select_related("clinic").in_bulk([stays, goes])
    if len(both) < 2:
        raise NotFound(_("One of the two is not there any more."))
    keep, away = both[stays], both[goes]
    if keep.clinic_id != away.clinic_id:
        raise ValidationFailed.on("goes", _("Only records of one clinic can be merged."))
    return keep, away


def _refuse_overlap(keep: Patient, away: Patient) -> None:
    clash = overlapping(keep, away)
    if clash is not None:
        times = [f"{visit.starts_at.astimezone(visit.clinic.zone):%d.%m.%Y %H:%M}" for visit in clash]
        raise StateConflict(
            _(
                "Both have a visit at the same time (%(one)s and %(other)s). "
                "Cancel or move one of them, or mark who came, and merge then."
            )
            % {"one": times[0], "other": times[1]}
        )


def _move_visits(keep: Patient, away: Patient, now: datetime) -> list[UUID]:
    visits = Appointment.objects.filter(patient=away.pk)
    keys = list(visits.order_by("pk").select_for_update().values_list("pk", flat=True))
    visits.update(patient=keep.pk, version=F("version") + 1, updated_at=now)
    return keys


def _move_texts(keep: Patient, away: Patient) -> None:
    texts = Message.objects.filter(recipient_id=away.pk)
    # Held in one order: whoever writes results holds many at once.
    list(texts.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    texts.update(recipient_id=keep.pk)


def _take_over(keep: Patient, away: Patient, now: datetime) -> None:
    keep.patient_number = keep.patient_number or away.patient_number
    if not keep.name:
        keep.name, keep.name_key = away.name, away.name_key
    said = stricter(keep, away)
    keep.consent, keep.consent_source, keep.consent_at = said.consent, said.consent_source, said.consent_at
    keep.imported_cells = {**away.imported_cells, **keep.imported_cells}
    keep.created_at = min(keep.created_at, away.created_at)
    keep.version += 1
    keep.updated_at = now
    store(keep)


def _remember(keep: Patient, called: list[dict[str, str]], now: datetime) -> None:
    """What the two were called: by that, files and other systems go on meaning this person."""
    formers = [
        FormerIdentity(patient=keep, clinic_id=keep.clinic_id, since=now, **words)
        for words in called
        if words != keep.identity
    ]
    # One may have been called as the other is: PostgreSQL takes a row once in a statement.
    once = {(former.phone, former.name_key, former.patient_number): former for former in formers}
    FormerIdentity.objects.bulk_create(
        once.values(),
        update_conflicts=True,
        unique_fields=["patient", "phone", "name_key", "patient_number"],
        update_fields=["corrected", "since"],
    )


def _values(patient: Patient) -> dict[str, Any]:
    return {field: plain(getattr(patient, field)) for field in PATIENT_FIELDS}


def _record(
    actor: Actor,
    keep: Patient,
    goes: UUID,
    changed: dict[str, list[Any]],
    lost: dict[str, Any],
    visits: Sequence[UUID],
    now: datetime,
) -> None:
    kind, clinic = keep._meta.label_lower, keep.clinic_id
    gone = {field: [value, None] for field, value in lost.items()}
    both = {"record": [str(goes), str(keep.pk)]}
    entries = [
        Change(TAKEN_OVER, kind, goes, clinic, {**both, **gone}),
        Change.of(keep, TOOK_OVER, {**both, **changed}),
        *(Change("moved to another record", "appointments.appointment", pk, clinic, both) for pk in visits),
    ]
    record(actor, entries, now=now)


def records_of(patient_id: UUID) -> list[UUID]:
    """The record's own id and those of all that it took over, itself or through another."""
    found = [patient_id]
    for pk in found:
        entries = AuditEntry.objects.filter(object_id=pk, action=TOOK_OVER).values_list("changes", flat=True)
        found += [UUID(changes["record"][0]) for changes in entries[:MOST_MERGED]]
        if len(found) > MOST_MERGED:
            break
    return found
