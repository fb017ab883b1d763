from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Clinic
from common.ids import new_id


class Meaning(models.TextChoices):
    CONFIRM = "confirm", _("confirms")
    RESCHEDULE = "reschedule", _("wants another time")
    STOP = "stop", _("wants no more texts")
    START = "start", _("wants texts again")
    HELP = "help", _("asks for help")
    UNCLEAR = "unclear", _("unclear")


class ReplyState(models.TextChoices):
    NEW = "new", _("not read yet")
    ANSWERED = "answered", _("done by the site")
    WAITING = "waiting", _("waits for a person")
    DONE = "done", _("done by a person")


class Reply(models.Model):
    """A text that came in, kept once however often the provider brings it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    provider = models.CharField(_("provider"), max_length=100)
    provider_message_id = models.CharField(max_length=100)
    phone = models.CharField(_("from"), max_length=20)
    body = models.TextField(_("text"))
    meaning = models.CharField(_("meaning"), max_length=10, choices=Meaning.choices, default=Meaning.UNCLEAR)
    state = models.CharField(_("state"), max_length=8, choices=ReplyState.choices, default=ReplyState.NEW)
    # Whose it is to read; null: nobody there knows this phone, administrators do.
    clinic = models.ForeignKey(
        Clinic, verbose_name=_("clinic"), null=True, on_delete=models.PROTECT, related_name="replies"
    )
    # What it is about, in the words of the app that knows.
    subject_type = models.CharField(max_length=40, blank=True, default="")
    subject_id = models.UUIDField(null=True)
    # What the site made of it, in words for the person who reads the list.
    note = models.CharField(_("note"), max_length=300, blank=True, default="")
    received_at = models.DateTimeField(_("received"))
    done_at = models.DateTimeField(_("done"), null=True)
    done_by = models.CharField(_("done by"), max_length=150, blank=True, default="")

    if TYPE_CHECKING:
        clinic_id: UUID | None

    class Meta:
        verbose_name = _("reply")
        verbose_name_plural = _("replies")
        ordering = ["-received_at", "-id"]
        constraints = [
            models.UniqueConstraint(name="reply_kept_once", fields=["provider", "provider_message_id"]),
            models.CheckConstraint(name="reply_state_known", condition=Q(state__in=ReplyState.values)),
            models.CheckConstraint(name="reply_meaning_known", condition=Q(meaning__in=Meaning.values)),
        ]
        indexes = [
            models.Index(
                fields=["clinic", "received_at"], name="reply_for_people", condition=Q(state="waiting")
            ),
            models.Index(fields=["received_at"], name="reply_unread", condition=Q(state="new")),
            models.Index(fields=["received_at"], name="reply_with_words", condition=~Q(body="")),
            models.Index(fields=["phone", "-received_at"], name="reply_by_phone"),
        ]

    def __str__(self) -> str:
        return self.get_meaning_display()
