from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import may, visible_to
from accounts.scoped_admin import AuditedAdmin, actor_of
from common.admin import Step
from common.errors import ValidationFailed
from common.phones import PhoneError, parse_mobile
from messaging import services
from messaging.models import Message, MessageStatus, OptOut, SendingSwitch


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

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[OptOut], search_term: str
    ) -> tuple[QuerySet[OptOut], bool]:
        """The list of those who are not administrators: phones that their clinics have texts for.

        An opt-out belongs to a phone and to no clinic, and what phones a clinic's patients have is not
        known here; its texts are. Any other phone is found by who types it in full, as its owner stands
        before them, and can be lifted so.
        """
        try:
            return queryset.filter(phone=parse_mobile(search_term)), False
        except PhoneError:
            pass
        if not request.user.is_admin:  # type: ignore[union-attr]
            texts = visible_to(request.user, Message.objects.filter(to=OuterRef("phone")))
            queryset = queryset.filter(Exists(texts))
        return super().get_search_results(request, queryset, search_term)

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

    def has_export_permission(self, request: HttpRequest) -> bool:
        return False

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
