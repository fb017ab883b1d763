from dataclasses import dataclass
from typing import Any

from common.client_address import counted_address


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: "user" or "key" with its id, else "address". What limits and idempotency keys count by."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


def caller_of(request: Any) -> Caller:
    """Of a request of Django's or of the framework's that is authenticated already.

    `user.caller_kind` says what a caller is who is no person.
    """
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return Caller(getattr(user, "caller_kind", "user"), str(user.pk))
    return Caller("address", counted_address(getattr(request, "_request", request)))
