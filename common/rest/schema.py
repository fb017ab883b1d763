from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from common.rest.idempotency import HEADER, LONGEST, REPLAYED, AnsweredOnceMixin
from common.rest.limits import LimitedMixin

_REQUEST_ID = "The number of this request, also in our logs; the caller's own if it sent a sane one."
_LIMITS = {
    "X-RateLimit-Limit": "Requests that the caller may make in the time.",
    "X-RateLimit-Remaining": "How many of them are left.",
    "X-RateLimit-Reset": "When the count begins anew, in seconds since 1970.",
}
_KEY = "A value of your own for each new request. A repeat with the same gets the first answer, for 24 hours."


class ApiSchema(AutoSchema):
    """Describes the headers that calls have in common."""

    def get_override_parameters(self) -> list[Any]:
        described = [*super().get_override_parameters(), _told("X-Request-ID", _REQUEST_ID, str)]
        if isinstance(self.view, LimitedMixin):
            described += [_told(name, about, int) for name, about in _LIMITS.items()]
            waits = "Seconds to wait."
            described.append(_told("Retry-After", waits, int, ["429", "503"]))
        takes_key = isinstance(self.view, AnsweredOnceMixin) and self.view.takes_idempotency_key
        if self.method == "POST" and takes_key:
            key = {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": "^[!-~]+$"}
            described.append(OpenApiParameter(HEADER, key, OpenApiParameter.HEADER, description=_KEY))
            described.append(_told(REPLAYED, "`true` of a repeat's answer.", str))
        return described


def _told(name: str, about: str, kind: type, statuses: list[str] | None = None) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.HEADER, description=about, response=statuses or True)
