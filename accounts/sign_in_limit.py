"""How many wrong passwords a person may try from one address. One rule for the admin and the API.

After so many (LOGIN_RATE_LIMIT, 5 a minute) the next one has to wait 15 minutes, or the rate's own time
where that is longer; so has the right one. A good sign-in clears the count. It stands in the database, in
the table that administrators see as *Access attempts*: deleting a row there lets the person in again.
"""

import math
from datetime import timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

CLOSED = timedelta(minutes=15)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def closed_for(_request: HttpRequest | None = None) -> timedelta:
    """How long sign-in stays closed after the last failure; a failure as old is forgotten."""
    period = (settings.LOGIN_RATE_LIMIT or "5/m").partition("/")[2]
    return max(CLOSED, timedelta(seconds=int(period[:-1] or 1) * _SECONDS[period[-1]]))


def seconds_to_wait(request: HttpRequest, username: str) -> int:
    """Until this person may try again from here."""
    tried = AccessAttempt.objects.filter(
        username=username,
        ip_address=request.axes_ip_address,  # type: ignore[attr-defined]
    ).order_by("-attempt_time")
    last = tried.values_list("attempt_time", flat=True).first() or timezone.now()
    return max(math.ceil((last + closed_for() - timezone.now()).total_seconds()), 1)


class FailureLimit(AxesDatabaseHandler):
    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any
    ) -> None:
        """The failure that fills the count is still told as one: only the next finds the door closed."""
        was_closed = request is not None and request.axes_locked_out
        super().user_login_failed(sender, credentials, request, **kwargs)
        if request is not None and not was_closed:
            request.axes_locked_out = (request.axes_failures_since_start or 0) > settings.AXES_FAILURE_LIMIT
