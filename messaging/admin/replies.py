"""The list of replies for people. Who knows the visits registers it: appointments/admin/replies.py."""

from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import may, visible_to
from accounts.scoped_admin import ClinicFilter, ClinicScopedAdmin, actor_of, local
from common.admin import Step, Table
from common.language import reread
from common.phones import is_mobile, mask
from messaging import replies
from messaging.models import Message, Reply, ReplyState
from messaging.services import opted_out

TEXTS_SHOWN = 10
WORDS_SHOWN = 60


class StateFilter(admin.SimpleListFilter):
    """What waits, until something else is asked for."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        self.searching = bool(request.GET.get("q"))
        super().__init__(request, *args)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*ReplyState.choices, ("all", _("All"))]

    @property
    def asked(self) -> str:
        return self.value() or ("all" if self.searching else ReplyState.WAITING.value)

    def choices(self, changelist: Any) -> Any:
        _everything, *choices = super().choices(changelist)
        for choice, (value, _title) in zip(choices, self.lookup_choices, strict=True):
            choice["selected"] = value == self.asked
        return choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.asked == "all":
            return queryset
        return queryset.filter(state=self.asked)


class ReplyAdmin(ClinicScopedAdmin):
    list_display: tuple[str, ...] = (
        "when",
        "phone",
        "words",
        "meaning_in_words",
        "state_in_words",
        "clinic_name",
    )
    list_filter = (StateFilter, ClinicFilter, "meaning")
    list_select_related = ("clinic",)
    search_fields = ("phone",)
    search_help_text = gettext_lazy("By phone, for example +26771234567.")
    # A patient writes to the clinic's staff: numbers and names too.
    masked = {"phone": "masked_phone", "words": "hidden_words", "body": "hidden_words"}
    ordering = ("-received_at", "-id")
    export_columns = (
        *("clinic__code", "received_at", "phone", "body", "meaning", "state", "note", "done_at", "done_by"),
    )
    actions = None
    fieldsets: Any = (
        (
            None,
            {
                "fields": (
                    "body",
                    "meaning_in_words",
                    "state_in_words",
                    "note_in_words",
                    "phone",
                    "clinic_name",
                )
            },
        ),
        (gettext_lazy("When"), {"fields": ("when", "when_done", "done_by")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": _("Replies to read"), **(extra_context or {})})

    @admin.display(description=gettext_lazy("received"), ordering="received_at")
    def when(self, reply: Reply) -> str:
        return local(reply.received_at, zone_of(reply))

    @admin.display(description=gettext_lazy("done"))
    def when_done(self, reply: Reply) -> str:
        return local(reply.done_at, zone_of(reply)) or "–"

    @admin.display(description=gettext_lazy("from"))
    def masked_phone(self, reply: Reply) -> str:
        return mask(reply.phone)

    @admin.display(description=gettext_lazy("text"))
    def words(self, reply: Reply) -> str:
        return Truncator(reply.body).chars(WORDS_SHOWN)

    @admin.display(description=gettext_lazy("text"))
    def hidden_words(self, reply: Reply) -> str:
        return _("(for staff to read)")

    @admin.display(description=gettext_lazy("meaning"), ordering="meaning")
    def meaning_in_words(self, reply: Reply) -> str:
        return capfirst(reply.get_meaning_display())

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_in_words(self, reply: Reply) -> str:
        return capfirst(reply.get_state_display())

    @admin.display(description=gettext_lazy("note"))
    def note_in_words(self, reply: Reply) -> str:
        return reread(reply.note) or "–"

    @admin.display(description=gettext_lazy("clinic"), ordering="clinic__name")
    def clinic_name(self, reply: Reply) -> str:
        return reply.clinic.name if reply.clinic else "–"

    def title_of(self, obj: Any) -> str:
        return _("Reply of %(when)s") % {"when": local(obj.received_at, timezone.get_current_timezone())}

    def tables(self, request: HttpRequest, obj: Any) -> list[Table]:
        texts = visible_to(request.user, Message.objects.filter(to=obj.phone)).select_related("clinic")
        rows = [
            (
                _link_to_text(text, local(text.sent_at or text.send_at, text.zone)),
                text.body,
                capfirst(text.get_status_display()),
            )
            for text in texts.order_by("-created_at")[:TEXTS_SHOWN]
        ]
        return [Table(_("Texts to this phone"), [_("When"), _("Text"), _("Status")], rows, _("None."))]

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        if obj.state != ReplyState.WAITING or not may(request.user, "change", "messaging.reply"):
            return []
        steps = [Step("done", _("Done"), tone="good")]
        if is_mobile(obj.phone) and opted_out([obj.phone]):
            question = _("Allow texts only if the person asked for them.")
            steps.append(Step("allow", _("Allow texts to this phone"), question))
        elif is_mobile(obj.phone):
            question = _("Nobody who shares this phone gets texts any more, from any clinic.")
            steps.append(Step("stop", _("Stop texts to this phone"), question, "danger"))
        return steps

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        do = {"done": replies.mark_done, "stop": replies.stop_texts, "allow": replies.allow_texts}[name]
        do(obj.pk, actor=actor_of(request), now=timezone.now())
        return {
            "done": _("The reply is done."),
            "stop": _("This phone gets no texts any more."),
            "allow": _("This phone may get texts again."),
        }[name]

    def after_step(self, request: HttpRequest, obj: Any) -> str:
        """Back to the list when it is done."""
        if Reply.objects.filter(pk=obj.pk, state=ReplyState.DONE).exists():
            return reverse("admin:messaging_reply_changelist")
        return super().after_step(request, obj)


def zone_of(reply: Reply) -> ZoneInfo:
    return reply.clinic.zone if reply.clinic else ZoneInfo(settings.TIME_ZONE)


def _link_to_text(text: Message, words: str) -> SafeString:
    return format_html(
        '<a href="{}">{}</a>', reverse("admin:messaging_message_change", args=[text.pk]), words
    )
