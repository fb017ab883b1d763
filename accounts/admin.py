from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet, TimeField
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import truncatechars
from django.urls import reverse
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.forms import AdminOwnPasswordChangeForm, AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts import services
from accounts.audit import Actor
from accounts.key_admin import ApiKeyAdmin  # noqa: F401  (registers it)
from accounts.list_exports import ExportedList
from accounts.models import AuditEntry, Clinic, User
from accounts.scoped_admin import AuditedAdmin, ClinicScopedAdmin, actor_of, changes_in_words, local
from accounts.validators import validate_opening_hours, validate_reminder_hours
from common.admin import ReadOnlyAdmin, Step

admin.site.unregister(Group)


class HoursField(forms.Field):
    """Whole hours with commas between them: "168, 24"."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[int]:
        words = str(value or "").replace(",", " ").split()
        try:
            return [int(word) for word in words]
        except ValueError:
            raise forms.ValidationError(_("Write whole hours with commas between them: 168, 24.")) from None


class OpeningHoursField(forms.Field):
    """A line a day: "Monday 07:30-16:30", "Sunday closed"."""

    widget = forms.Textarea(attrs={"rows": 7, "cols": 30})

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        days = {WEEKDAYS[day]: value.get(str(day)) for day in range(7)}
        return "\n".join(f"{day} {'-'.join(hours) if hours else _('closed')}" for day, hours in days.items())

    def to_python(self, value: Any) -> dict[str, list[str] | None]:
        lines = [line.split() for line in str(value or "").splitlines() if line.strip()]
        if len(lines) != 7 or any(len(line) < 2 for line in lines):
            raise forms.ValidationError(
                _("Write seven lines, Monday first: Monday 07:30-16:30, or Sunday closed.")
            )
        hours = ["".join(line[1:]).replace("–", "-") for line in lines]
        shut = {"closed", _("closed")}
        return {str(day): None if text in shut else text.split("-") for day, text in enumerate(hours)}


class ClinicForm(forms.ModelForm):
    opening_hours = OpeningHoursField(
        label=gettext_lazy("Opening hours"),
        validators=[validate_opening_hours],
        help_text=gettext_lazy("Used to suggest times, never to refuse one."),
    )
    reminder_hours_before = HoursField(
        label=gettext_lazy("Reminders, hours before the visit"),
        required=False,
        validators=[validate_reminder_hours],
        help_text=gettext_lazy("168, 24 is one week and one day before. Empty: no reminders."),
    )


@admin.register(Clinic)
class ClinicAdmin(ClinicScopedAdmin):
    form = ClinicForm
    formfield_overrides = {
        TimeField: {"widget": forms.TimeInput(attrs={"type": "time"}, format="%H:%M")},
    }
    clinic_path = "pk"
    list_display = ("name", "code", "phone", "default_language", "reminders", "time_zone")
    search_fields = ("name", "code")
    fieldsets = (
        (None, {"fields": ("code", "name", "phone", "default_language", "time_zone")}),
        (
            gettext_lazy("Visits"),
            {"fields": ("slot_minutes", "slot_capacity", "opening_hours")},
        ),
        (
            gettext_lazy("Texts to patients"),
            {
                "fields": (
                    "reminder_hours_before",
                    ("quiet_from", "quiet_to"),
                    "consent_policy",
                    "daily_message_budget",
                    "send_confirmations",
                    "send_cancellations",
                    "send_missed",
                )
            },
        ),
    )

    @admin.display(description=gettext_lazy("reminders, hours before"))
    def reminders(self, clinic: Clinic) -> str:
        return ", ".join(map(str, clinic.reminder_hours_before)) or _("none")

    def save_by_service(self, request: HttpRequest, obj: Any, form: Any) -> Clinic:
        values = {field: form.cleaned_data[field] for field in services.CLINIC_FIELDS}
        actor, now = actor_of(request), timezone.now()
        if obj._state.adding:
            return services.add_clinic(actor=actor, now=now, **values)
        version = self.seen_version(request)
        return services.change_clinic(obj.pk, version=version, actor=actor, now=now, **values)


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """Asks for the old password first."""

    def set_password_and_save(self, user: Any, *args: Any, **kwargs: Any) -> Any:
        password = self.cleaned_data["new_password1"]
        services.set_password(user.pk, password, actor=Actor.of(user), now=timezone.now())
        user.refresh_from_db()
        return user


class RecordedPasswordForm(AdminPasswordChangeForm):
    """`user.changed_by` says who sets the password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Whoever is not to sign in any more is deactivated.
        self.fields.pop("usable_password", None)
        self.fields["password1"].required = self.fields["password2"].required = True

    def set_password_and_save(self, user: Any, *args: Any, **kwargs: Any) -> Any:
        password = self.cleaned_data["password1"]
        services.set_password(user.pk, password, actor=user.changed_by, now=timezone.now())
        user.refresh_from_db()
        return user


@admin.register(User)
class UserAdmin(AuditedAdmin, DjangoUserAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = RecordedPasswordForm
    list_display = ("username", "full_name", "role", "where", "is_active", "last_login")
    list_filter = ("is_waiting", "role", "is_active", "clinics")
    autocomplete_fields = ("clinics", "stock_manager_of")
    filter_horizontal = ()
    add_form_template = "admin/service_change_form.html"
    readonly_fields = ("new_password", "last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "new_password")}),
        (gettext_lazy("What they may do"), {"fields": ("role", "clinics", "is_active", "stock_manager_of")}),
        (gettext_lazy("Person"), {"fields": ("first_name", "last_name", "email", "phone")}),
        (gettext_lazy("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "password1", "password2")}),
        (gettext_lazy("What they may do"), {"fields": ("role", "clinics", "stock_manager_of")}),
        (gettext_lazy("Person"), {"fields": ("first_name", "last_name", "email", "phone")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("clinics")

    def steps(self, request: HttpRequest, obj: User) -> list[Step]:
        if not obj.is_waiting:
            return []
        question = _("Decline this registration? The account stays closed.")
        return [Step("decline", _("Decline"), question, "danger")]

    def take_step(self, request: HttpRequest, obj: User, name: str) -> str:
        services.deactivate_user(obj.pk, actor=actor_of(request), now=timezone.now())
        return _("The registration is declined.")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = context.get("original")
        if obj is not None and obj.is_waiting:
            context["subtitle"] = _("Waits for approval: give a role and clinics, and set active")
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=gettext_lazy("name"))
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    @admin.display(description=gettext_lazy("password"))
    def new_password(self, user: User) -> SafeString:
        address = reverse("admin:auth_user_password_change", args=[user.pk])
        return format_html('<a href="{}">{}</a>', address, _("Set a new password"))

    @admin.display(description=gettext_lazy("clinics"))
    def where(self, user: User) -> str:
        if user.is_admin:
            return _("all")
        return ", ".join(clinic.code for clinic in user.clinics.all()) or "–"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        own = ("role", "clinics", "is_active") if obj is not None and obj.pk == request.user.pk else ()
        return (*super().get_readonly_fields(request, obj), *own)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        user = super().get_object(request, object_id, from_field)
        user.changed_by = actor_of(request)
        return user

    def save_by_service(self, request: HttpRequest, obj: Any, form: Any) -> User:
        given = {
            field: form.cleaned_data[field]
            for field in (*services.USER_FIELDS, "clinics", "stock_manager_of")
            if field in form.cleaned_data
        }
        actor, now = actor_of(request), timezone.now()
        if obj._state.adding:
            password = form.cleaned_data["password1"]
            return services.add_user(password=password, actor=actor, now=now, **given)
        version = self.seen_version(request)
        return services.change_user(obj.pk, version=version, actor=actor, now=now, **given)


class ActionFilter(admin.SimpleListFilter):
    title = gettext_lazy("what")
    parameter_name = "action"
    # Given here, not looked up: the log is long.
    words: tuple[str, ...] = (
        *("added", "changed", "booked", "moved", "cancelled", "confirmed"),
        *("marked attended", "marked missed", "marked booked"),
        *("imported", "changed by import", "file imported"),
        *("opted out", "opt-out lifted", "switched", "pinned", "password set", "revoked"),
        *("registration forgotten", "acknowledged", "closed", "number cleared"),
        *("took over a double", "taken over", "moved to another record", "exported", "erased"),
    )

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, word) for word in self.words]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.parameter_name: self.value()}) if self.value() else queryset


class KindFilter(ActionFilter):
    title = gettext_lazy("kind")
    parameter_name = "object_type"
    words = (
        *(
            "accounts.apikey",
            "accounts.clinic",
            "accounts.user",
            "accounts.preferences",
            "appointments.appointment",
            "appointments.fileimport",
        ),
        *("appointments.patient", "messaging.message", "messaging.messagetemplate", "messaging.optout"),
        *("messaging.sendingswitch", "messaging.providerstate", "messaging.alarm", "messaging.badnumber"),
    )


@admin.register(AuditEntry)
class AuditEntryAdmin(ExportedList, ReadOnlyAdmin):
    list_display = ("when", "actor_name", "action", "object_type", "object_id", "in_short")
    export_columns = ("at", "actor_kind", "actor_name", "action", "object_type", "object_id", "what_changed")
    list_per_page = 50
    list_filter = (ActionFilter, KindFilter, "at")
    search_fields = ("actor_name__istartswith",)
    search_help_text = gettext_lazy("By who did it, or by an object's id.")
    fields = ("when", "actor_name", "actor_kind", "action", "object_type", "object_id", "what_changed")
    ordering = ("-at", "-id")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        try:
            return queryset.filter(object_id=search_term.strip()) if search_term.strip() else queryset, False
        except (ValueError, forms.ValidationError):
            return super().get_search_results(request, queryset, search_term)

    @admin.display(description=gettext_lazy("when"), ordering="at")
    def when(self, entry: AuditEntry) -> str:
        return local(entry.at, timezone.get_current_timezone())

    @admin.display(description=gettext_lazy("changes"))
    def what_changed(self, entry: AuditEntry) -> str:
        return changes_in_words(entry.changes, None, with_phones=True)

    @admin.display(description=gettext_lazy("changes"))
    def in_short(self, entry: AuditEntry) -> str:
        return truncatechars(self.what_changed(entry), 120)
