"""What a reference and an import key become when their patient is erased: found again, never read again."""

from django.utils.crypto import salted_hmac

PREFIX = "erased "


def pseudonym(text: str) -> str:
    """32 characters that only this site can make of `text`, with its SECRET_KEY."""
    return salted_hmac("appointments.pseudonyms", text, algorithm="sha256").hexdigest()[:32]


def erased_reference(reference: str) -> str:
    return PREFIX + pseudonym(reference)


def own_name(text: str) -> tuple[str, ...]:
    """Where nobody was erased."""
    return (text,)


def erased_names(text: str) -> tuple[str, ...]:
    """Under which a reference or an import key may be stored."""
    return text, erased_reference(text), pseudonym(text)
