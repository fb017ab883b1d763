"""A missing or contradictory setting stops the start, with the variable's name and the mend."""

from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning


@register
def check_settings(**_: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    if not settings.SECRET_KEY:
        problems.append(
            Error(
                "SECRET_KEY is not set.",
                hint="Put a long random value into .env as SECRET_KEY=…; `make run` writes one for you.",
                id="clinic_reminders.E001",
            )
        )
    if not settings.DEBUG and not settings.ALLOWED_HOSTS:
        problems.append(
            Error(
                "ALLOWED_HOSTS is empty while DEBUG is off, so every page would be refused.",
                hint="Set ALLOWED_HOSTS to the site's name: ALLOWED_HOSTS=reminders.clinic.example",
                id="clinic_reminders.E002",
            )
        )
    if settings.TIME_ZONE not in available_timezones():
        problems.append(
            Error(
                "TIME_ZONE is not a known time zone.",
                hint="Set TIME_ZONE to a name like Africa/Gaborone.",
                id="clinic_reminders.E003",
            )
        )
    if settings.LOG_FORMAT not in {"console", "json"}:
        problems.append(
            Error(
                "LOG_FORMAT must be console or json.",
                hint="Set LOG_FORMAT=console.",
                id="clinic_reminders.E004",
            )
        )
    if not settings.DEBUG and not settings.HTTPS_REQUIRED:
        problems.append(
            CheckWarning(
                "HTTPS_REQUIRED is off: passwords and patients' data cross the network unencrypted.",
                hint="Only for a clinic's own closed network. Otherwise remove HTTPS_REQUIRED=off.",
                id="clinic_reminders.W001",
            )
        )
    return problems
