from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.scoped_admin import ClinicFilter, ClinicScopedAdmin, DayFilter, actor_of, local
from appointments import services
from appointments.admin import booking_page, day_page, move_page
from appointments.admin.reminders import link_to_message, rule_in_words, state_in_words
from appointments.admin.visit_filters import MarkedFilter, ReachedFilter, WeekdayFilter
from appointments.admin.visit_form import VisitForm
from appointments.models import TRANSITIONS, Appointment, AppointmentStatus, Reminder, ReminderState
from appointments.undoing import UNDO_FOR, last_done
from appointments.undoing import undo as put_back
from common.admin import Step, Table
from common.errors import DomainError, StateConflict, VersionConflict
from common.phones import mask

Status = AppointmentStatus

# What a button does, and the status that it leads to.
SERVICES: dict[str, tuple[Callable[..., Appointment], str]] = {
    "attended": (partial(services.mark_attendance, attended=True), Status.ATTENDED),
    "missed": (partial(services.mark_attendance, attended=False), Status.MISSED),
    "undo": (partial(services.mark_attendance, attended=None), Status.BOOKED),
    "confirm": (services.confirm, Status.CONFIRMED),
    "cancel": (partial(services.cancel, texts_wait=UNDO_FOR), Status.CANCELLED),
}


def _just_cancelled(request: HttpRequest, visit: Appointment) -> UUID | None:
    """The entry of the audit log by which this person cancelled the visit within the minute."""
    this = Appointment.objects.select_related("clinic", "patient").filter(pk=visit.pk)
    done = last_done(actor_of(request), this, now=timezone.now())
    return next((one.entry_id for one in done if one.action == "cancelled"), None)


class VisitDayFilter(DayFilter):
    field = "starts_at"
    unasked = "from-today"


@admin.register(Appointment)
class AppointmentAdmin(ClinicScopedAdmin):
    form = VisitForm
    change_form_template = "admin/appointments/visit.html"
    list_display = ("when", "patient_name", "phone", "clinic_name", "visit_type", "state", "reminder")
    list_filter = (VisitDayFilter, ClinicFilter, "status", MarkedFilter, ReachedFilter, WeekdayFilter)
    list_select_related = ("clinic", "patient")
    search_fields = (
        "patient__name",
        "patient__phone",
        "reference__iexact",
        "patient__patient_number__iexact",
    )
    search_help_text = gettext_lazy("By the patient's name, number or phone, or by reference.")
    masked = {"phone": "masked_phone"}
    export_columns = (
        *(
            "clinic__code",
            "starts_at",
            "duration_minutes",
            "patient_name",
            "patient__patient_number",
            "phone",
        ),
        *("visit_type", "status", "language", "reference", "created_at"),
    )
    form_field_of = {"appointment_datetime": "starts_at"}
    readonly_fields = ("state", "patient_link", "phone", "clinic_name")
    ordering = ("starts_at", "id")
    actions = ("mark_attended", "mark_missed", "confirm_visits", "cancel_visits")
    list_per_page = 50
    empty_value_display = ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Appointment]:
        reminders = Reminder.objects.select_related("message").order_by("due_at")
        return super().get_queryset(request).prefetch_related(Prefetch("reminders", reminders))

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        newest_first = request.GET.get("day") in ("past", "all", "yesterday")
        return ("-starts_at", "-id") if newest_first else ("starts_at", "id")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        time = "starts_at" if self.has_change_permission(request, obj) else "when"
        fields = [*self.readonly_fields, time, "duration_minutes", "visit_type", "language", "reference"]
        return [(None, {"fields": self._shown(request, fields)})]

    @admin.display(description=gettext_lazy("date and time"), ordering="starts_at")
    def when(self, appointment: Appointment) -> str:
        return local(appointment.starts_at, appointment.clinic.zone)

    @admin.display(description=gettext_lazy("patient"), ordering="patient__name")
    def patient_name(self, appointment: Appointment) -> str:
        return str(appointment.patient)

    @admin.display(description=gettext_lazy("patient"))
    def patient_link(self, appointment: Appointment) -> str | SafeString:
        if appointment.patient.erased_at is not None:
            return str(appointment.patient)
        address = reverse("admin:appointments_patient_change", args=[appointment.patient_id])
        return format_html('<a href="{}">{}</a>', address, appointment.patient)

    @admin.display(description=gettext_lazy("phone"))
    def phone(self, appointment: Appointment) -> str:
        return appointment.patient.phone

    @admin.display(description=gettext_lazy("phone"))
    def masked_phone(self, appointment: Appointment) -> str:
        return mask(appointment.patient.phone)

    @admin.display(description=gettext_lazy("clinic"), ordering="clinic__name")
    def clinic_name(self, appointment: Appointment) -> str:
        return appointment.clinic.name

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def state(self, appointment: Appointment) -> SafeString:
        label = capfirst(appointment.get_status_display())
        return format_html('<span class="status {}">{}</span>', appointment.status, label)

    @admin.display(description=gettext_lazy("reminder"))
    def reminder(self, appointment: Appointment) -> str:
        """The next one that will go, and what became of the last."""
        current = [r for r in appointment.reminders.all() if r.visit_at == appointment.starts_at]
        planned = [r for r in current if r.state == ReminderState.PLANNED]
        gone = [r for r in current if r.message is not None]
        words = [state_in_words(gone[-1])] if gone else []
        if planned:
            when = local(planned[0].due_at, appointment.clinic.zone)
            words.append(_("Next: %(when)s") % {"when": when})
        return "; ".join(words)

    def label_for(self, request: HttpRequest, obj: Any) -> str:
        return self.title_of(obj)

    def title_of(self, obj: Any) -> str:
        return local(obj.starts_at, obj.clinic.zone)

    def asked_about(self, request: HttpRequest, obj: Any) -> str:
        return f"{obj.patient} · {self.title_of(obj)}"

    def get_urls(self) -> list[URLPattern]:
        move = path(
            "<path:object_id>/move/",
            self.admin_site.admin_view(partial(move_page.move_view, self)),
            name="appointments_appointment_move",
        )
        return [*day_page.urls(self), move, *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return booking_page.booking_view(self, request)

    def save_by_service(self, request: HttpRequest, obj: Any, form: Any) -> Appointment:
        given, actor, now = form.cleaned_data, actor_of(request), timezone.now()
        return services.change(obj.pk, version=self.seen_version(request), actor=actor, now=now, **given)

    def tables(self, request: HttpRequest, obj: Any) -> list[Table]:
        rows = [
            (
                local(reminder.due_at, obj.clinic.zone),
                rule_in_words(reminder.hours_before),
                state_in_words(reminder),
                link_to_message(reminder),
            )
            for reminder in obj.reminders.all()
        ]
        headings = [_("Due"), _("Rule"), _("Status"), _("Text")]
        return [Table(_("Reminders"), headings, rows, _("No reminder is planned."))]

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        if not self.has_change_permission(request, obj):
            return []
        question = _(
            "The patient gets no reminder any more. You can take it back for one minute; "
            "after that the visit can only be booked anew."
        )
        if obj.status == Status.CANCELLED:
            return (
                [Step("take-back", _("Take the cancellation back"))] if _just_cancelled(request, obj) else []
            )
        undo = obj.status in (Status.ATTENDED, Status.MISSED)
        offered = [
            Step("attended", _("Patient came"), tone="good"),
            Step("missed", _("Patient did not come")),
            *([] if undo else [Step("confirm", _("Patient confirmed"))]),
            *([Step("undo", _("Undo"))] if undo else []),
            Step("cancel", _("Cancel the visit"), question, "danger"),
        ]
        return [step for step in offered if SERVICES[step.name][1] in TRANSITIONS[obj.status]]

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        if name == "take-back":
            return self._take_back(request, obj)
        do, wanted = SERVICES[name]
        version = self.seen_version(request)
        try:
            saved = do(obj.pk, version=version, actor=actor_of(request), now=timezone.now())
        except VersionConflict:
            # A second click on the same button has nothing left to do.
            obj.refresh_from_db(fields=["status"])
            if obj.status != wanted:
                raise
            saved = obj
        return _("The appointment is now: %(status)s.") % {"status": saved.get_status_display()}

    def _take_back(self, request: HttpRequest, obj: Any) -> str:
        entry = _just_cancelled(request, obj)
        if entry is None:
            raise StateConflict(_("This can be undone for one minute only. Open the visit to change it."))
        back = put_back(entry, of=obj.pk, actor=actor_of(request), now=timezone.now())
        return _("The appointment is now: %(status)s.") % {"status": back.get_status_display()}

    @admin.action(description=gettext_lazy("Patient came"), permissions=["change"])
    def mark_attended(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        self._each(request, queryset, "attended")

    @admin.action(description=gettext_lazy("Patient did not come"), permissions=["change"])
    def mark_missed(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        self._each(request, queryset, "missed")

    @admin.action(description=gettext_lazy("Patient confirmed"), permissions=["change"])
    def confirm_visits(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        self._each(request, queryset, "confirm")

    @admin.action(description=gettext_lazy("Cancel the visit"), permissions=["change"])
    def cancel_visits(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> HttpResponse | None:
        if "sure" in request.POST:
            self._each(request, queryset, "cancel")
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": _("Cancel these visits?"),
            "opts": self.opts,
            "chosen": [(a.pk, local(a.starts_at, a.clinic.zone), a.patient, a.clinic.name) for a in queryset],
        }
        return TemplateResponse(request, "admin/appointments/cancel_question.html", context)

    def _each(self, request: HttpRequest, queryset: QuerySet[Appointment], name: str) -> None:
        """One after the other; who can't be done is named with the reason, and the rest goes on."""
        do, wanted = SERVICES[name]
        actor, now, done = actor_of(request), timezone.now(), 0
        for appointment in queryset:
            try:
                do(appointment.pk, actor=actor, now=now)
                done += 1
            except DomainError as refusal:
                when = local(appointment.starts_at, appointment.clinic.zone)
                messages.error(request, f"{when}: {refusal.message}")
        if done:
            said = ngettext("%(n)d appointment: %(status)s.", "%(n)d appointments: %(status)s.", done)
            messages.success(request, said % {"n": done, "status": Status(wanted).label})
