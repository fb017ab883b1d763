"""What Twilio needs to be told before the site starts."""

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning

# Carriers show a number, or a name of at most 11 letters and digits.
SENDER = re.compile(r"\+?\d{3,15}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")


def problems() -> list[CheckMessage]:
    return [*_account(), *_sender(), *_addresses()]


def _account() -> list[CheckMessage]:
    mends = {
        "TWILIO_ACCOUNT_SID": "Set TWILIO_ACCOUNT_SID to the account's SID: AC and 32 characters.",
        "TWILIO_AUTH_TOKEN": "Set TWILIO_AUTH_TOKEN; it stands beside the SID in Twilio's console.",
    }
    return [
        Error(f"SMS_PROVIDERS holds twilio, and {name} is not set.", hint=mend, id="messaging.E010")
        for name, mend in mends.items()
        if not getattr(settings, name)
    ]


def _sender() -> list[CheckMessage]:
    sender, service = settings.TWILIO_FROM, settings.TWILIO_MESSAGING_SERVICE_SID
    if bool(sender) == bool(service):
        which = "both are" if sender else "neither is"
        return [
            Error(
                f"Of TWILIO_FROM and TWILIO_MESSAGING_SERVICE_SID {which} set.",
                hint="Set TWILIO_FROM to a number or a name, or set TWILIO_MESSAGING_SERVICE_SID; "
                "leave the other out.",
                id="messaging.E011",
            )
        ]
    if sender and not SENDER.fullmatch(sender):
        return [
            Error(
                "TWILIO_FROM is no sender that phones can show.",
                hint="Set TWILIO_FROM to a number like +26771234567, or to a name of at most 11 letters "
                "and digits.",
                id="messaging.E012",
            )
        ]
    return []


def _addresses() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    address = urlsplit(settings.TWILIO_API_BASE_URL)
    if address.scheme not in {"http", "https"} or not address.hostname:
        found.append(
            Error(
                "TWILIO_API_BASE_URL is no web address.",
                hint="Leave TWILIO_API_BASE_URL out to use Twilio's own.",
                id="messaging.E013",
            )
        )
    if not settings.PUBLIC_BASE_URL:
        found.append(
            CheckWarning(
                "PUBLIC_BASE_URL is not set, so Twilio can't tell whether a phone got a text.",
                hint="Set PUBLIC_BASE_URL to the address at which Twilio reaches this site: https://…",
                id="messaging.W010",
            )
        )
    return found
