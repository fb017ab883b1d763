import asyncio
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from messaging.providers.smsgate_registration import RegistrationFailed, register

NEEDED = (
    "PUBLIC_BASE_URL",
    "SMSGATE_BASE_URL",
    "SMSGATE_USERNAME",
    "SMSGATE_PASSWORD",
    "SMSGATE_WEBHOOK_SECRET",
)


class Command(BaseCommand):
    help = "Tells the phone with SMSGate where to bring receipts and replies. A second run changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        for name in NEEDED:
            if not getattr(settings, name):
                raise CommandError(f"{name} is not set. docs/operations.md says what to set it to.")
        public = urlsplit(settings.PUBLIC_BASE_URL)
        if public.scheme != "https" and public.hostname != "127.0.0.1":
            raise CommandError("PUBLIC_BASE_URL must begin with https://: the app calls nothing else.")
        url = _public(reverse("smsgate_webhook"))
        try:
            registered = asyncio.run(register(url))
        except RegistrationFailed as error:
            raise CommandError(str(error)) from error
        for event, how in registered.items():
            self.stdout.write(f"{event}: {how.value}")
        self.stdout.write(f"The phone calls {url}.")
        if "twilio" in settings.SMS_PROVIDERS:
            inbound = _public(reverse("twilio_inbound"))
            self.stdout.write(f"For Twilio, set your number's address for incoming messages to {inbound}.")


def _public(path: str) -> str:
    return settings.PUBLIC_BASE_URL.rstrip("/") + path
