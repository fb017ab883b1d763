from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import may
from accounts.scoped_admin import ClinicFilter, ClinicScopedAdmin, DayFilter, actor_of, local
from common.admin import Step, Table
from common.language import reread
from common.phones import mask
from messaging import services
from messaging.admin import delivery_page
from messaging.admin.text_filters import AskedDayFilter, OutcomeFilter, ProviderFilter, ReasonFilter
from messaging.answers import Answer
from messaging.models import Channel, Message, MessageStatus, TemplateKey


def kind_in_words(message: Message) -> str:
    kinds: dict[str, Any] = dict([*TemplateKey.choices, *Answer.choices])
    return capfirst(kinds.get(message.purpose, _("written by hand")))


class SendDayFilter(DayFilter):
    field = "send_at"


class PurposeFilter(admin.SimpleListFilter):
    title = gettext_lazy("purpose")
    parameter_name = "purpose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*TemplateKey.choices, ("answer", _("answer to a reply")), ("manual", _("written by hand"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "answer":
            return queryset.filter(purpose__in=Answer.values)
        return queryset.filter(purpose=self.value()) if self.value() else queryset


@admin.register(Message)
class MessageAdmin(ClinicScopedAdmin):
    list_display = ("when_to_send", "to", "state", "kind", "clinic_name", "when_sent")
    list_filter = (
        *(SendDayFilter, ClinicFilter, "status", "channel", PurposeFilter),
        *(OutcomeFilter, AskedDayFilter, ProviderFilter, ReasonFilter),
    )
    list_select_related = ("clinic",)
    search_fields = ("to",)
    search_help_text = gettext_lazy("By phone, for example +26771234567.")
    masked = {"to": "masked_to"}
    export_columns = (
        *("clinic__code", "created_at", "send_at", "sent_at", "delivered_at", "to", "kind", "language"),
        *("status", "provider", "segments", "attempts", "error_code"),
    )
    ordering = ("-created_at", "-id")
    actions = None
    fieldsets = (
        (None, {"fields": ("state", "problem", "to", "subject", "body", "kind", "about", "clinic_name")}),
        (gettext_lazy("When"), {"fields": ("when_to_send", "when_useless", "when_sent", "when_delivered")}),
        (
            gettext_lazy("How"),
            {
                "fields": (
                    "channel",
                    "language",
                    "segments",
                    "encoding",
                    "attempts",
                    "provider",
                    "provider_message_id",
                ),
                "classes": ("collapse",),
            },
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        report = self.admin_site.admin_view(partial(delivery_page.delivery_view, self))
        return [path("delivery/", report, name="messaging_message_delivery"), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("to"))
    def masked_to(self, message: Message) -> str:
        if message.channel == Channel.EMAIL:
            return f"•••@{message.to.rpartition('@')[2]}"
        return mask(message.to)

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def state(self, message: Message) -> str:
        return capfirst(message.get_status_display())

    @admin.display(description=gettext_lazy("purpose"))
    def kind(self, message: Message) -> str:
        return kind_in_words(message)

    @admin.display(description=gettext_lazy("clinic"))
    def clinic_name(self, message: Message) -> str:
        return message.clinic.name if message.clinic else "–"

    @admin.display(description=gettext_lazy("send at"), ordering="send_at")
    def when_to_send(self, message: Message) -> str:
        return local(message.send_at, message.zone)

    @admin.display(description=gettext_lazy("sent"), ordering="sent_at")
    def when_sent(self, message: Message) -> str:
        return local(message.sent_at, message.zone) or "–"

    @admin.display(description=gettext_lazy("useless after"))
    def when_useless(self, message: Message) -> str:
        return local(message.expires_at, message.zone)

    @admin.display(description=gettext_lazy("delivered"))
    def when_delivered(self, message: Message) -> str:
        return local(message.delivered_at, message.zone) or "–"

    @admin.display(description=gettext_lazy("problem"))
    def problem(self, message: Message) -> str:
        if not message.error_code:
            return "–"
        lasting = _("Trying again won't help.") if message.error_permanent else ""
        return f"{reread(message.error_message)} [{message.error_code}] {lasting}".strip()

    @admin.display(description=gettext_lazy("about"))
    def about(self, message: Message) -> str:
        page = message.subject_type.replace(".", "_")
        try:
            address = reverse(f"admin:{page}_change", args=[message.subject_id])
        except NoReverseMatch:
            return "–"
        return format_html('<a href="{}">{}</a>', address, _("Open the appointment"))

    def title_of(self, obj: Any) -> str:
        return f"{kind_in_words(obj)}: {obj.get_status_display()}"

    def tables(self, request: HttpRequest, obj: Any) -> list[Table]:
        rows = [
            (
                local(event.at, obj.zone),
                capfirst(event.get_status_display()),
                event.provider,
                " ".join(part for part in (reread(event.detail), event.code and f"[{event.code}]") if part),
            )
            for event in obj.events.all()
        ]
        headings = [_("When"), _("What happened"), _("Provider"), _("Detail")]
        return [Table(_("What happened to it"), headings, rows, _("Nothing yet."))]

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        if obj.status != MessageStatus.QUEUED or not may(request.user, "change", "messaging.message"):
            return []
        question = _("The patient will not get this text. It can't be taken back.")
        if obj.for_staff:
            question = _("Nobody will be told by this message. It can't be taken back.")
        return [Step("cancel", _("Cancel this text"), question, "danger")]

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        services.cancel(obj.pk, actor=actor_of(request), now=timezone.now())
        return _("The text is cancelled.")
