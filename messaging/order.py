"""The order in which providers are tried: that of SMS_PROVIDERS."""

from django.conf import settings


def provider_after(name: str) -> str:
    """The next one in the order; empty after the last."""
    names: list[str] = settings.SMS_PROVIDERS
    following = names[names.index(name) + 1 :] if name in names else names[:1]
    return following[0] if following else ""
