"""A missing or contradictory setting stops the start, with the variable's name and the mend."""

import logging
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register, run_checks
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured

logger = logging.getLogger(__name__)


@register
def check_settings(**_: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = [
        Error(problem, hint=mend, id="clinic_reminders.E006") for problem, mend in settings.SETTINGS_PROBLEMS
    ]
    if not _has_secret_key():
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
    if settings.TIME_ZONE_GIVEN != settings.TIME_ZONE:
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
    if settings.LOG_LEVEL not in settings.LOG_LEVELS:
        problems.append(
            Error(
                f"LOG_LEVEL must be one of {', '.join(settings.LOG_LEVELS)}.",
                hint="Set LOG_LEVEL=INFO.",
                id="clinic_reminders.E005",
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


def _has_secret_key() -> bool:
    try:
        return bool(settings.SECRET_KEY)
    except ImproperlyConfigured:
        return False


def refuse_bad_settings() -> None:
    """For a server, which runs no command that checks: ImproperlyConfigured with every error's mend.

    Warnings are logged.
    """
    found = [problem for problem in run_checks() if not problem.is_silenced()]
    for problem in found:
        if not problem.is_serious():
            logger.warning("%s %s (%s)", problem.msg, problem.hint or "", problem.id)
    errors = [f"{problem.msg} {problem.hint or ''}" for problem in found if problem.is_serious()]
    if errors:
        raise ImproperlyConfigured("\n".join(errors))
