from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning

from messaging.providers import SHIPPED, provider_class


@register
def check_providers(**_: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    if not settings.SMS_PROVIDERS:
        problems.append(
            Error(
                "SMS_PROVIDERS is empty.",
                hint="Set SMS_PROVIDERS=console to start with.",
                id="messaging.E001",
            )
        )
    if len(set(settings.SMS_PROVIDERS)) < len(settings.SMS_PROVIDERS):
        problems.append(
            Error(
                "SMS_PROVIDERS names a provider twice.",
                hint="Name each provider once, in the order in which they are to be tried.",
                id="messaging.E003",
            )
        )
    for setting in ("SMS_MAX_PER_SECOND", "SMS_BALANCE_WARNING"):
        strange = sorted(set(getattr(settings, setting)) - set(settings.SMS_PROVIDERS))
        if strange:
            problems.append(
                Error(
                    f"{setting} names {strange[0]!r}, which is not in SMS_PROVIDERS.",
                    hint=f"Use the same names in both, for example {setting}=twilio=10,smsgate=1.",
                    id="messaging.E004",
                )
            )
    for name in settings.SMS_PROVIDERS:
        try:
            provider = provider_class(name)
            problems += provider.checks()
            if provider.channel != "sms":
                problems.append(
                    Error(
                        f"SMS_PROVIDERS names {name!r}, which carries no texts.",
                        hint="Take it out. Mails leave by EMAIL_URL.",
                        id="messaging.E005",
                    )
                )
        except ImportError:
            problems.append(
                Error(
                    f"SMS_PROVIDERS names {name!r}, which is no provider.",
                    hint=f"Use one of {', '.join(sorted(SHIPPED))}, or the dotted path of a class.",
                    id="messaging.E002",
                )
            )
    if "console" in settings.SMS_PROVIDERS and not settings.DEBUG:
        problems.append(
            CheckWarning(
                "SMS_PROVIDERS holds console: texts are printed, and no patient will be told.",
                hint="Set SMS_PROVIDERS to a real provider before patients rely on it.",
                id="messaging.W001",
            )
        )
    return problems
