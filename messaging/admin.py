from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import clinics_visible_to, may
from accounts.models import User
from accounts.scoped_admin import AuditedAdmin, ClinicFilter, ClinicScopedAdmin, DayFilter, actor_of, local
from common.admin import Step, Table
from common.errors import DomainError, ValidationFailed
from common.phones import PhoneError, mask, parse_mobile
from messaging import services
from messaging.models import Message, MessageStatus, MessageTemplate, OptOut, SendingSwitch, TemplateKey
from messaging.rendering import check_body
from messaging.template_saving import add_template, drop_template, preview, save_template


class SendDayFilter(DayFilter):
    field = "send_at"


class PurposeFilter(admin.SimpleListFilter):
    title = gettext_lazy("purpose")
    parameter_name = "purpose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*TemplateKey.choices, ("manual", _("written by hand"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(purpose=self.value()) if self.value() else queryset


@admin.register(Message)
class MessageAdmin(ClinicScopedAdmin):
    list_display = ("when_to_send", "to", "state", "kind", "clinic_name", "when_sent")
    list_filter = (SendDayFilter, ClinicFilter, "status", PurposeFilter)
    list_select_related = ("clinic",)
    search_fields = ("to",)
    search_help_text = gettext_lazy("By phone, for example +26771234567.")
    masked = {"to": "masked_to"}
    ordering = ("-created_at", "-id")
    actions = None
    fieldsets = (
        (None, {"fields": ("state", "problem", "to", "body", "kind", "about", "clinic_name")}),
        (gettext_lazy("When"), {"fields": ("when_to_send", "when_useless", "when_sent", "when_delivered")}),
        (
            gettext_lazy("How"),
            {
                "fields": ("language", "segments", "encoding", "attempts", "provider", "provider_message_id"),
                "classes": ("collapse",),
            },
        ),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("to"))
    def masked_to(self, message: Message) -> str:
        return mask(message.to)

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def state(self, message: Message) -> str:
        return capfirst(message.get_status_display())  # type: ignore[return-value]

    @admin.display(description=gettext_lazy("purpose"))
    def kind(self, message: Message) -> str:
        return capfirst(dict(TemplateKey.choices).get(message.purpose, _("written by hand")))  # type: ignore

    @admin.display(description=gettext_lazy("clinic"))
    def clinic_name(self, message: Message) -> str:
        return message.clinic.name

    @admin.display(description=gettext_lazy("send at"), ordering="send_at")
    def when_to_send(self, message: Message) -> str:
        return local(message.send_at, message.clinic.zone)

    @admin.display(description=gettext_lazy("sent"), ordering="sent_at", empty_value="–")
    def when_sent(self, message: Message) -> str | None:
        return local(message.sent_at, message.clinic.zone) or None

    @admin.display(description=gettext_lazy("useless after"))
    def when_useless(self, message: Message) -> str:
        return local(message.expires_at, message.clinic.zone)

    @admin.display(description=gettext_lazy("delivered"), empty_value="–")
    def when_delivered(self, message: Message) -> str | None:
        return local(message.delivered_at, message.clinic.zone) or None

    @admin.display(description=gettext_lazy("problem"), empty_value="–")
    def problem(self, message: Message) -> str | None:
        if not message.error_code:
            return None
        lasting = _("Trying again won't help.") if message.error_permanent else ""
        return f"{message.error_message} [{message.error_code}] {lasting}".strip()

    @admin.display(description=gettext_lazy("about"), empty_value="–")
    def about(self, message: Message) -> SafeString | None:
        page = message.subject_type.replace(".", "_")
        try:
            address = reverse(f"admin:{page}_change", args=[message.subject_id])
        except NoReverseMatch:
            return None
        return format_html('<a href="{}">{}</a>', address, _("Open the appointment"))

    def tables(self, request: HttpRequest, obj: Any) -> list[Table]:
        rows = [
            (
                local(event.at, obj.clinic.zone),
                capfirst(event.get_status_display()),
                event.provider,
                " ".join(part for part in (event.detail, event.code and f"[{event.code}]") if part),
            )
            for event in obj.events.all()
        ]
        headings = [_("When"), _("What happened"), _("Provider"), _("Detail")]
        return [Table(_("What happened to it"), headings, rows, _("Nothing yet."))]

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        if obj.status != MessageStatus.QUEUED or not may(request.user, "change", "appointments.appointment"):
            return []
        question = _("The patient will not get this text. It can't be taken back.")
        return [Step("cancel", _("Cancel this text"), question, "danger")]

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        services.cancel(obj.pk, actor=actor_of(request), now=timezone.now())
        return _("The text is cancelled.")


class PreviewOnly(DomainError):
    """Nothing is saved: the form comes back with its preview."""


class TemplateForm(forms.ModelForm):
    def clean_body(self) -> str:
        body = self.cleaned_data["body"].replace("\r\n", "\n")
        try:
            check_body(body)
        except ValidationFailed as refusal:
            raise forms.ValidationError(refusal.details["body"]) from refusal
        return body


@admin.register(MessageTemplate)
class MessageTemplateAdmin(ClinicScopedAdmin):
    form = TemplateForm
    change_form_template = "admin/messaging/template_form.html"
    list_display = ("__str__", "whose", "body")
    list_filter = ("key", "language")
    list_select_related = ("clinic",)
    ordering = ("key", "language", "clinic__name")
    actions = None
    fields = ("key", "language", "clinic", "body", "keep_diacritics")

    def get_queryset(self, request: HttpRequest) -> QuerySet[MessageTemplate]:
        # What is for all clinics is everybody's to read.
        templates = AuditedAdmin.get_queryset(self, request)
        return templates.filter(Q(clinic__isnull=True) | Q(clinic__in=clinics_visible_to(request.user)))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        shared = obj is not None and obj.clinic_id is None
        return allowed and (not shared or (isinstance(request.user, User) and request.user.is_admin))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("key", "language", "clinic")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        # The texts for all clinics are there from the start; what is added is a clinic's own.
        field.required = True
        field.help_text = _("Whose own text this is.")
        return field

    @admin.display(description=gettext_lazy("clinic"), ordering="clinic__name")
    def whose(self, template: MessageTemplate) -> str:
        return template.clinic.name if template.clinic else _("all clinics")

    def save_by_service(self, request: HttpRequest, obj: Any, form: Any) -> MessageTemplate:
        if "_preview" in request.POST:
            raise PreviewOnly("")
        actor, now = actor_of(request), timezone.now()
        if obj._state.adding:
            return add_template(**form.cleaned_data, actor=actor, now=now)
        return save_template(
            obj.pk, **form.cleaned_data, version=self.seen_version(request), actor=actor, now=now
        )

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        if obj.clinic_id is None or not self.has_change_permission(request, obj):
            return []
        question = _("Patients of this clinic will get the text for all clinics again.")
        return [Step("drop", _("Remove this clinic's own text"), question, "danger")]

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        drop_template(obj.pk, actor=actor_of(request), now=timezone.now())
        return _("Removed. The text for all clinics is used again.")

    def after_step(self, request: HttpRequest, obj: Any) -> str:
        if MessageTemplate.objects.filter(pk=obj.pk).exists():
            return super().after_step(request, obj)
        return reverse("admin:messaging_messagetemplate_changelist")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        form = context["adminform"].form
        obj = context.get("original")
        if isinstance(getattr(request, "refusal", None), PreviewOnly):
            context["errors"] = None
        body = (form["body"].value() if "body" in form.fields else obj and obj.body) or ""
        keeps = form["keep_diacritics"].value() if "keep_diacritics" in form.fields else obj.keep_diacritics
        try:
            context["preview"] = preview(
                body,
                language=obj.language if obj else request.POST.get("language") or "en",
                clinic=obj.clinic if obj else None,
                keep_diacritics=bool(keeps),
                now=timezone.now(),
            )
        except (DomainError, KeyError):
            context["preview"] = None
        return super().render_change_form(request, context, *args, **kwargs)


class OptOutForm(forms.ModelForm):
    phone = forms.CharField(label=gettext_lazy("Phone"), max_length=30)


@admin.register(OptOut)
class OptOutAdmin(AuditedAdmin):
    form = OptOutForm
    list_display = ("phone", "source", "opted_out_at", "lifted_at")
    list_filter = (("lifted_at", admin.EmptyFieldListFilter),)
    search_fields = ("phone",)
    actions = None
    fields = ("phone", "source", "opted_out_at", "lifted_at")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("phone",) if obj is None else self.fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_by_service(self, request: HttpRequest, obj: Any, form: Any) -> OptOut:
        try:
            phone = parse_mobile(form.cleaned_data["phone"])
        except PhoneError as error:
            raise ValidationFailed.on("phone", str(error)) from error
        services.opt_out(phone, source="nurse", actor=actor_of(request), now=timezone.now())
        return OptOut.objects.get(phone=phone, lifted_at__isnull=True)

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        if obj.lifted_at is not None or not may(request.user, "change", "messaging.optout"):
            return []
        question = _("Lift it only if the person asked to get texts again.")
        return [Step("lift", _("Lift this opt-out"), question)]

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        services.lift_opt_out(obj.phone, actor=actor_of(request), now=timezone.now())
        return _("Lifted. This phone may get texts again.")


@admin.register(SendingSwitch)
class SendingSwitchAdmin(AuditedAdmin):
    """One page with one button."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method == "POST" and request.POST.get("sending") in ("on", "off"):
            on = request.POST["sending"] == "on"
            services.set_sending(on, actor=actor_of(request), now=timezone.now())
            said = _("Texts are being sent.") if on else _("Stopped. No text leaves.")
            messages.success(request, said)
            return HttpResponseRedirect(request.path)
        switch = SendingSwitch.objects.filter(pk=1).first()
        context = {
            **self.admin_site.each_context(request),
            "title": _("Kill switch"),
            "opts": self.opts,
            "sending": switch is None or switch.sending,
            "allowed": settings.SMS_SENDING_ENABLED,
            "waiting": Message.objects.filter(status=MessageStatus.QUEUED).count(),
        }
        return TemplateResponse(request, "admin/messaging/kill_switch.html", context)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:messaging_sendingswitch_changelist"))
