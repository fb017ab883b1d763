"""A reminder of one visit at a time that a person or another system chose, besides those of the rules."""

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.audit import Actor
from appointments.models import Appointment
from appointments.reminding import SUBJECT, preview_text
from common.errors import StateConflict, ValidationFailed
from messaging.models import TemplateKey
from messaging.own_texts import checked_time, queue
from messaging.services import Draft


def schedule_reminder(appointment: Appointment, *, send_at: datetime, actor: Actor, now: datetime) -> UUID:
    """Queues the reminder's text for the visit as it is now, and gives the message's id.

    The appointment comes with its clinic and patient. It is looked at again when the text is due: a visit
    that was moved or has ended by then gets none. StateConflict for one that is not live,
    ValidationFailed on "send_at" for a time that is past, or not before the visit.
    """
    if not appointment.is_live:
        raise StateConflict(_("This appointment is not live any more."))
    leaves = checked_time(send_at, now)
    if leaves >= appointment.starts_at:
        raise ValidationFailed.on("send_at", _("This is not before the visit."))
    draft = Draft(
        clinic_id=appointment.clinic_id,
        purpose=TemplateKey.REMINDER,
        to=appointment.patient.phone,
        text=preview_text(appointment, appointment.patient, appointment.clinic),
        language=appointment.language,
        send_at=leaves,
        expires_at=appointment.starts_at,
        subject_type=SUBJECT,
        subject_id=appointment.pk,
        subject_at=appointment.starts_at,
        recipient_id=appointment.patient_id,
    )
    return queue(draft, clinic=appointment.clinic, action="scheduled", actor=actor, now=now)
