from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import may, visible_to
from accounts.scoped_admin import actor_of, local
from appointments.models import Appointment, AppointmentStatus
from appointments.replies import confirm_by_person, upcoming
from common.admin import Step, Table
from messaging.admin.replies import ReplyAdmin, zone_of
from messaging.models import Reply, ReplyState

# As many visits of one family as a page has room for buttons.
VISITS_OFFERED = 6
CONFIRM = "confirm-"


@admin.register(Reply)
class ReplyAboutVisitAdmin(ReplyAdmin):
    """The replies with the patient and the visit that each is about."""

    list_display = (
        *("when", "phone", "words", "meaning_in_words", "patient", "visit"),
        *("state_in_words", "clinic_name"),
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    *("body", "meaning_in_words", "patient", "visit", "state_in_words", "note_in_words"),
                    *("phone", "clinic_name"),
                )
            },
        ),
        *ReplyAdmin.fieldsets[1:],
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reply]:
        # The visit is named by its number alone; only one in the person's own clinics is shown.
        visits = visible_to(request.user, Appointment.objects.filter(pk=OuterRef("subject_id"))).order_by()
        return (
            super()
            .get_queryset(request)
            .annotate(
                visit_at=Subquery(visits.values("starts_at")),
                patient_id=Subquery(visits.values("patient_id")),
                patient_name=Subquery(visits.values("patient__name")),
                patient_erased_at=Subquery(visits.values("patient__erased_at")),
            )
        )

    @admin.display(description=gettext_lazy("patient"))
    def patient(self, reply: Any) -> str | SafeString:
        if reply.patient_id is None:
            return "–"
        if reply.patient_erased_at is not None:
            return _("(erased)")
        address = reverse("admin:appointments_patient_change", args=[reply.patient_id])
        return format_html('<a href="{}">{}</a>', address, reply.patient_name or _("(no name)"))

    @admin.display(description=gettext_lazy("visit"))
    def visit(self, reply: Any) -> str | SafeString:
        if reply.visit_at is None:
            return "–"
        address = reverse("admin:appointments_appointment_change", args=[reply.subject_id])
        return format_html('<a href="{}">{}</a>', address, local(reply.visit_at, zone_of(reply)))

    def _visits(self, request: HttpRequest, reply: Any) -> list[Appointment]:
        return list(visible_to(request.user, upcoming(reply.phone, timezone.now()))[:VISITS_OFFERED])

    def tables(self, request: HttpRequest, obj: Any) -> list[Table]:
        rows = [
            (
                format_html(
                    '<a href="{}">{}</a>',
                    reverse("admin:appointments_appointment_change", args=[visit.pk]),
                    local(visit.starts_at, visit.clinic.zone),
                ),
                str(visit.patient),
                visit.clinic.name,
                capfirst(visit.get_status_display()),
            )
            for visit in self._visits(request, obj)
        ]
        headings = [_("When"), _("Patient"), _("Clinic"), _("Status")]
        visits = Table(_("Visits to come of this phone"), headings, rows, _("None in your clinics."))
        return [visits, *super().tables(request, obj)]

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        steps = super().steps(request, obj)
        if obj.state != ReplyState.WAITING or not may(request.user, "change", "appointments.appointment"):
            return steps
        confirms = [
            Step(
                f"{CONFIRM}{visit.pk}",
                _("Confirm: %(patient)s, %(when)s")
                % {"patient": visit.patient, "when": local(visit.starts_at, visit.clinic.zone)},
            )
            for visit in self._visits(request, obj)
            if visit.status == AppointmentStatus.BOOKED
        ]
        return [*confirms, *steps]

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        if not name.startswith(CONFIRM):
            return super().take_step(request, obj, name)
        visit_id = UUID(name.removeprefix(CONFIRM))
        confirm_by_person(obj.pk, visit_id, actor=actor_of(request), now=timezone.now())
        return _("The visit is confirmed, and the reply is done.")
