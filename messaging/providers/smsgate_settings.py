"""What the phone with SMSGate needs to be told before the site starts."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning

SHORTEST_SECRET = 8


def problems() -> list[CheckMessage]:
    return [*_missing(), *_address(), *_receipts()]


def _missing() -> list[CheckMessage]:
    mends = {
        "SMSGATE_BASE_URL": "Set SMSGATE_BASE_URL to the address that the app shows: http://192.168.1.50:8080.",
        "SMSGATE_USERNAME": "Set SMSGATE_USERNAME; the app shows it under Local Server.",
        "SMSGATE_PASSWORD": "Set SMSGATE_PASSWORD; the app shows it under Local Server.",
    }
    return [
        Error(f"SMS_PROVIDERS holds smsgate, and {name} is not set.", hint=mend, id="messaging.E020")
        for name, mend in mends.items()
        if not getattr(settings, name)
    ]


def _address() -> list[CheckMessage]:
    if not settings.SMSGATE_BASE_URL or is_web_address(settings.SMSGATE_BASE_URL):
        return []
    return [
        Error(
            "SMSGATE_BASE_URL is no web address.",
            hint="Set SMSGATE_BASE_URL to an address like http://192.168.1.50:8080.",
            id="messaging.E021",
        )
    ]


def is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # A port that is no number is found only when it is asked for.
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _receipts() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not settings.PUBLIC_BASE_URL:
        found.append(
            CheckWarning(
                "PUBLIC_BASE_URL is not set, so SMSGate's phone can't tell whether a text arrived.",
                hint="Set PUBLIC_BASE_URL to the address at which the phone reaches this site: https://…",
                id="messaging.W020",
            )
        )
    if len(settings.SMSGATE_WEBHOOK_SECRET) < SHORTEST_SECRET:
        found.append(
            CheckWarning(
                f"SMSGATE_WEBHOOK_SECRET has fewer than {SHORTEST_SECRET} characters or is not set. "
                "Without one no receipt and no reply from the phone is believed.",
                hint="Set SMSGATE_WEBHOOK_SECRET to the signing key that the app shows under "
                "Settings, Webhooks.",
                id="messaging.W021",
            )
        )
    return found
