"""The language that a signed-in person has chosen."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from accounts.models import Language, Preferences
from common.rest.door import is_api


class PreferredLanguageMiddleware:
    """After the sign-in is known; common.language has asked the cookie and the browser, and tidies up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chosen = preferred(request)
        if chosen:
            translation.activate(chosen)
            request.LANGUAGE_CODE = chosen
        return self.get_response(request)


def preferred(request: HttpRequest) -> str | None:
    """None for the API, for who is not signed in, and for who has never chosen."""
    # Without the cookie nobody is signed in, and no session need be asked.
    if is_api(request.path_info) or settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    if not request.user.is_authenticated:
        return None
    try:
        stored = request.user.stored_preferences
    except Preferences.DoesNotExist:
        return None
    return stored.language if stored.language in Language.values else None
