"""The header Idempotency-Key of a POST: every view has it without a word."""

import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, ClassVar

from django.db import DatabaseError, InterfaceError, transaction
from django.http import HttpResponse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer

from common import idempotency
from common.errors import DomainError, ValidationFailed
from common.idempotency import Answer, Turn
from common.rest.callers import caller_of

logger = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LONGEST = 255
_SANE = re.compile(rf"[\x21-\x7e]{{1,{LONGEST}}}")
# What is kept of a body that can't be read.
_UNREADABLE = hashlib.sha256(b"unreadable").hexdigest()
_KEPT_HEADERS = ("Content-Type", "Content-Disposition", "Location")


class Repeated(Exception):
    """There is an answer already."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class AnsweredOnceMixin:
    """A repeat with the same key and body gets the first answer; with another body it is refused.

    All that a POST with a key writes is one transaction with the answer that is kept.
    """

    takes_idempotency_key: ClassVar[bool] = True
    _turn: Turn | None = None

    def begin_once(self, request: Any) -> None:
        """The last step before the handler. Raises Repeated."""
        handler = getattr(self, "post", None)
        if request.method != "POST" or handler is None or not self.takes_idempotency_key:
            return
        given = request.headers.get(HEADER)
        if given is None:
            return
        if not _SANE.fullmatch(given):
            said = _("Use 1 to %d letters, digits and signs, without blanks.") % LONGEST
            raise ValidationFailed.on(HEADER, said)
        unreadable = None
        try:
            body = _digest_of_body(request)
        except (APIException, DomainError) as error:
            body, unreadable = _UNREADABLE, error
        outcome = idempotency.begin(_digest_of_key(request, given), body)
        if isinstance(outcome, Answer):
            raise Repeated(outcome)
        self._turn = outcome
        if unreadable is not None:
            # Reading it again would find nothing and no fault: this is the answer that is kept.
            raise unreadable
        # Of this request alone: the framework looks its handler up after this.
        self.__dict__["post"] = partial(self._post_once, outcome, handler)

    def _post_once(self, turn: Turn, handler: Callable[..., Any], request: Any, *args: Any, **kw: Any) -> Any:
        with transaction.atomic():
            response = handler(request, *args, **kw)
            _settle(turn, response)
        self._turn = None
        return response

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, Repeated):
            return _again(exc.answer)
        turn, self._turn = self._turn, None
        if turn is None:
            return super().handle_exception(exc)  # type: ignore[misc]
        try:
            response = super().handle_exception(exc)  # type: ignore[misc]
        except Exception:
            _unless_the_database_is_gone(partial(idempotency.give_up, turn))
            raise
        _unless_the_database_is_gone(partial(_settle, turn, response))
        return response


def _settle(turn: Turn, response: Any) -> None:
    if response.status_code in {401, 403, 429} or response.status_code >= 500:
        idempotency.give_up(turn)
    else:
        idempotency.keep(turn, _kept(response))


def _unless_the_database_is_gone(settle: Callable[[], None]) -> None:
    """The refusal is told in any case; the turn ends by itself."""
    try:
        settle()
    except (DatabaseError, InterfaceError, idempotency.Unavailable) as error:
        logger.warning("An idempotency key waits for its turn to end: %s", type(error).__name__)


def _kept(response: Any) -> Answer:
    headers = {name: response[name] for name in _KEPT_HEADERS if name in response.headers}
    if hasattr(response, "data"):
        body = b"" if response.data is None else JSONRenderer().render(response.data)
        headers["Content-Type"] = "application/json"
    else:
        body = response.content
    return Answer(response.status_code, body, headers if body else {})


def _again(answer: Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status)
    del response["Content-Type"]
    for name, value in answer.headers.items():
        response[name] = value
    response[REPLAYED] = "true"
    return response


def _digest_of_key(request: Any, key: str) -> str:
    parts = (str(caller_of(request)), request.method, request.path_info, key)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _digest_of_body(request: Any) -> str:
    """Of what was said, not of how: the order of fields and a form's boundary do not matter.

    Keyed: a body may hold what is easily guessed.
    """
    said = [sorted(request.query_params.lists()), request.data]
    if hasattr(request.data, "lists"):
        said[1] = sorted(_form(request.data))
    text = json.dumps(said, sort_keys=True, ensure_ascii=True)
    return salted_hmac("common.rest.idempotency", text, algorithm="sha256").hexdigest()


def _form(data: Any) -> Iterator[tuple[str, list[str]]]:
    for name, values in data.lists():
        yield name, [_digest_of_file(v) if hasattr(v, "chunks") else f"text {v}" for v in values]


def _digest_of_file(file: Any) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return f"file {digest.hexdigest()}"
