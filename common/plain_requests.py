"""Refuses requests that nobody's browser makes by itself, before they reach a view."""

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

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
            return render(request, "400.html", status=400)
        return self.get_response(request)
