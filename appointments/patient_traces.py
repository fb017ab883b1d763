"""Where the site keeps something about one patient: for an export, and for erasing it."""

from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import AuditEntry
from appointments.merging import records_of
from appointments.models import Appointment, Patient
from appointments.reminding import SUBJECT
from common.phones import is_mobile
from messaging.models import BadNumber, OptOut
from messaging.traces import Traces

PATIENT, BAD_NUMBER, OPT_OUT = "appointments.patient", "messaging.badnumber", "messaging.optout"
TEXT, REPLY = "messaging.message", "messaging.reply"


def traces_of(patient: Patient) -> Traces:
    """Texts and replies of the patient, by all records and phones that they had here.

    A phone that another patient has too is a family's: what came from it without a visit is not theirs alone.
    """
    records = frozenset(records_of(patient.pk))
    visits = Appointment.objects.filter(patient=patient.pk).values_list("pk", flat=True)
    known = Traces(records, SUBJECT, frozenset(visits))
    phones = {patient.phone, *earlier_values(records, "phone")}
    phones |= set(known.texts.order_by().values_list("to", flat=True).distinct())
    phones = {phone for phone in phones if phone and is_mobile(phone)}
    others = Patient.objects.filter(phone__in=phones).exclude(pk=patient.pk)
    phones -= set(others.values_list("phone", flat=True))
    return Traces(known.recipients, SUBJECT, known.subjects, frozenset(phones))


def earlier_values(records: frozenset[UUID], field: str) -> set[str]:
    """What a field of these records ever was, as the log has it."""
    entries = AuditEntry.objects.filter(object_id__in=records, object_type=PATIENT)
    pairs = (changes.get(field, []) for changes in entries.values_list("changes", flat=True))
    return {value for pair in pairs for value in pair if value and isinstance(value, str)}


def entries_about(traces: Traces, texts: list[UUID], replies: list[UUID]) -> QuerySet[AuditEntry]:
    """What the audit log holds on the patient, their visits, texts, replies and phones."""
    flags = BadNumber.objects.filter(phone__in=traces.phones).values_list("pk", flat=True)
    stops = OptOut.objects.filter(phone__in=traces.phones).values_list("pk", flat=True)
    about = Q(object_type=PATIENT, object_id__in=traces.recipients)
    about |= Q(object_type=SUBJECT, object_id__in=traces.subjects)
    about |= Q(object_type=TEXT, object_id__in=texts) | Q(object_type=REPLY, object_id__in=replies)
    about |= Q(object_type__in=[BAD_NUMBER, OPT_OUT], object_id__in=[*flags, *stops])
    return AuditEntry.objects.filter(about)
