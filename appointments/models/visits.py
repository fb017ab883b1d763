from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Clinic, Language
from appointments.models.patients import Patient
from common.dates import moment_in_words
from common.ids import new_id


class AppointmentStatus(models.TextChoices):
    BOOKED = "booked", _("booked")
    CONFIRMED = "confirmed", _("confirmed")
    ATTENDED = "attended", _("attended")
    MISSED = "missed", _("missed")
    CANCELLED = "cancelled", _("cancelled")


LIVE = ("booked", "confirmed")

# Attendance can be corrected or undone; a cancelled visit stays cancelled: it is booked anew.
# `undoing` alone puts back what a click did a moment ago, whatever step that would be.
TRANSITIONS: dict[str, frozenset[str]] = {
    AppointmentStatus.BOOKED: frozenset({"confirmed", "attended", "missed", "cancelled"}),
    AppointmentStatus.CONFIRMED: frozenset({"booked", "attended", "missed", "cancelled"}),
    AppointmentStatus.ATTENDED: frozenset({"missed", "booked"}),
    AppointmentStatus.MISSED: frozenset({"attended", "booked"}),
    AppointmentStatus.CANCELLED: frozenset(),
}

MAX_DURATION_MINUTES = 24 * 60


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def live(self) -> "AppointmentQuerySet":
        return self.filter(status__in=LIVE)


class Appointment(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    clinic = models.ForeignKey(
        Clinic, verbose_name=_("clinic"), on_delete=models.PROTECT, related_name="appointments"
    )
    patient = models.ForeignKey(
        Patient, verbose_name=_("patient"), on_delete=models.PROTECT, related_name="appointments"
    )
    reference = models.CharField(
        _("reference"),
        max_length=60,
        blank=True,
        default="",
        help_text=_("The booking's number in another system."),
    )
    starts_at = models.DateTimeField(_("date and time"))
    ends_at = models.DateTimeField(_("until"), editable=False)
    duration_minutes = models.PositiveSmallIntegerField(
        _("minutes"), validators=[MinValueValidator(1), MaxValueValidator(MAX_DURATION_MINUTES)]
    )
    visit_type = models.CharField(_("visit type"), max_length=60, blank=True, default="")
    language = models.CharField(_("language"), max_length=2, choices=Language.choices)
    status = models.CharField(
        _("status"), max_length=10, choices=AppointmentStatus.choices, default=AppointmentStatus.BOOKED
    )
    # Of each cell that a file last gave for this appointment, a short digest. A file changes only
    # what changed in the file, so it never undoes a nurse.
    imported_cells = models.JSONField(default=dict, editable=False)
    # A digest of the phone, name and time that a file last gave: the same row finds its appointment
    # again when it has no reference, even if a nurse has moved it or corrected the patient since.
    import_key = models.CharField(max_length=32, blank=True, default="", editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"))
    updated_at = models.DateTimeField(_("changed"))

    objects: ClassVar[models.Manager["Appointment"]] = AppointmentQuerySet.as_manager()

    if TYPE_CHECKING:
        clinic_id: UUID
        patient_id: UUID

    class Meta:
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        ordering = ["starts_at", "id"]
        constraints = [
            models.CheckConstraint(
                name="appointment_status_known", condition=Q(status__in=AppointmentStatus.values)
            ),
            models.CheckConstraint(
                name="appointment_ends_after_start", condition=Q(ends_at__gt=F("starts_at"))
            ),
            models.CheckConstraint(
                name="appointment_duration_sane",
                condition=Q(duration_minutes__gte=1, duration_minutes__lte=MAX_DURATION_MINUTES),
            ),
            models.CheckConstraint(
                name="appointment_language_known", condition=Q(language__in=Language.values)
            ),
            models.UniqueConstraint(
                name="appointment_reference_once_a_clinic",
                fields=["clinic", "reference"],
                condition=~Q(reference=""),
                violation_error_message=_("Another appointment of this clinic has this reference."),
            ),
            # PostgreSQL keeps all overlaps out (migration 0002); this holds on SQLite too.
            models.UniqueConstraint(
                name="appointment_patient_once_at_a_time",
                fields=["patient", "starts_at"],
                condition=Q(status__in=LIVE),
                violation_error_message=_("The patient has another appointment at this time."),
            ),
        ]
        indexes = [
            models.Index(fields=["clinic", "starts_at", "id"], name="appointment_by_clinic"),
            models.Index(fields=["starts_at", "id"], name="appointment_by_time"),
            models.Index(fields=["patient", "starts_at"], name="appointment_by_patient"),
            models.Index(fields=["import_key"], name="appointment_import_key", condition=~Q(import_key="")),
        ]

    def __str__(self) -> str:
        return moment_in_words(self.starts_at, self.clinic.zone)

    @property
    def is_live(self) -> bool:
        return self.status in LIVE


class Closure(models.Model):
    """A day on which a clinic sees nobody: nothing is booked on it or moved to it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    clinic = models.ForeignKey(
        Clinic, verbose_name=_("clinic"), on_delete=models.PROTECT, related_name="closures"
    )
    date = models.DateField(_("date"))
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    created_at = models.DateTimeField(_("created"))

    if TYPE_CHECKING:
        clinic_id: UUID

    class Meta:
        verbose_name = _("closed day")
        verbose_name_plural = _("closed days")
        ordering = ["date", "id"]
        constraints = [
            models.UniqueConstraint(
                name="closure_once_a_day",
                fields=["clinic", "date"],
                violation_error_message=_("The clinic is closed on this day already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.date:%d.%m.%Y}"
