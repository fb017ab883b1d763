from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Clinic
from common.ids import new_id


class ConsentSource(models.TextChoices):
    FILE = "file", _("imported file")
    NURSE = "nurse", _("told a nurse")
    API = "api", _("another system")
    ON_FILE = "on_file", _("held by the clinic")


class PatientQuerySet(models.QuerySet["Patient"]):
    def known(self) -> "PatientQuerySet":
        """Without those whose data was erased."""
        return self.filter(erased_at__isnull=True)


# By what files and calls mean somebody.
IDENTITY = ("patient_number", "name", "name_key", "phone")


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
    # Since then nothing here says who it was; the visits still count.
    erased_at = models.DateTimeField(_("erased"), null=True, editable=False)

    objects: ClassVar[models.Manager["Patient"]] = PatientQuerySet.as_manager()

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
            models.CheckConstraint(
                name="patient_erased_is_nobody",
                condition=Q(erased_at__isnull=True) | Q(name="", phone="", patient_number=""),
            ),
        ]
        indexes = [
            models.Index(fields=["clinic", "phone", "name_key"], name="patient_identity"),
            models.Index(fields=["phone"], name="patient_phone"),
            models.Index(fields=["clinic", "name_key"], name="patient_name"),
            models.Index(fields=["clinic"], name="patient_erased", condition=Q(erased_at__isnull=False)),
        ]

    def __str__(self) -> str:
        if self.erased_at is not None:
            return str(_("(erased)"))
        return self.name or str(_("(no name)"))

    @property
    def identity(self) -> dict[str, str]:
        """What the patient is called by now."""
        return {field: getattr(self, field) for field in IDENTITY}


class FormerIdentity(models.Model):
    """What a patient was called by: of a record that was merged into this one, or with an earlier phone.

    Files go on with such words, and mean this patient.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="former_identities")
    # The patient's own, so that one index finds the words.
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient_number = models.CharField(max_length=40, blank=True, default="")
    name = models.CharField(max_length=120, blank=True, default="")
    name_key = models.CharField(max_length=120, blank=True, default="", editable=False)
    phone = models.CharField(max_length=20)
    # Of this very record: only its phone has been corrected since.
    corrected = models.BooleanField(default=False)
    since = models.DateTimeField()

    if TYPE_CHECKING:
        clinic_id: UUID
        patient_id: UUID

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="formeridentity_once_a_patient",
                fields=["patient", "phone", "name_key", "patient_number"],
            )
        ]
        indexes = [
            models.Index(fields=["clinic", "phone", "name_key"], name="formeridentity_words"),
            models.Index(
                fields=["clinic", "patient_number"],
                name="formeridentity_number",
                condition=~Q(patient_number=""),
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(_("(no name)"))
