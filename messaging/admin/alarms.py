from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.scoped_admin import AuditedAdmin, actor_of, local
from common.admin import Step
from messaging import alarms
from messaging.alarm_words import advice, in_words, state_in_words
from messaging.models import Alarm


class OpenFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("Open")), ("over", _("Over"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alarm]) -> QuerySet[Alarm]:
        asked = self.value()
        return queryset.filter(closed_at__isnull=asked == "open") if asked in ("open", "over") else queryset


@admin.register(Alarm)
class AlarmAdmin(AuditedAdmin):
    """What needs somebody's care, open first. Administrators take it on or close it."""

    list_display = ("what", "says", "state", "since", "over")
    list_filter = (OpenFilter, "kind")
    actions = None
    fields = ("what", "says", "to_do", "state", "since", "seen", "over")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alarm]:
        return alarms.alarms_visible_to(request.user, super().get_queryset(request))

    @admin.display(description=gettext_lazy("alarm"), ordering="kind")
    def what(self, alarm: Alarm) -> str:
        return capfirst(alarm.get_kind_display())

    @admin.display(description=gettext_lazy("in words"))
    def says(self, alarm: Alarm) -> str:
        return in_words(alarm)

    @admin.display(description=gettext_lazy("what to do"))
    def to_do(self, alarm: Alarm) -> str:
        return advice(alarm)

    @admin.display(description=gettext_lazy("state"))
    def state(self, alarm: Alarm) -> str:
        return capfirst(state_in_words(alarm))

    @admin.display(description=gettext_lazy("since"), ordering="opened_at")
    def since(self, alarm: Alarm) -> str:
        return local(alarm.opened_at, timezone.get_current_timezone())

    @admin.display(description=gettext_lazy("last seen"))
    def seen(self, alarm: Alarm) -> str:
        return local(alarm.seen_at, timezone.get_current_timezone())

    @admin.display(description=gettext_lazy("over"), ordering="closed_at")
    def over(self, alarm: Alarm) -> str:
        return local(alarm.closed_at, timezone.get_current_timezone()) or "–"

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        if not request.user.is_admin or obj.closed_at is not None:  # type: ignore[union-attr]
            return []
        steps = [Step("acknowledge", _("I look after it"), tone="good")] if not obj.acknowledged_at else []
        question = _("Close it only when it is mended: what is still wrong opens a new alarm.")
        return [*steps, Step("close", _("Close"), question)]

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        actor, now = actor_of(request), timezone.now()
        if name == "acknowledge":
            alarms.acknowledge_alarm(obj.pk, actor=actor, now=now)
            return _("Noted. The alarm stays open until it is over.")
        alarms.close_alarm(obj.pk, actor=actor, now=now)
        return _("The alarm is closed.")
