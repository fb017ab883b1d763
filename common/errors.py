"""What a service raises when it will not do what was asked, in words that a nurse can act on."""

from collections.abc import Mapping, Sequence
from typing import Any


class DomainError(Exception):
    """A refusal. Admin, API, import and commands each show it in their own form.

    `code` is one of the API's error codes, `message` says what to mend, `details` maps a field
    to its messages; `facts` is what a machine can use (other appointments, free times). None of them
    may hold a patient's name or phone.
    """

    code = "VALIDATION_ERROR"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        details: Mapping[str, Sequence[str]] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        self.details = {field: list(messages) for field, messages in (details or {}).items()}
        self.facts = dict(facts or {})


class ValidationFailed(DomainError):
    code = "VALIDATION_ERROR"

    @classmethod
    def on(cls, field: str, message: str) -> "ValidationFailed":
        """A refusal that belongs to one field."""
        return cls(message, details={field: [message]})


class StateConflict(DomainError):
    code = "STATE_CONFLICT"


class VersionConflict(DomainError):
    code = "VERSION_CONFLICT"


class NotFound(DomainError):
    code = "NOT_FOUND"


class NotPermitted(DomainError):
    code = "PERMISSION_DENIED"


class PayloadTooLarge(DomainError):
    code = "PAYLOAD_TOO_LARGE"


class RateLimited(DomainError):
    """`retry_after` is in seconds."""

    code = "RATE_LIMITED"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(DomainError):
    """Not now; `retry_after` is in seconds."""

    code = "SERVICE_UNAVAILABLE"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after
