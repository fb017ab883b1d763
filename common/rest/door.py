"""What every call of the API passes: one address for each, and no error but in the envelope."""

import json
import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from common.rest.errors import CHALLENGE, code_for, envelope

API = "/api"
BASE = "/api/v1"
JSON = "application/json"
_HEX = "[0-9a-f]"
_ID = re.compile(rf"(?<=/){_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}(?=/|$)", re.IGNORECASE)


def is_api(path: str) -> bool:
    return path == API or path.startswith(f"{API}/")


class OneAddressMiddleware:
    """/api answers as /api/v1 does, with a slash at the end or without, and ids in capitals too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if is_api(path):
            path = path.rstrip("/")
            if path != BASE and not path.startswith(f"{BASE}/"):
                path = BASE + path.removeprefix(API)
            path = _ID.sub(lambda found: found[0].lower(), path)
            # `request.path` stays as the caller wrote it: links and signatures go by that.
            request.path_info = path
        return self.get_response(request)


class EnvelopeMiddleware:
    """Puts into the envelope what no view answers: unknown addresses, refusals by middleware, crashes.

    Nothing that the API answers is to be kept on the way: it tells of patients.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not is_api(request.path_info):
            return response
        response.setdefault("Cache-Control", "no-store, private")
        if response.status_code < 400 or response.get("Content-Type", "").startswith(JSON):
            return response
        code = code_for(response.status_code)
        response.content = json.dumps(envelope(code)).encode()
        response["Content-Type"] = JSON
        response["Content-Length"] = str(len(response.content))
        if response.status_code == 401:
            response["WWW-Authenticate"] = CHALLENGE
        del response["Content-Encoding"]
        return response
