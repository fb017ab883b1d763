"""All that is kept about one patient, as a file for them: a person's right."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import AnyUser, Known, clinics_visible_to
from accounts.audit import Actor, Change, record
from accounts.models import AuditEntry
from appointments.models import Appointment, Patient, PhoneCall, Reminder
from appointments.patient_traces import entries_about, traces_of
from common.errors import NotFound
from messaging.models import BadNumber, Message, MessageEvent, OptOut

FORMAT = "clinic-reminders patient 1"


def export_patient(
    patient_id: UUID, *, reader: AnyUser | None, actor: Actor, now: datetime
) -> dict[str, Any]:
    """JSON's own types; times in ISO 8601 with the clinic's offset. The audit log says that it was made.

    What only the phone connects with the patient is in it where `reader` sees its clinic; None sees all.
    """
    with transaction.atomic():
        patient = Patient.objects.known().select_related("clinic").filter(pk=patient_id).first()
        if patient is None:
            raise NotFound(_("There is no such patient."))
        made = _everything(patient, _clinics_of(reader), now)
        record(actor, [Change.of(patient, "exported")], now=now)
    return made


def _clinics_of(reader: AnyUser | None) -> frozenset[UUID] | None:
    if reader is None or (isinstance(reader, Known) and reader.is_active and reader.is_admin):
        return None
    return frozenset(clinics_visible_to(reader).values_list("pk", flat=True))


def _everything(patient: Patient, clinics: frozenset[UUID] | None, now: datetime) -> dict[str, Any]:
    traces = replace(traces_of(patient), clinics=clinics)
    texts, replies = list(traces.texts.order_by("created_at", "pk")), list(traces.replies)
    keys = [text.pk for text in texts], [reply.pk for reply in replies]
    entries = entries_about(traces, *keys).order_by("at", "pk")
    visits = list(Appointment.objects.filter(patient=patient.pk).order_by("starts_at", "pk"))
    stops = OptOut.objects.filter(phone__in={patient.phone, *traces.phones}).order_by("opted_out_at")
    flags = BadNumber.objects.filter(phone__in={patient.phone, *traces.phones})
    tell = _Teller(patient)
    return {
        "format": FORMAT,
        "made_at": tell.plain(now),
        "patient": {
            **tell.of(patient, "patient_number", "name", "phone", "consent", "consent_source", "consent_at"),
            **tell.of(patient, "id", "created_at", "updated_at"),
            "clinic": {"code": patient.clinic.code, "name": patient.clinic.name},
        },
        "formerly_known_as": [
            tell.of(former, "patient_number", "name", "phone", "since")
            for former in patient.former_identities.order_by("since", "pk")
        ],
        "appointments": _visits(visits, tell),
        "messages": _texts(texts, tell),
        "replies": [tell.of(r, "received_at", "phone", "body", "meaning", "state", "note") for r in replies],
        "opt_outs": [tell.of(stop, "phone", "source", "opted_out_at", "lifted_at") for stop in stops],
        "numbers_that_get_no_texts": [tell.of(flag, "phone", "code", "since") for flag in flags],
        "changes": [_change(entry, tell) for entry in entries],
    }


class _Teller:
    """Values as JSON takes them, on the clinic's clock."""

    def __init__(self, patient: Patient) -> None:
        self._zone = patient.clinic.zone

    def of(self, thing: Any, *fields: str) -> dict[str, Any]:
        return {field: self.plain(getattr(thing, field)) for field in fields}

    def plain(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(self._zone).isoformat()
        return value if value is None or isinstance(value, bool | int) else str(value)


def _visits(visits: list[Appointment], tell: _Teller) -> list[dict[str, Any]]:
    keys = [visit.pk for visit in visits]
    reminders = _by("appointment_id", Reminder.objects.filter(appointment__in=keys).order_by("due_at", "pk"))
    calls = _by("appointment_id", PhoneCall.objects.filter(appointment__in=keys).order_by("at", "pk"))
    fields = ("id", "reference", "starts_at", "duration_minutes", "visit_type", "language", "status")
    return [
        {
            **tell.of(visit, *fields, "created_at", "updated_at"),
            "reminders": [
                tell.of(r, "hours_before", "visit_at", "due_at", "state") for r in reminders.get(visit.pk, [])
            ],
            "phone_calls": [tell.of(call, "at", "outcome", "by") for call in calls.get(visit.pk, [])],
        }
        for visit in visits
    ]


def _texts(texts: list[Message], tell: _Teller) -> list[dict[str, Any]]:
    found = MessageEvent.objects.filter(message__in=[text.pk for text in texts]).order_by("at", "pk")
    events = _by("message_id", found)
    fields = ("id", "purpose", "to", "body", "language", "status", "provider", "error_code", "error_message")
    times = ("created_at", "send_at", "sent_at", "delivered_at")
    return [
        {
            **tell.of(text, *fields, *times),
            "events": [tell.of(e, "at", "status", "detail") for e in events.get(text.pk, [])],
        }
        for text in texts
    ]


def _by(field: str, rows: Any) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = {}
    for row in rows:
        found.setdefault(getattr(row, field), []).append(row)
    return found


def _change(entry: AuditEntry, tell: _Teller) -> dict[str, Any]:
    told = tell.of(entry, "at", "action", "object_type", "object_id")
    return {**told, "who": entry.actor_name, "changes": entry.changes}
