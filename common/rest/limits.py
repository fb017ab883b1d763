"""How many requests a caller may make: counted where all processes count, by API key, person or address."""

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django_ratelimit.core import get_usage
from rest_framework.response import Response

from common.errors import RateLimited, Unavailable
from common.rest.callers import caller_of
from common.shared_cache import CACHE_ERRORS

logger = logging.getLogger(__name__)

GROUP = "api"
# A cache that does not answer is left alone for so long by this process, and told of once in so long.
LEAVE_ALONE_SECONDS = 2
TELL_AGAIN_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Standing:
    """A caller's count: how many are left until `resets_at`, in seconds since 1970."""

    limit: int
    left: int
    resets_at: int
    exceeded: bool

    @property
    def seconds_to_wait(self) -> int:
        return max(self.resets_at - int(time.time()), 1)

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.left),
            "X-RateLimit-Reset": str(self.resets_at),
        }


class CacheDown(Exception):
    """Nothing can be counted."""


def count(request: Any) -> Standing | None:
    """Counts one request of its caller. None where there is no limit. Raises CacheDown."""
    if settings.API_RATE_LIMIT is None:
        return None
    caller = str(caller_of(request))
    usage = _down.unless_down(
        lambda: get_usage(
            request, group=GROUP, key=lambda *_: caller, rate=settings.API_RATE_LIMIT, increment=True
        )
    )
    if usage["limit"] == 0:
        # The count ran out between two looks: django-ratelimit can't tell.
        raise CacheDown
    return Standing(
        limit=usage["limit"],
        left=max(usage["limit"] - usage["count"], 0),
        resets_at=int(time.time()) + usage["time_left"],
        exceeded=usage["should_limit"],
    )


class _Down:
    """Keeps one process from asking a dead cache at each request, and from saying so each time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0
        self._told_at: float | None = None

    def unless_down(self, ask: Any) -> Any:
        now = time.monotonic()
        if now < self._until:
            raise CacheDown
        try:
            answer = ask()
        except CACHE_ERRORS as error:
            self._note(now, error)
            raise CacheDown from error
        if self._told_at is not None:
            self._told_at = None
            logger.warning("The cache answers again: the API's limits hold.")
        return answer

    def _note(self, now: float, error: Exception) -> None:
        with self._lock:
            self._until = now + LEAVE_ALONE_SECONDS
            if self._told_at is not None and now < self._told_at + TELL_AGAIN_SECONDS:
                return
            self._told_at = now
        logger.error(
            "THE CACHE DOES NOT ANSWER (%s): the API goes on WITHOUT LIMITS, and signing in to it is closed. "
            "Check REDIS_URL and Redis, or the database.",
            type(error).__name__,
        )


_down = _Down()


class LimitedMixin:
    """For a view of the framework's: counts each request, after authentication, also where that fails."""

    # Whether it answers when nothing can be counted.
    closed_without_limit = False
    standing: Standing | None = None

    def perform_authentication(self, request: Any) -> None:
        try:
            super().perform_authentication(request)  # type: ignore[misc]
        finally:
            self._count(request)

    def _count(self, request: Any) -> None:
        try:
            self.standing = count(request)
        except CacheDown:
            if self.closed_without_limit:
                raise Unavailable(
                    _("Nobody can sign in at the moment. Try again soon."), retry_after=30
                ) from None
        if self.standing is not None and self.standing.exceeded:
            raise RateLimited(
                _("Too many requests. Wait before you try again."), retry_after=self.standing.seconds_to_wait
            )

    def finalize_response(self, request: Any, response: Response, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        if self.standing is not None:
            for name, value in self.standing.headers().items():
                response[name] = value
        return response
