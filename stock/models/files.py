"""A file of items or movements on its way in."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from common.ids import new_id


class StockFile(models.Model):
    """It waits in the database until it is confirmed or dropped; then only its counts are kept."""

    class Kind(models.TextChoices):
        ITEMS = "items", _("items")
        MOVEMENTS = "movements", _("entries of the ledger")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting for its turn")
        RUNNING = "running", _("being read")
        PREVIEWED = "previewed", _("waiting for your confirmation")
        DONE = "done", _("imported")
        FAILED = "failed", _("could not be finished")
        DISCARDED = "discarded", _("not imported")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(_("what it holds"), max_length=10, choices=Kind.choices)
    filename = models.CharField(_("file"), max_length=200)
    content = models.BinaryField()
    uploaded_by = models.ForeignKey(
        User, verbose_name=_("by"), on_delete=models.PROTECT, related_name="+", editable=False
    )
    uploaded_at = models.DateTimeField(_("uploaded"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    # What the next run is: only a look at what the file would do, or the import.
    dry_run = models.BooleanField(default=True)
    created = models.PositiveIntegerField(_("created"), default=0)
    updated = models.PositiveIntegerField(_("updated"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    rejected = models.PositiveIntegerField(_("rejected"), default=0)
    # The first ones: row, line, column, code, reason.
    rejected_rows = models.JSONField(default=list)
    ignored_columns = models.JSONField(default=list)
    # Set while it is being read; a process that died leaves it standing.
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("stock file")
        verbose_name_plural = _("stock files")
        ordering = ["-uploaded_at"]
        constraints = [
            models.CheckConstraint(
                name="stockfile_kind_known", condition=models.Q(kind__in=["items", "movements"])
            )
        ]

    def __str__(self) -> str:
        return self.filename

    @property
    def rows(self) -> int:
        return self.created + self.updated + self.unchanged + self.rejected
