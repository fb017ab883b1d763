from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MessagingConfig(AppConfig):
    name = "messaging"
    verbose_name = _("Messages")

    def ready(self) -> None:
        from common import differences
        from messaging import checks, guards, own_texts, rechecking, watching  # noqa: F401  (checks registers itself)
        from messaging.watches import balances, providers, queue

        guards.register(own_texts.SUBJECT, own_texts.refuse)
        watching.register("the queue", queue.KINDS, queue.check)
        watching.register("providers in trouble", providers.BREAKER_KINDS, providers.in_trouble)
        watching.register("unknown texts", providers.UNKNOWN_KINDS, providers.unknown)
        watching.register("failing texts", providers.FAILING_KINDS, providers.failing)
        watching.register("balances", balances.KINDS, balances.check)
        differences.register("texts", rechecking.differences)
