from datetime import datetime
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Clinic, Language
from common.ids import new_id


class MessageStatus(models.TextChoices):
    QUEUED = "queued", _("waiting to be sent")
    SENDING = "sending", _("being sent")
    SENT = "sent", _("sent")
    DELIVERED = "delivered", _("delivered")
    UNDELIVERED = "undelivered", _("not delivered")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")
    EXPIRED = "expired", _("too late to be of use")
    SUPPRESSED = "suppressed", _("not allowed: opted out or no consent")
    UNKNOWN = "unknown", _("unknown: the provider may or may not have it")


# A final state never goes back. `unknown` is left by what the provider says later.
TRANSITIONS: dict[str, frozenset[str]] = {
    MessageStatus.QUEUED: frozenset({"sending", "cancelled", "expired", "suppressed", "queued"}),
    MessageStatus.SENDING: frozenset(
        {"sent", "delivered", "undelivered", "failed", "expired", "suppressed", "queued", "unknown"}
    ),
    MessageStatus.UNKNOWN: frozenset({"sent", "delivered", "undelivered", "failed", "expired", "queued"}),
    MessageStatus.SENT: frozenset({"delivered", "undelivered", "failed"}),
    MessageStatus.DELIVERED: frozenset(),
    MessageStatus.UNDELIVERED: frozenset(),
    MessageStatus.FAILED: frozenset(),
    MessageStatus.CANCELLED: frozenset(),
    MessageStatus.EXPIRED: frozenset(),
    MessageStatus.SUPPRESSED: frozenset(),
}
FINAL = frozenset(status for status, after in TRANSITIONS.items() if not after)


class Encoding(models.TextChoices):
    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


class Channel(models.TextChoices):
    SMS = "sms", _("text message")
    EMAIL = "email", _("mail")


class MessageQuerySet(models.QuerySet["Message"]):
    def texts(self) -> "MessageQuerySet":
        return self.filter(channel=Channel.SMS)

    def due(self, now: datetime) -> "MessageQuerySet":
        return self.filter(status=MessageStatus.QUEUED, send_at__lte=now).order_by("send_at", "pk")

    def overdue(self, now: datetime) -> "MessageQuerySet":
        return self.filter(status=MessageStatus.QUEUED, expires_at__lte=now)

    def with_expired_lease(self, now: datetime) -> "MessageQuerySet":
        return self.filter(status=MessageStatus.SENDING, lease_expires_at__lte=now)

    def to_look_up(self, real_now: datetime) -> "MessageQuerySet":
        return self.filter(status=MessageStatus.UNKNOWN, look_up_at__lte=real_now).order_by("look_up_at")

    def without_receipt(self, real_now: datetime) -> "MessageQuerySet":
        return self.filter(status=MessageStatus.SENT, look_up_at__lte=real_now).order_by("look_up_at")


class Message(models.Model):
    """One text on its way to one phone, or one mail to one address.

    This table is the queue: a task is only a nudge to look at it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # What a member of staff is told may be of several clinics, and is then of none.
    clinic = models.ForeignKey(
        Clinic, verbose_name=_("clinic"), null=True, on_delete=models.PROTECT, related_name="messages"
    )
    channel = models.CharField(max_length=5, choices=Channel.choices, default=Channel.SMS)
    # To a member of staff: no patient's consent, limits or budget are asked for.
    for_staff = models.BooleanField(default=False, editable=False)
    purpose = models.CharField(_("purpose"), max_length=20, help_text=_("The template's key, or manual."))
    to = models.CharField(_("to"), max_length=254, help_text=_("A phone, or a mail's address."))
    subject = models.CharField(_("subject"), max_length=200, blank=True, default="")
    body = models.TextField(_("text"))
    # The same for programs that show mails as pages.
    html = models.TextField(blank=True, default="", editable=False)
    language = models.CharField(_("language"), max_length=2, choices=Language.choices)
    segments = models.PositiveSmallIntegerField(_("parts"))
    encoding = models.CharField(_("encoding"), max_length=5, choices=Encoding.choices)

    # What the text is about, in the words of the app that asked for it, and whose text it is.
    subject_type = models.CharField(max_length=40, blank=True, default="")
    subject_id = models.UUIDField(null=True)
    # The time of the visit that the text speaks of: when that has changed, the text is wrong.
    subject_at = models.DateTimeField(null=True)
    recipient_id = models.UUIDField(null=True)
    # Two requests with one key are one message, whoever repeats them.
    dedupe_key = models.CharField(max_length=100, null=True, unique=True)
    # The text that no phone got, which this one tries again; one follows one.
    follows = models.OneToOneField(
        "self", null=True, editable=False, on_delete=models.SET_NULL, related_name="followed_by"
    )
    # How many tries came before this text, each of which no phone got.
    follow_up = models.PositiveSmallIntegerField(default=0, editable=False)
    # Someone waits for it: it goes before the reminders.
    urgent = models.BooleanField(default=False, editable=False)
    # The text that came in, which this one answers: a reply gets one answer.
    answers = models.OneToOneField(
        "Reply", null=True, editable=False, on_delete=models.SET_NULL, related_name="answer"
    )

    status = models.CharField(
        _("status"), max_length=11, choices=MessageStatus.choices, default=MessageStatus.QUEUED
    )
    send_at = models.DateTimeField(_("send at"), help_text=_("Not before."))
    expires_at = models.DateTimeField(_("useless after"))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    provider = models.CharField(_("provider"), max_length=100, blank=True, default="")
    # Whose turn it is after a failover; empty: the first configured.
    next_provider = models.CharField(max_length=100, blank=True, default="")
    provider_message_id = models.CharField(_("provider's number"), max_length=100, blank=True, default="")
    error_code = models.CharField(_("error code"), max_length=40, blank=True, default="")
    error_message = models.CharField(_("error"), max_length=300, blank=True, default="")
    error_permanent = models.BooleanField(default=False)

    # The claim: who sends it, since when by the real clock, until when nobody else may touch it.
    claim = models.UUIDField(null=True)
    claimed_at = models.DateTimeField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    # Tries after which the provider was silent and then did not have it: a brake on sending once more.
    silent_tries = models.PositiveSmallIntegerField(default=0)
    # When the provider is asked (again) what became of a message, by the real clock: of one that is unknown,
    # or sent without a receipt.
    look_up_at = models.DateTimeField(null=True)
    look_ups = models.PositiveSmallIntegerField(default=0)

    created_at = models.DateTimeField(_("created"))
    sent_at = models.DateTimeField(_("sent"), null=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[models.Manager["Message"]] = MessageQuerySet.as_manager()

    if TYPE_CHECKING:
        clinic_id: UUID | None
        answers_id: UUID | None

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(name="message_status_known", condition=Q(status__in=MessageStatus.values)),
            # A message being sent is always someone's, for a limited time; nothing else is.
            models.CheckConstraint(
                name="message_sending_has_a_lease",
                condition=Q(
                    status="sending",
                    claim__isnull=False,
                    claimed_at__isnull=False,
                    lease_expires_at__isnull=False,
                )
                | ~Q(status="sending"),
            ),
            models.CheckConstraint(name="message_has_parts", condition=Q(segments__gte=1)),
            models.CheckConstraint(name="message_channel_known", condition=Q(channel__in=Channel.values)),
            models.CheckConstraint(
                name="message_of_a_clinic_or_for_staff", condition=Q(clinic__isnull=False) | Q(for_staff=True)
            ),
        ]
        indexes = [
            # Partial: these stay as small as the work that is due, whatever the table's size.
            models.Index(fields=["send_at", "id"], name="message_queue", condition=Q(status="queued")),
            models.Index(
                fields=["urgent", "send_at", "id"], name="message_turn", condition=Q(status="queued")
            ),
            models.Index(
                fields=["urgent", "send_at", "id"],
                name="message_mail_turn",
                condition=Q(status="queued", channel="email"),
            ),
            models.Index(fields=["expires_at"], name="message_overdue", condition=Q(status="queued")),
            models.Index(fields=["lease_expires_at"], name="message_leases", condition=Q(status="sending")),
            models.Index(fields=["look_up_at"], name="message_unknown", condition=Q(status="unknown")),
            models.Index(
                fields=["look_up_at"],
                name="message_no_receipt",
                condition=Q(status="sent", look_up_at__isnull=False),
            ),
            models.Index(
                fields=["subject_id"], name="message_subject", condition=Q(subject_id__isnull=False)
            ),
            models.Index(fields=["clinic", "-created_at", "-id"], name="message_by_clinic"),
            models.Index(fields=["-created_at", "-id"], name="message_newest"),
            models.Index(fields=["created_at"], name="message_with_words", condition=~Q(body="")),
            models.Index(fields=["clinic", "sent_at"], name="message_budget"),
            # Not unique: a provider that gives one number twice must not stop the others' results.
            models.Index(
                fields=["provider", "provider_message_id"],
                name="message_by_provider_id",
                condition=~Q(provider_message_id=""),
            ),
            models.Index(
                fields=["updated_at"],
                name="message_in_vain",
                condition=Q(status__in=["undelivered", "failed"]),
            ),
            models.Index(fields=["recipient_id", "sent_at"], name="message_by_recipient"),
            models.Index(fields=["to", "sent_at"], name="message_by_phone"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} ({self.status})"

    @property
    def zone(self) -> ZoneInfo:
        """The clinic's clock, or the site's where it is of none."""
        return self.clinic.zone if self.clinic else ZoneInfo(settings.TIME_ZONE)


class MessageEvent(models.Model):
    """One thing that happened to a message, kept once however often it is told."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="events")
    status = models.CharField(_("status"), max_length=11, choices=MessageStatus.choices)
    at = models.DateTimeField(_("when"))
    provider = models.CharField(_("provider"), max_length=100, blank=True, default="")
    code = models.CharField(_("code"), max_length=40, blank=True, default="")
    detail = models.CharField(_("detail"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return self.status
