"""A reminder of one visit at a time that a person or another system chose, besides those of the rules."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.audit import Actor
from appointments.models import Appointment
from appointments.reminding import LANGUAGE_CHANGED, PHONE_CHANGED, SUBJECT, preview_text
from common.errors import StateConflict, ValidationFailed
from messaging.models import Message, TemplateKey
from messaging.own_texts import checked_time, queue
from messaging.services import Draft, enqueue


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
    draft = _draft(appointment, send_at=leaves, expires_at=appointment.starts_at)
    return queue(draft, clinic=appointment.clinic, action="scheduled", actor=actor, now=now)


def _draft(appointment: Appointment, *, send_at: datetime, expires_at: datetime) -> Draft:
    return Draft(
        clinic_id=appointment.clinic_id,
        purpose=TemplateKey.REMINDER,
        to=appointment.patient.phone,
        text=preview_text(appointment, appointment.patient, appointment.clinic),
        language=appointment.language,
        send_at=send_at,
        expires_at=expires_at,
        subject_type=SUBJECT,
        subject_id=appointment.pk,
        subject_at=appointment.starts_at,
        recipient_id=appointment.patient_id,
    )


def write_again(messages: Sequence[Message], **_: object) -> None:
    """A chosen text that was stopped for its phone or language goes once more, with what is true now.

    Those of the rules are planned anew with their reminders; only they have a key.
    """
    stopped = [
        message
        for message in messages
        if message.error_code in (PHONE_CHANGED, LANGUAGE_CHANGED)
        and (message.subject_type, message.purpose) == (SUBJECT, TemplateKey.REMINDER)
        and message.dedupe_key is None
        and message.follows_id is None
    ]
    if not stopped:
        return
    visits = Appointment.objects.select_related("clinic", "patient").in_bulk({m.subject_id for m in stopped})
    for message in stopped:
        visit = visits[message.subject_id]
        draft = _draft(visit, send_at=message.send_at, expires_at=message.expires_at)
        enqueue([draft], now=message.updated_at)
