from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey, Clinic, Language, User
from common.ids import new_id


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
    # Of the words in which rejected rows are explained.
    language = models.CharField(
        max_length=2, choices=Language.choices, default=Language.ENGLISH, editable=False
    )
    # A person or another system: one of the two.
    uploaded_by = models.ForeignKey(User, verbose_name=_("by"), null=True, on_delete=models.PROTECT)
    uploaded_by_key = models.ForeignKey(
        ApiKey, verbose_name=_("by the system"), null=True, on_delete=models.PROTECT
    )
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
        constraints = [
            models.CheckConstraint(
                name="fileimport_brought_by_one",
                condition=Q(uploaded_by__isnull=True) ^ Q(uploaded_by_key__isnull=True),
            )
        ]

    if TYPE_CHECKING:
        clinic_id: UUID | None

    def __str__(self) -> str:
        return self.filename

    @property
    def brought_by(self) -> User | ApiKey:
        found = self.uploaded_by or self.uploaded_by_key
        if found is None:
            raise ValueError("a file that nobody brought")
        return found

    def reaches(self, clinic_id: UUID) -> bool:
        """Whether its rows may be about this clinic."""
        return self.clinic_ids is None or str(clinic_id) in self.clinic_ids

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
