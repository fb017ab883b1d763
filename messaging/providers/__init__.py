"""Providers by name. A third party's is named by its dotted path in SMS_PROVIDERS."""

from django.conf import settings
from django.utils.module_loading import import_string

from messaging.providers.base import Provider

SHIPPED = {
    "console": "messaging.providers.console.ConsoleProvider",
    "smsgate": "messaging.providers.smsgate.SmsgateProvider",
    "twilio": "messaging.providers.twilio.TwilioProvider",
}
# The way of mails, which is no provider of texts.
_BESIDE = {"mail": "messaging.providers.mail.MailProvider"}


def provider_class(name: str) -> type[Provider]:
    """Raises ImportError when there is no such provider."""
    found = import_string((SHIPPED | _BESIDE).get(name, name))
    if not (isinstance(found, type) and issubclass(found, Provider)):
        raise ImportError(f"{name} is not a provider")
    return found


def configured_providers() -> list[type[Provider]]:
    """In the order in which they are tried."""
    return [provider_class(name) for name in settings.SMS_PROVIDERS]
