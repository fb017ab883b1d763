"""At the moment of sending: is the visit still live and unmoved, and does the patient agree?"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from appointments.consent import may_be_texted
from appointments.models import Appointment, Reminder
from messaging.guards import Refusal
from messaging.models import Message, MessageStatus


def refuse(messages: Sequence[Message], now: datetime) -> dict[UUID, Refusal]:
    """Refusals for texts about appointments, in two queries."""
    appointments = Appointment.objects.select_related("clinic", "patient").in_bulk(
        {m.subject_id for m in messages if m.subject_id}
    )
    visits = dict(Reminder.objects.filter(message__in=messages).values_list("message_id", "visit_at"))
    refusals = {}
    for message in messages:
        appointment = appointments.get(message.subject_id)
        refusal = _refusal(message, appointment, visits.get(message.pk), now)
        if refusal is not None:
            refusals[message.pk] = refusal
    return refusals


def _refusal(
    message: Message, appointment: Appointment | None, visit_at: datetime | None, now: datetime
) -> Refusal | None:
    cancelled = MessageStatus.CANCELLED
    if appointment is None or not appointment.is_live:
        return Refusal(cancelled, "APPOINTMENT_ENDED", _("The appointment is not live any more."))
    if visit_at is not None and visit_at != appointment.starts_at:
        return Refusal(cancelled, "APPOINTMENT_MOVED", _("The appointment was moved."))
    if appointment.starts_at <= now:
        return Refusal(MessageStatus.EXPIRED, "TOO_LATE", _("The appointment has begun."))
    if message.to != appointment.patient.phone:
        return Refusal(cancelled, "PHONE_CHANGED", _("The patient's phone has changed."))
    if not may_be_texted(appointment.patient, appointment.clinic):
        return Refusal(MessageStatus.SUPPRESSED, "NO_CONSENT", _("The patient has not agreed to texts."))
    return None
