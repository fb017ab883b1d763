from datetime import datetime
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from django.db import models
from django.db.models import F, Q
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


class MessageQuerySet(models.QuerySet["Message"]):
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
    """One text on its way to one phone. This table is the queue: a task is only a nudge to look at it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    clinic = models.ForeignKey(
        Clinic, verbose_name=_("clinic"), on_delete=models.PROTECT, related_name="messages"
    )
    channel = models.CharField(max_length=5, choices=Channel.choices, default=Channel.SMS)
    purpose = models.CharField(_("purpose"), max_length=20, help_text=_("The template's key, or manual."))
    to = models.CharField(_("to"), max_length=20)
    body = models.TextField(_("text"))
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
        clinic_id: UUID
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
        ]
        indexes = [
            # Partial: these stay as small as the work that is due, whatever the table's size.
            models.Index(fields=["send_at", "id"], name="message_queue", condition=Q(status="queued")),
            models.Index(
                fields=["urgent", "send_at", "id"], name="message_turn", condition=Q(status="queued")
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
            models.Index(fields=["clinic", "sent_at"], name="message_budget"),
            # Not unique: a provider that gives one number twice must not stop the others' results.
            models.Index(
                fields=["provider", "provider_message_id"],
                name="message_by_provider_id",
                condition=~Q(provider_message_id=""),
            ),
            models.Index(fields=["recipient_id", "sent_at"], name="message_by_recipient"),
            models.Index(fields=["to", "sent_at"], name="message_by_phone"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} ({self.status})"


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


class Receipt(models.Model):
    """What a provider said of a message, kept once however often it says so.

    Without a message it waits: it came before our own note of the provider's number, or is not ours.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    provider = models.CharField(max_length=100)
    provider_message_id = models.CharField(max_length=100)
    status = models.CharField(max_length=11, choices=MessageStatus.choices)
    code = models.CharField(max_length=40, blank=True, default="")
    detail = models.CharField(max_length=300, blank=True, default="")
    permanent = models.BooleanField(default=False)
    # Our own number of the message, where the provider gave it back.
    reference = models.UUIDField(null=True)
    at = models.DateTimeField()
    message = models.ForeignKey(Message, null=True, on_delete=models.CASCADE, related_name="receipts")

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        constraints = [
            models.UniqueConstraint(
                name="receipt_kept_once", fields=["provider", "provider_message_id", "status", "code"]
            ),
        ]
        indexes = [
            models.Index(
                fields=["provider_message_id"], name="receipt_waiting", condition=Q(message__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.status


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
            models.Index(fields=["phone", "-received_at"], name="reply_by_phone"),
        ]

    def __str__(self) -> str:
        return self.get_meaning_display()


class TemplateKey(models.TextChoices):
    REMINDER = "reminder", _("reminder")
    CONFIRMATION = "confirmation", _("visit booked")
    RESCHEDULED = "rescheduled", _("visit moved")
    CANCELLED = "cancelled", _("visit cancelled")
    MISSED = "missed", _("visit missed")
    LOW_STOCK = "low_stock", _("low stock")


class MessageTemplate(models.Model):
    """A text with placeholders: one for all clinics, or a clinic's own in its place."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    key = models.CharField(_("purpose"), max_length=20, choices=TemplateKey.choices)
    language = models.CharField(_("language"), max_length=2, choices=Language.choices)
    clinic = models.ForeignKey(
        Clinic,
        verbose_name=_("clinic"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="message_templates",
        help_text=_("Empty: for all clinics that have none of their own."),
    )
    body = models.TextField(_("text"), max_length=1600)
    keep_diacritics = models.BooleanField(
        _("keep ê, ô and š"),
        default=False,
        help_text=_("They make a text up to three times as dear. Off: they are sent as e, o and s."),
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("message template")
        verbose_name_plural = _("message templates")
        ordering = ["key", "language"]
        constraints = [
            models.UniqueConstraint(
                name="template_once_for_all_clinics",
                fields=["key", "language"],
                condition=Q(clinic__isnull=True),
                violation_error_message=_("There is such a template for all clinics already."),
            ),
            models.UniqueConstraint(
                name="template_once_a_clinic",
                fields=["key", "language", "clinic"],
                condition=Q(clinic__isnull=False),
                violation_error_message=_("This clinic has such a template already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_key_display()} ({self.get_language_display()})"


class OptOut(models.Model):
    """A phone that wants no texts. It holds in the whole system, whoever shares the phone."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    phone = models.CharField(_("phone"), max_length=20)
    source = models.CharField(_("source"), max_length=20, help_text=_("A reply, a nurse, the provider."))
    opted_out_at = models.DateTimeField(_("since"))
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)

    class Meta:
        verbose_name = _("opt-out")
        verbose_name_plural = _("opt-outs")
        ordering = ["-opted_out_at"]
        constraints = [
            models.UniqueConstraint(
                name="optout_one_in_force_a_phone", fields=["phone"], condition=Q(lifted_at__isnull=True)
            ),
            models.CheckConstraint(
                name="optout_lifted_after_start",
                condition=Q(lifted_at__isnull=True) | Q(lifted_at__gte=F("opted_out_at")),
            ),
        ]

    def __str__(self) -> str:
        return str(_("opt-out"))


class SendingSwitch(models.Model):
    """The kill switch: one row, read before every batch."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    sending = models.BooleanField(_("texts are being sent"), default=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("kill switch")
        verbose_name_plural = _("kill switch")
        constraints = [models.CheckConstraint(name="sendingswitch_one_row", condition=Q(id=1))]

    def __str__(self) -> str:
        return str(_("on: texts are sent") if self.sending else _("OFF: no text leaves"))


class Breaker(models.TextChoices):
    CLOSED = "closed", _("in use")
    OPEN = "open", _("left alone for a while")
    HALF_OPEN = "half_open", _("tried with one text")


class Pin(models.TextChoices):
    NONE = "", _("by itself")
    USE = "use", _("always use it")
    LEAVE = "leave", _("never use it")


class ProviderState(models.Model):
    """What all workers know of a provider: whether it is used, and how fast. All times by the real clock."""

    name = models.CharField(_("provider"), max_length=100, primary_key=True)
    breaker = models.CharField(_("state"), max_length=9, choices=Breaker.choices, default=Breaker.CLOSED)
    pin = models.CharField(_("set by hand"), max_length=5, choices=Pin.choices, blank=True, default="")
    # Open: until then it is left alone. Half open: until then its one text has time.
    rest_until = models.DateTimeField(_("left alone until"), null=True, blank=True)
    # How often in a row it was left alone: each time longer.
    trips = models.PositiveSmallIntegerField(default=0)
    opened_at = models.DateTimeField(_("in trouble since"), null=True, blank=True)
    # Answers of late; both are halved from time to time, so that old ones weigh less.
    answers = models.PositiveIntegerField(default=0)
    troubles = models.PositiveIntegerField(default=0)
    halved_at = models.DateTimeField(null=True)
    last_error = models.CharField(_("last error"), max_length=40, blank=True, default="")
    # The first moment that is not promised to a text yet, where the provider has a rate.
    next_slot_at = models.DateTimeField(null=True)
    # Texts a second that it seems to take, since it said that they were too many; null: as many as come.
    pace = models.FloatField(null=True)
    paced_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("provider")
        verbose_name_plural = _("providers")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(name="providerstate_known", condition=Q(breaker__in=Breaker.values)),
            models.CheckConstraint(name="providerstate_pin_known", condition=Q(pin__in=Pin.values)),
            models.CheckConstraint(
                name="providerstate_rest_has_an_end",
                condition=Q(breaker="closed") | Q(rest_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name
