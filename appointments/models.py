from datetime import datetime
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Clinic, Language, User
from common.ids import new_id
from messaging.models import Message


class ConsentSource(models.TextChoices):
    FILE = "file", _("imported file")
    NURSE = "nurse", _("told a nurse")
    API = "api", _("another system")
    ON_FILE = "on_file", _("held by the clinic")


class Patient(models.Model):
    """A person of one clinic. A family may share a phone: another name is another patient."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    clinic = models.ForeignKey(
        Clinic, verbose_name=_("clinic"), on_delete=models.PROTECT, related_name="patients"
    )
    patient_number = models.CharField(_("patient number"), max_length=40, blank=True, default="")
    name = models.CharField(_("name"), max_length=120, blank=True, default="")
    # The name as identity compares it: case and spacing aside.
    name_key = models.CharField(max_length=120, blank=True, default="", editable=False)
    phone = models.CharField(_("phone"), max_length=20)
    consent = models.BooleanField(_("agrees to be texted"), null=True, blank=True)
    consent_source = models.CharField(
        _("consent came from"), max_length=10, choices=ConsentSource.choices, blank=True, default=""
    )
    consent_at = models.DateTimeField(_("consent recorded"), null=True, blank=True)
    # Digests of what files last said of this patient; see Appointment.imported_cells.
    imported_cells = models.JSONField(default=dict, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"))
    updated_at = models.DateTimeField(_("changed"))

    if TYPE_CHECKING:
        clinic_id: UUID

    class Meta:
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                name="patient_number_once_a_clinic",
                fields=["clinic", "patient_number"],
                condition=~Q(patient_number=""),
                violation_error_message=_("Another patient of this clinic has this number."),
            ),
            # With numbers, two people may share phone and name; without, they are one.
            models.UniqueConstraint(
                name="patient_phone_and_name_once_a_clinic",
                fields=["clinic", "phone", "name_key"],
                condition=Q(patient_number=""),
                violation_error_message=_("This clinic has a patient with this name and phone already."),
            ),
            models.CheckConstraint(
                name="patient_consent_has_source_and_time",
                condition=Q(consent__isnull=True) | (Q(consent_at__isnull=False) & ~Q(consent_source="")),
            ),
        ]
        indexes = [
            models.Index(fields=["clinic", "phone", "name_key"], name="patient_identity"),
            models.Index(fields=["phone"], name="patient_phone"),
            models.Index(fields=["clinic", "name_key"], name="patient_name"),
        ]

    def __str__(self) -> str:
        return self.name or str(_("(no name)"))


class AppointmentStatus(models.TextChoices):
    BOOKED = "booked", _("booked")
    CONFIRMED = "confirmed", _("confirmed")
    ATTENDED = "attended", _("attended")
    MISSED = "missed", _("missed")
    CANCELLED = "cancelled", _("cancelled")


LIVE = ("booked", "confirmed")

# Attendance can be corrected or undone; a cancelled visit stays cancelled: it is booked anew.
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
        return f"{self.starts_at.astimezone(self.clinic.zone):%d.%m.%Y %H:%M}"

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


class ReminderState(models.TextChoices):
    PLANNED = "planned", _("planned")
    QUEUED = "queued", _("handed to sending")
    SKIPPED = "skipped", _("skipped: another one is nearer to the visit")
    EXPIRED = "expired", _("too late to be of use")


class ReminderQuerySet(models.QuerySet["Reminder"]):
    def due(self, now: datetime) -> "ReminderQuerySet":
        return self.filter(state=ReminderState.PLANNED, due_at__lte=now).order_by("due_at", "pk")


class Reminder(models.Model):
    """One reminder of one appointment, by one rule, for one time of the visit: unique, for ever."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    appointment = models.ForeignKey(
        Appointment, verbose_name=_("appointment"), on_delete=models.CASCADE, related_name="reminders"
    )
    hours_before = models.PositiveSmallIntegerField(_("hours before"))
    # The visit's time this reminder was planned for; a moved visit gets new ones.
    visit_at = models.DateTimeField(_("visit"))
    due_at = models.DateTimeField(_("due"))
    state = models.CharField(
        _("state"), max_length=8, choices=ReminderState.choices, default=ReminderState.PLANNED
    )
    message = models.OneToOneField(
        Message, verbose_name=_("message"), null=True, on_delete=models.SET_NULL, related_name="reminder"
    )

    objects: ClassVar[models.Manager["Reminder"]] = ReminderQuerySet.as_manager()

    if TYPE_CHECKING:
        appointment_id: UUID
        message_id: UUID | None

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        ordering = ["due_at", "id"]
        constraints = [
            models.UniqueConstraint(
                name="reminder_once_for_rule_and_time", fields=["appointment", "hours_before", "visit_at"]
            ),
            models.CheckConstraint(name="reminder_state_known", condition=Q(state__in=ReminderState.values)),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], name="reminder_queue", condition=Q(state="planned")),
        ]

    def __str__(self) -> str:
        return f"{self.hours_before} h"


class FileImport(models.Model):
    """A file on its way in: it waits in the database and is applied only as it was previewed."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting for its turn")
        PREVIEWED = "previewed", _("waiting for your confirmation")
        RUNNING = "running", _("being imported")
        DONE = "done", _("imported")
        FAILED = "failed", _("could not be finished")
        DISCARDED = "discarded", _("not imported")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    filename = models.CharField(_("file"), max_length=200)
    content = models.BinaryField()
    clinic = models.ForeignKey(
        Clinic, verbose_name=_("clinic for rows without one"), null=True, blank=True, on_delete=models.PROTECT
    )
    uploaded_by = models.ForeignKey(User, verbose_name=_("by"), on_delete=models.PROTECT)
    uploaded_at = models.DateTimeField(_("uploaded"))
    # The clinics that the uploader had then: as far as the file reaches, and who may still see it.
    # None, of files from before this was kept: for administrators only.
    clinic_ids = models.JSONField(null=True, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    # What the next run is: only a look at what the file would do, or the import.
    dry_run = models.BooleanField(default=False)
    rows_total = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    # The run in the background: which one it is, and when it was last seen alive.
    run = models.UUIDField(null=True)
    seen_alive_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    # What the preview promised, a digest a chunk; confirming holds the import to it.
    preview_digests = models.JSONField(default=list)
    # What the page shows without reading the file again.
    header = models.JSONField(default=list)
    delimiter = models.CharField(max_length=1, default=",")
    examples = models.JSONField(default=list)
    created = models.PositiveIntegerField(_("created"), default=0)
    updated = models.PositiveIntegerField(_("updated"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    rejected = models.PositiveIntegerField(_("rejected"), default=0)
    ignored_columns = models.JSONField(default=list)
    # Set while it is being imported; a process that died leaves it standing.
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("file import")
        verbose_name_plural = _("file imports")
        ordering = ["-uploaded_at"]

    if TYPE_CHECKING:
        clinic_id: UUID | None

    def __str__(self) -> str:
        return self.filename

    @property
    def rows(self) -> int:
        return self.created + self.updated + self.unchanged + self.rejected


class RejectedRow(models.Model):
    """A row of a file that was not taken, as it came, with the reason."""

    id = models.BigAutoField(primary_key=True)
    file_import = models.ForeignKey(FileImport, on_delete=models.CASCADE, related_name="rejected_rows")
    row = models.PositiveIntegerField(_("row"))
    line = models.PositiveIntegerField(_("line"))
    column = models.CharField(_("column"), max_length=60, blank=True, default="")
    code = models.CharField(_("code"), max_length=40)
    reason = models.CharField(_("reason"), max_length=400)
    cells = models.JSONField()

    class Meta:
        verbose_name = _("rejected row")
        verbose_name_plural = _("rejected rows")
        ordering = ["row"]
        constraints = [models.UniqueConstraint(name="rejectedrow_once", fields=["file_import", "row"])]

    def __str__(self) -> str:
        return f"{self.row}"
