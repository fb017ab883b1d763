from datetime import time
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.validators import (
    validate_alert_by,
    validate_opening_hours,
    validate_phone,
    validate_reminder_hours,
    validate_time_zone,
)
from common.ids import new_id


class Language(models.TextChoices):
    ENGLISH = "en", _("English")
    SETSWANA = "tn", _("Setswana")


class ConsentPolicy(models.TextChoices):
    ON_FILE = "on_file", _("On file: the clinic holds its patients' consent")
    EXPLICIT = "explicit", _("Explicit: only patients with a recorded consent are texted")


def default_reminder_hours() -> list[int]:
    return [168, 24]


def default_opening_hours() -> dict[str, list[str] | None]:
    """Monday is "0"; a closed day has no hours."""
    return {str(day): ["07:30", "16:30"] if day < 5 else None for day in range(7)}


class Clinic(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.CharField(
        _("code"),
        max_length=20,
        unique=True,
        validators=[
            RegexValidator(r"^[A-Z0-9][A-Z0-9_-]*$", _("Use capital letters, digits, - and _ only."))
        ],
        help_text=_("The short name that files use, for example GAB01."),
    )
    name = models.CharField(
        _("name"), max_length=80, help_text=_("As patients read it. Name no disease or programme in it.")
    )
    phone = models.CharField(
        _("phone"),
        max_length=20,
        validators=[validate_phone],
        help_text=_("Patients call this number to change a visit."),
    )
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="Africa/Gaborone", validators=[validate_time_zone]
    )
    default_language = models.CharField(
        _("default language"), max_length=2, choices=Language.choices, default=Language.ENGLISH
    )
    slot_minutes = models.PositiveSmallIntegerField(
        _("slot length (minutes)"), default=30, validators=[MinValueValidator(5), MaxValueValidator(480)]
    )
    slot_capacity = models.PositiveSmallIntegerField(
        _("patients at the same time"), null=True, blank=True, help_text=_("Empty: no limit.")
    )
    quiet_from = models.TimeField(
        _("quiet from"),
        null=True,
        blank=True,
        default=time(20),
        help_text=_("No texts leave from this time …"),
    )
    quiet_to = models.TimeField(
        _("quiet until"),
        null=True,
        blank=True,
        default=time(7),
        help_text=_("… until this time. Both empty: never quiet."),
    )
    opening_hours = models.JSONField(
        _("opening hours"), default=default_opening_hours, validators=[validate_opening_hours]
    )
    reminder_hours_before = models.JSONField(
        _("reminders, hours before the visit"),
        default=default_reminder_hours,
        blank=True,
        validators=[validate_reminder_hours],
        help_text=_("For example [168, 24]: one week and one day before."),
    )
    consent_policy = models.CharField(
        _("consent policy"), max_length=10, choices=ConsentPolicy.choices, default=ConsentPolicy.ON_FILE
    )
    daily_message_budget = models.PositiveIntegerField(
        _("texts a day at most"), null=True, blank=True, help_text=_("Empty: no limit.")
    )
    send_confirmations = models.BooleanField(_("text when a visit is booked"), default=False)
    send_cancellations = models.BooleanField(_("text when a visit is cancelled"), default=False)
    send_missed = models.BooleanField(_("text when a visit was missed"), default=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("clinic")
        verbose_name_plural = _("clinics")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="clinic_quiet_hours_both_or_none",
                condition=Q(quiet_from__isnull=True, quiet_to__isnull=True)
                | Q(quiet_from__isnull=False, quiet_to__isnull=False),
                violation_error_message=_("Give both times of the quiet hours, or neither."),
            ),
            models.CheckConstraint(
                name="clinic_quiet_hours_differ",
                condition=Q(quiet_from__isnull=True) | ~Q(quiet_from=F("quiet_to")),
                violation_error_message=_("The quiet hours can't start and end at the same time."),
            ),
            models.CheckConstraint(
                name="clinic_slot_capacity_positive",
                condition=Q(slot_capacity__isnull=True) | Q(slot_capacity__gt=0),
                violation_error_message=_("Patients at the same time: at least one, or empty for no limit."),
            ),
            models.CheckConstraint(
                name="clinic_default_language_known", condition=Q(default_language__in=Language.values)
            ),
            models.CheckConstraint(
                name="clinic_consent_policy_known", condition=Q(consent_policy__in=ConsentPolicy.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"

    def clean(self) -> None:
        if (self.quiet_from is None) != (self.quiet_to is None):
            raise ValidationError({"quiet_to": _("Give both times of the quiet hours, or neither.")})
        if self.quiet_from is not None and self.quiet_from == self.quiet_to:
            raise ValidationError(
                {
                    "quiet_to": _(
                        "The quiet hours can't start and end at the same time. Leave both empty for none."
                    )
                }
            )

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Role(models.TextChoices):
    ADMIN = "admin", _("Administrator: everything, everywhere")
    STAFF = "staff", _("Staff: works in their clinics")
    VIEWER = "viewer", _("Viewer: reads in their clinics")


class UserManager(DjangoUserManager["User"]):
    def active_admins(self) -> "models.QuerySet[User]":
        return self.filter(Q(is_superuser=True) | Q(role=Role.ADMIN), is_active=True)

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **fields: Any
    ) -> "User":
        return self._create_user(  # type: ignore[attr-defined]
            username, email, password, **{**fields, "is_superuser": True, "role": Role.ADMIN}
        )

    def create_user(
        self, username: str, email: str | None = None, password: str | None = None, **fields: Any
    ) -> "User":
        return self._create_user(username, email, password, **fields)  # type: ignore[attr-defined]


class User(AbstractUser):
    """A person who signs in. The role says what they may do, the clinics say where."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    role = models.CharField(
        _("role"),
        max_length=10,
        choices=Role.choices,
        blank=True,
        default="",
        help_text=_("Empty: this person can't sign in yet."),
    )
    clinics = models.ManyToManyField(Clinic, verbose_name=_("clinics"), related_name="users", blank=True)
    stock_manager_of = models.ManyToManyField(
        Clinic,
        verbose_name=_("stock alerts of"),
        related_name="stock_managers",
        blank=True,
        help_text=_("The clinics whose low stock this person is told of."),
    )
    phone = models.CharField(
        _("phone"), max_length=20, blank=True, help_text=_("A mobile number, for stock alerts by text.")
    )
    # Registered, and no administrator has decided yet.
    is_waiting = models.BooleanField(_("waits for approval"), default=False, editable=False)
    reset_mailed_at = models.DateTimeField(null=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    # Who may enter the admin follows from the role: no second switch that could disagree.
    is_staff = property(lambda self: self.is_active and bool(self.is_superuser or self.role))

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ["username"]
        constraints = [
            models.CheckConstraint(name="user_role_known", condition=Q(role__in=["", *Role.values])),
            models.CheckConstraint(
                name="user_waiting_is_not_active", condition=Q(is_waiting=False) | Q(is_active=False)
            ),
        ]

    @property
    def is_admin(self) -> bool:
        return self.is_superuser or self.role == Role.ADMIN

    @property
    def role_in_effect(self) -> str:
        return Role.ADMIN.value if self.is_admin else self.role


class AlertBy(models.TextChoices):
    SMS = "sms", _("Text")
    EMAIL = "email", _("Mail")


def default_alert_by() -> list[str]:
    return [AlertBy.SMS.value, AlertBy.EMAIL.value]


def site_time_zone() -> str:
    return settings.TIME_ZONE


class Preferences(models.Model):
    """How a person likes to be told. Without a row the defaults hold."""

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="stored_preferences"
    )
    language = models.CharField(
        _("language"), max_length=2, choices=Language.choices, default=Language.ENGLISH
    )
    time_zone = models.CharField(
        _("time zone"), max_length=64, default=site_time_zone, validators=[validate_time_zone]
    )
    alert_by = models.JSONField(
        _("alerts by"), default=default_alert_by, blank=True, validators=[validate_alert_by]
    )
    digest_time = models.TimeField(_("daily summary at"), default=time(7, 30))
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("preferences")
        verbose_name_plural = _("preferences")
        constraints = [
            models.CheckConstraint(
                name="preferences_language_known", condition=Q(language__in=Language.values)
            ),
        ]

    def __str__(self) -> str:
        return str(_("preferences"))

    @classmethod
    def of(cls, user: User) -> "Preferences":
        """What is stored, or the defaults, not stored."""
        return cls.objects.filter(user=user).first() or cls(user=user)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class AuditEntry(models.Model):
    """Who changed what, and when. Written by the services, never changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    at = models.DateTimeField(_("when"))
    actor_kind = models.CharField(max_length=10)
    actor_id = models.UUIDField(null=True)
    actor_name = models.CharField(_("who"), max_length=150)
    action = models.CharField(_("what"), max_length=30)
    object_type = models.CharField(_("kind"), max_length=40)
    object_id = models.UUIDField()
    # Not a foreign key: the entry outlives what it tells of.
    clinic_id = models.UUIDField(null=True)
    changes = models.JSONField(_("changes"), default=dict, help_text=_("Field: [before, after]."))

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["object_id", "at"], name="audit_by_object"),
            models.Index(fields=["actor_id", "at"], name="audit_by_actor"),
            models.Index(fields=["clinic_id", "at"], name="audit_by_clinic"),
            models.Index(fields=["object_type", "at"], name="audit_by_kind"),
            models.Index(fields=["-at", "-id"], name="audit_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type}"


class SignIn(models.Model):
    """One sign-in to the API with all tokens that come of it. They are good while it has not ended."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_ins")
    # The one refresh token that is still good; those before it were exchanged.
    refresh_id = models.UUIDField()
    # Of the password at sign-in: a new one ends it.
    password_stamp = models.CharField(max_length=128)
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")
        indexes = [models.Index(fields=["expires_at"], name="signin_expiry")]

    def __str__(self) -> str:
        return str(_("sign-in"))


class ApiKey(models.Model):
    """Another system that calls the API. Asked for its role and clinics, it answers as a person does."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=80, help_text=_("Which system uses it."))
    # How it begins, to tell keys apart; the key itself is kept nowhere.
    prefix = models.CharField(_("begins with"), max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    role = models.CharField(_("role"), max_length=10, choices=Role.choices)
    clinics = models.ManyToManyField(Clinic, verbose_name=_("clinics"), related_name="api_keys", blank=True)
    expires_at = models.DateTimeField(_("good until"))
    created_by = models.ForeignKey(
        User,
        verbose_name=_("made by"),
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(_("made"), editable=False)
    last_used_at = models.DateTimeField(
        _("last used"), null=True, editable=False, help_text=_("To within five minutes.")
    )
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)

    # What a request's user is asked.
    caller_kind = "key"
    is_authenticated = True
    is_anonymous = False
    is_active = property(lambda self: self.revoked_at is None)
    is_admin = property(lambda self: self.role == Role.ADMIN)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(name="api_key_role_known", condition=Q(role__in=Role.values)),
        ]

    def __str__(self) -> str:
        return self.name

    def get_username(self) -> str:
        return self.name
