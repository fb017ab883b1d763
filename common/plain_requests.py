"""Refuses requests that nobody's browser makes by itself, in words that say what is wrong."""

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from common.rest.door import is_api


class NoNulMiddleware:
    """PostgreSQL keeps no NUL: in a page's address, where its filters stand, it is a bad request.

    The API says itself which of its parameters can't be read.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        query = unquote_to_bytes(request.META.get("QUERY_STRING", ""))
        if ("\0" in request.path_info or b"\0" in query) and not is_api(request.path_info):
            reason = _("It holds a character that can't be searched for.")
            return _page(request, _("This address can't be read"), reason)
        return self.get_response(request)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The site's page for 400, whatever it was that the framework refused."""
    if isinstance(exception, DisallowedHost):
        reason = _(
            "The site does not answer under the name or number that your browser used for it. "
            "It answers only under the addresses that the setting ALLOWED_HOSTS lists. "
            "Check the address, or ask who looks after the site to add it there."
        )
        return _page(request, _("This is not the site's address"), reason)
    return _page(request, _("This request can't be read"), _("Go back, and try it again."))


def _page(request: HttpRequest, title: str, reason: str) -> HttpResponse:
    return render(request, "400.html", {"title": title, "reason": reason}, status=400)
