"""What a patient's page shows under the form: attendance, visits, texts, replies, consent, history."""

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.access import sees_phones
from accounts.models import AuditEntry
from accounts.scoped_admin import changes_in_words, local
from appointments.attendance_report import no_show_rate
from appointments.merging import records_of
from appointments.models import Appointment, AppointmentStatus, Patient
from appointments.patient_traces import PATIENT
from appointments.reminding import SUBJECT
from common.admin import Table
from common.language import reread
from messaging.admin.messages import kind_in_words
from messaging.models import MessageStatus, OptOut, Reply
from messaging.traces import Traces

SHOWN = 50
# As a nurse reads them: what is recorded says nothing of a record's own number.
NOT_TOLD = {"record", "patient"}
COLOURS = {
    MessageStatus.DELIVERED.value: "attended",
    MessageStatus.FAILED.value: "missed",
    MessageStatus.UNDELIVERED.value: "missed",
    MessageStatus.UNKNOWN.value: "missed",
    MessageStatus.SUPPRESSED.value: "missed",
    MessageStatus.CANCELLED.value: "cancelled",
}


def figures(patient: Patient) -> list[tuple[str, str]]:
    """How often the patient came; one query."""
    found = patient.appointments.order_by().values_list("status").annotate(visits=Count("pk"))
    counts: dict[str, int] = dict(found)
    came, missed = counts.get(AppointmentStatus.ATTENDED, 0), counts.get(AppointmentStatus.MISSED, 0)
    rate = no_show_rate(came, missed)
    return [
        (_("visits came to"), str(came)),
        (_("visits missed"), str(missed)),
        (_("missed, of those marked"), "–" if rate is None else f"{rate:.0%}"),
        (_("cancelled"), str(counts.get(AppointmentStatus.CANCELLED, 0))),
    ]


def opt_outs(patient: Patient) -> list[OptOut]:
    """Of the patient's phone, the newest first."""
    return list(OptOut.objects.filter(phone=patient.phone).order_by("-opted_out_at")[:10])


def consent_in_words(patient: Patient, stops: list[OptOut]) -> list[str]:
    """A sentence each for consent and opt-out, with source and time."""
    zone = patient.clinic.zone
    told = {
        True: _("The patient agrees to be texted"),
        False: _("The patient wants no texts"),
        None: _("Nobody has asked the patient: the clinic's policy decides"),
    }[patient.consent]
    if patient.consent_at is not None:
        told += f" ({patient.get_consent_source_display()}, {local(patient.consent_at, zone)})"
    words = [f"{told}."]
    for stop in stops:
        since = {"source": _source(stop.source), "since": local(stop.opted_out_at, zone)}
        if stop.lifted_at is None:
            said = _("The phone gets no texts from anybody here (%(source)s, since %(since)s).") % since
        else:
            since["until"] = local(stop.lifted_at, zone)
            said = _("The phone got no texts from %(since)s to %(until)s (%(source)s).") % since
        words.append(said)
    return words


def _source(source: str) -> str:
    words = {
        "reply": _("by a reply"),
        "nurse": _("told a nurse"),
        "api": _("another system"),
        "provider": _("the provider says so"),
    }
    return words.get(source, source)


def tables(request: HttpRequest, patient: Patient) -> list[Table]:
    """Two queries for visits, one each for texts, replies, what the log knows of them."""
    now = timezone.now()
    visits = patient.appointments.annotate(texts=Count("reminders__message"))
    coming = list(visits.filter(starts_at__gt=now).order_by("starts_at")[:SHOWN])
    past = list(visits.filter(starts_at__lte=now).order_by("-starts_at")[:SHOWN])
    every = patient.appointments.values_list("pk", flat=True)
    records = frozenset(records_of(patient.pk))
    traces = Traces(records, SUBJECT, frozenset(every))
    return [
        _visits(_("Appointments to come"), patient, coming, _("None is booked.")),
        _visits(_("Past appointments"), patient, past, _("None yet.")),
        _texts(patient, traces),
        _replies(request, patient, traces),
        history(request, patient, traces),
    ]


def _visits(title: str, patient: Patient, visits: list[Any], empty: str) -> Table:
    rows = [
        (
            _link("appointments_appointment", visit.pk, local(visit.starts_at, patient.clinic.zone)),
            _coloured(visit.status, visit.get_status_display()),
            visit.visit_type or "–",
            visit.reference or "–",
            visit.texts or "–",
        )
        for visit in visits
    ]
    headings = [_("When"), _("Status"), _("Visit type"), _("Reference"), _("Reminder texts")]
    return Table(title, headings, rows, empty)


def _texts(patient: Patient, traces: Traces) -> Table:
    texts = traces.texts.order_by("-created_at", "-pk")[:SHOWN]
    rows = [
        (
            _link("messaging_message", text.pk, local(text.sent_at or text.send_at, patient.clinic.zone)),
            kind_in_words(text),
            _coloured(COLOURS.get(text.status, text.status), text.get_status_display()),
            reread(text.error_message) or "–",
            text.body or _("(deleted: kept long enough)"),
        )
        for text in texts
    ]
    headings = [_("When"), _("What"), _("Status"), _("Problem"), _("Text")]
    return Table(_("Texts"), headings, rows, _("None yet."))


def _replies(request: HttpRequest, patient: Patient, traces: Traces) -> Table:
    """All from this phone, whoever of a family wrote them, that are this clinic's to read."""
    mine = Traces(traces.recipients, SUBJECT, traces.subjects, frozenset([patient.phone])).replies
    found: QuerySet[Reply] = mine.filter(clinic=patient.clinic_id).order_by("-received_at", "-pk")
    full = sees_phones(request.user)
    rows = [
        (
            _link("messaging_reply", reply.pk, local(reply.received_at, patient.clinic.zone)),
            reply.body if full else _("(for staff to read)"),
            capfirst(reply.get_meaning_display()),
            capfirst(reply.get_state_display()),
        )
        for reply in found[:SHOWN]
    ]
    headings = [_("When"), _("Text"), _("Meaning"), _("State")]
    return Table(_("Replies from this phone"), headings, rows, _("None yet."))


def history(request: HttpRequest, patient: Patient, traces: Traces) -> Table:
    """Of the record, those merged into it, and their visits."""
    ids = [*traces.recipients, *traces.subjects]
    entries = AuditEntry.objects.filter(object_id__in=ids, object_type__in=[PATIENT, SUBJECT])[:SHOWN]
    full = sees_phones(request.user)
    rows = [
        (
            local(entry.at, patient.clinic.zone),
            entry.actor_name,
            f"{capfirst(_kind(entry.object_type))}: {entry.action}",
            _told(entry, with_phones=full) or "–",
        )
        for entry in entries
    ]
    headings = [_("When"), _("Who"), _("What"), _("Changes")]
    return Table(_("History of changes"), headings, rows, _("Nothing is recorded."))


def _kind(object_type: str) -> str:
    return str(apps.get_model(object_type)._meta.verbose_name)


def _told(entry: AuditEntry, *, with_phones: bool) -> str:
    model = apps.get_model(entry.object_type)
    shown = {field: pair for field, pair in entry.changes.items() if field not in NOT_TOLD}
    return changes_in_words(shown, model, with_phones=with_phones)


def _link(page: str, pk: object, words: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', reverse(f"admin:{page}_change", args=[pk]), words)


def _coloured(name: str, label: Any) -> SafeString:
    return format_html('<span class="status {}">{}</span>', name, capfirst(str(label)))


def side_by_side(patients: Iterable[Patient], full: Any) -> list[tuple[str, list[Any]]]:
    """What two records say of each thing; `full` shows a phone as the person may see it."""
    both = list(patients)
    now = timezone.now()
    visits = [list(Appointment.objects.filter(patient=patient)) for patient in both]
    stopped = set(
        OptOut.objects.filter(phone__in=[p.phone for p in both], lifted_at__isnull=True).values_list(
            "phone", flat=True
        )
    )
    yes_no = {True: _("Yes"), False: _("No"), None: _("Not asked")}
    return [
        (_("Name"), [str(p) for p in both]),
        (_("Phone"), [full(p.phone) for p in both]),
        (_("Patient number"), [p.patient_number or "–" for p in both]),
        (_("Agrees to be texted"), [yes_no[p.consent] for p in both]),
        (_("The phone wants no texts"), [_("Yes") if p.phone in stopped else _("No") for p in both]),
        (_("Known since"), [local(p.created_at, p.clinic.zone) for p in both]),
        (_("Appointments to come"), [_times(theirs, p, now) for theirs, p in zip(visits, both, strict=True)]),
        (_("Past appointments"), [str(sum(v.starts_at <= now for v in theirs)) for theirs in visits]),
    ]


def _times(visits: list[Appointment], patient: Patient, now: Any) -> str:
    coming = sorted(visit.starts_at for visit in visits if visit.is_live and visit.starts_at > now)
    return "; ".join(local(at, patient.clinic.zone) for at in coming) or _("none")
