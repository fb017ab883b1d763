from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.scoped_admin import AuditedAdmin, actor_of, local
from common.admin import Step
from common.ids import named_id
from messaging import breaker, pace
from messaging.lanes import add_states
from messaging.models import Breaker, Pin, ProviderState
from messaging.order import MAIL, outlets


@admin.register(ProviderState)
class ProviderAdmin(AuditedAdmin):
    """How each provider does, and whether it is used: by itself, always or never."""

    list_display = ("name", "turn", "state", "since", "answered", "speed", "last_error", "money")
    actions = None
    fields = ("name", "turn", "state", "since", "answered", "speed", "last_error", "money", "by_hand")
    readonly_fields = fields

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        # One that was never used is shown too.
        if self.has_view_permission(request):
            add_states(outlets())
        return super().changelist_view(request, extra_context)

    def audit_id(self, obj: Any) -> UUID:
        return named_id(obj.name)

    @admin.display(description=gettext_lazy("turn"))
    def turn(self, provider: ProviderState) -> str:
        if provider.name == MAIL:
            return _("mails only")
        names: list[str] = settings.SMS_PROVIDERS
        if provider.name not in names:
            return _("not in SMS_PROVIDERS")
        return str(names.index(provider.name) + 1)

    @admin.display(description=gettext_lazy("state"))
    def state(self, provider: ProviderState) -> str:
        if provider.pin == Pin.LEAVE:
            return _("Never used: set by hand")
        if provider.pin == Pin.USE:
            return _("Always used: set by hand")
        if provider.breaker == Breaker.CLOSED:
            return _("In use")
        if provider.breaker == Breaker.HALF_OPEN or breaker.allowance(provider, timezone.now()):
            return _("In trouble: tried with one text")
        until = local(provider.rest_until, timezone.get_current_timezone())
        return _("In trouble: left alone until %(when)s") % {"when": until}

    @admin.display(description=gettext_lazy("in trouble since"))
    def since(self, provider: ProviderState) -> str:
        return local(provider.opened_at, timezone.get_current_timezone()) or "–"

    @admin.display(description=gettext_lazy("answers of late"))
    def answered(self, provider: ProviderState) -> str:
        return _("%(answers)s, %(troubles)s of them trouble") % {
            "answers": provider.answers,
            "troubles": provider.troubles,
        }

    @admin.display(description=gettext_lazy("texts a second"))
    def speed(self, provider: ProviderState) -> str:
        rate = pace.rate(provider)
        return _("as many as come") if rate is None else _("at most %(rate).4g") % {"rate": rate}

    @admin.display(description=gettext_lazy("money left"))
    def money(self, provider: ProviderState) -> str:
        return "–" if provider.balance is None else f"{provider.balance:.2f} {provider.balance_currency}"

    @admin.display(description=gettext_lazy("set by hand"))
    def by_hand(self, provider: ProviderState) -> str:
        return str(Pin(provider.pin).label)

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        if not request.user.is_admin:  # type: ignore[union-attr]
            return []
        always = _("Texts will be given to it even while nothing gets through.")
        never = _("Texts go to the next provider. Without one they wait.")
        steps = {
            Pin.NONE: Step("by-itself", _("Use by itself"), tone="good"),
            Pin.USE: Step("always", _("Always use"), always),
            Pin.LEAVE: Step("never", _("Never use"), never, "danger"),
        }
        return [step for pin, step in steps.items() if pin != obj.pin]

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        pins = {"by-itself": Pin.NONE, "always": Pin.USE, "never": Pin.LEAVE}
        breaker.pin(obj.name, pins[name], actor=actor_of(request), now=timezone.now())
        return _("Set: %(how)s.") % {"how": pins[name].label}
