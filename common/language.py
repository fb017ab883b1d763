"""In which language a request is answered: the API in English, a page as the cookie or the browser asks.

What the signed-in person has chosen comes before both; accounts.language sees to that.
"""

from collections.abc import Callable, Iterable, Iterator

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext

from common.rest.door import is_api


def reread(kept: str) -> str:
    """A reason as it is kept, which is English whoever caused it (gettext_noop), for who reads it now."""
    return gettext(kept) if kept else ""


class LanguageMiddleware:
    """Outside of all that says anything: a thread keeps nothing of one request's language for the next.

    In the place of Django's own, which leaves the language standing, and words from outside of it in
    whichever came last.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = (
            settings.LANGUAGE_CODE
            if is_api(request.path_info)
            else translation.get_language_from_request(request)
        )
        with translation.override(asked):
            request.LANGUAGE_CODE = asked
            response = self.get_response(request)
            answered = translation.get_language() or asked
        patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", answered)
        if isinstance(response, StreamingHttpResponse) and not response.is_async:
            response.streaming_content = _said_in(answered, response.streaming_content)
        return response


def _said_in(language: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A long answer is written when its request is long over."""
    left = iter(chunks)
    while True:
        with translation.override(language):
            chunk = next(left, None)
        if chunk is None:
            return
        yield chunk
