"""How bodies are read: JSON of a bounded size that the database can keep, or a form with a file."""

import json
from collections import Counter
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.parsers import MultiPartParser as FrameworkMultiPartParser

from common.errors import PayloadTooLarge, ValidationFailed

# What a form holds besides its file: boundaries, headers, a few short fields.
FORM_SLACK = 64 * 1024


class AlwaysJson(DefaultContentNegotiation):
    """Answers are JSON, whatever the caller says it accepts."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:  # noqa: ARG002
        return renderers[0], renderers[0].media_type


class JsonParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: Any = None, parser_context: Any = None) -> Any:  # noqa: ARG002
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise PayloadTooLarge(_("This request is too large. Send it in parts."))
        try:
            parsed = json.loads(
                body.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_each_field_once
            )
            if b"\\u" in body:
                # Half a surrogate pair is JSON, but no text that could be kept.
                json.dumps(parsed, ensure_ascii=False).encode("utf-8")
        except (ValueError, RecursionError):
            raise ParseError from None
        return parsed


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _each_field_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """ValidationFailed for a field given twice: one of its values would be lost without a word."""
    fields = dict(pairs)
    if len(fields) == len(pairs):
        return fields
    counted = Counter(name for name, _value in pairs)
    twice = counted.most_common(1)[0][0]
    # Half a surrogate pair could not be answered: ValueError.
    twice.encode("utf-8")
    raise ValidationFailed.on(twice, _("This field is given twice."))


class FileParser(FrameworkMultiPartParser):
    """A form with a file of at most `view.largest_file` bytes."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        view, request = parser_context["view"], parser_context["request"]
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            raise ParseError from None
        if length > view.largest_file + FORM_SLACK:
            raise PayloadTooLarge(view.file_too_large())
        form = super().parse(stream, media_type=media_type, parser_context=parser_context)
        for name, values in [*form.data.lists(), *form.files.lists()]:
            if len(values) > 1:
                # The last one would win without a word; a second dry_run=false would import.
                raise ValidationFailed.on(name, _("This field is given twice."))
        return form
