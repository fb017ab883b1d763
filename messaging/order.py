"""Who is given what: texts go by the order of SMS_PROVIDERS, mails by one way that no text takes."""

from collections.abc import Sequence

from django.conf import settings

MAIL = "mail"


def outlets(*, texts: bool = True) -> Sequence[str]:
    """Whom a pass may give something: without `texts`, while these are stopped, only mails leave."""
    names: list[str] = settings.SMS_PROVIDERS if texts else []
    return [*names, MAIL] if settings.MAIL_IS_SET_UP else names


def provider_after(name: str) -> str:
    """The next one in the order; empty after the last, and after mail, which nothing follows."""
    if name == MAIL:
        return ""
    names: list[str] = settings.SMS_PROVIDERS
    following = names[names.index(name) + 1 :] if name in names else names[:1]
    return following[0] if following else ""
