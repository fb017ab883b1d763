from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MessagingConfig(AppConfig):
    name = "messaging"
    verbose_name = _("Messages")

    def ready(self) -> None:
        from messaging import checks, guards, own_texts  # noqa: F401  (checks registers itself)

        guards.register(own_texts.SUBJECT, own_texts.refuse)
