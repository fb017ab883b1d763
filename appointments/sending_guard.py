"""At the moment of sending: is the visit still live and unmoved, and does the patient agree?"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_noop as _

from appointments.consent import may_be_texted
from appointments.models import Appointment, Reminder, ReminderState
from appointments.notices import still_holds
from appointments.reminding import LANGUAGE_CHANGED, PHONE_CHANGED
from common.among import among
from messaging.guards import Refusal
from messaging.models import Message, MessageStatus, TemplateKey


def refuse(messages: Sequence[Message], now: datetime) -> dict[UUID, Refusal]:
    """Refusals for texts about appointments, in two queries. The messages come with their clinic."""
    appointments = _appointments(messages)
    rules, nearest = _rules([a.pk for a in appointments.values()], now)
    refusals = {}
    for message in messages:
        appointment = appointments.get(message.subject_id)
        refusal = _refusal(message, appointment, rules.get(message.pk), nearest, now)
        if refusal is not None:
            refusals[message.pk] = refusal
    return refusals


def _appointments(messages: Sequence[Message]) -> dict[UUID | None, Appointment]:
    """Read for every text that leaves: nothing that is not looked at."""
    clinics = {message.subject_id: message.clinic for message in messages if message.clinic}
    found = Appointment.objects.select_related("patient").only(
        *("status", "starts_at", "language", "clinic_id"),
        *("patient__phone", "patient__consent", "patient__consent_source"),
    )
    appointments: dict[UUID | None, Appointment] = {}
    for appointment in found.filter(among("pk", filter(None, clinics))):
        appointment.clinic = clinics[appointment.pk]
        appointments[appointment.pk] = appointment
    return appointments


_Rule = tuple[UUID, datetime, int]
_Nearest = dict[tuple[UUID, datetime], int]


def _rules(appointment_ids: Sequence[UUID], now: datetime) -> tuple[dict[UUID, _Rule], _Nearest]:
    """(appointment, time of the visit, hours before) of each reminder's text, and the rule nearest the
    visit that was queued or is due, by appointment and time of the visit."""
    queued_or_due = Q(state=ReminderState.QUEUED) | Q(state=ReminderState.PLANNED, due_at__lte=now)
    rows = Reminder.objects.filter(queued_or_due, among("appointment_id", appointment_ids))
    rules: dict[UUID, _Rule] = {}
    nearest: _Nearest = {}
    fields = ("message_id", "appointment_id", "visit_at", "hours_before")
    for message_id, appointment_id, visit_at, hours in rows.values_list(*fields):
        if message_id is not None:
            rules[message_id] = (appointment_id, visit_at, hours)
        nearest[appointment_id, visit_at] = min(hours, nearest.get((appointment_id, visit_at), hours))
    return rules, nearest


def _refusal(
    message: Message,
    appointment: Appointment | None,
    rule: _Rule | None,
    nearest: _Nearest,
    now: datetime,
) -> Refusal | None:
    cancelled = MessageStatus.CANCELLED
    if appointment is None:
        return Refusal(cancelled, "APPOINTMENT_ENDED", _("There is no such appointment any more."))
    refusal = _no_longer_true(message, appointment)
    if refusal is not None:
        return refusal
    if rule is not None and rule[2] > nearest[rule[0], rule[1]]:
        # It was held back until the next one came due: two equal texts would leave together.
        return Refusal(cancelled, "NEARER_REMINDER", _("A reminder nearer to the visit goes instead."))
    if appointment.starts_at <= now and message.purpose != TemplateKey.MISSED:
        return Refusal(MessageStatus.EXPIRED, "TOO_LATE", _("The appointment has begun."))
    if message.to != appointment.patient.phone:
        return Refusal(cancelled, PHONE_CHANGED, _("The patient's phone has changed."))
    if message.language != appointment.language:
        return Refusal(cancelled, LANGUAGE_CHANGED, _("The language of the texts has changed."))
    if not may_be_texted(appointment.patient, appointment.clinic):
        return Refusal(MessageStatus.SUPPRESSED, "NO_CONSENT", _("The patient has not agreed to texts."))
    return None


def _no_longer_true(message: Message, appointment: Appointment) -> Refusal | None:
    """A text says that a visit will be, was cancelled, or was missed; and when it is."""
    if still_holds(message, appointment):
        return None
    cancelled = MessageStatus.CANCELLED
    if message.subject_at not in (None, appointment.starts_at):
        return Refusal(cancelled, "APPOINTMENT_MOVED", _("The appointment was moved."))
    if message.purpose in (TemplateKey.CANCELLED, TemplateKey.MISSED):
        return Refusal(cancelled, "STATUS_CHANGED", _("The appointment's status has changed since."))
    return Refusal(cancelled, "APPOINTMENT_ENDED", _("The appointment is not live any more."))
