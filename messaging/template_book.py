from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from django.db.models import Q

from messaging import gsm
from messaging.models import MessageTemplate
from messaging.rendering import render


@dataclass(frozen=True, slots=True)
class Text:
    """A finished text with what it costs."""

    body: str
    segments: int
    encoding: str

    @classmethod
    def of(cls, body: str, *, keep_diacritics: bool = False) -> Self:
        folded = gsm.fold(body, keep_diacritics=keep_diacritics)
        measure = gsm.measure(folded)
        return cls(folded, measure.segments, measure.encoding)


class TemplateBook:
    """The templates of one purpose for some clinics, read once for a whole batch."""

    def __init__(self, key: str, clinic_ids: Iterable[UUID]) -> None:
        self._templates = {
            (template.clinic_id, template.language): template
            for template in MessageTemplate.objects.filter(
                Q(clinic__isnull=True) | Q(clinic__in=set(clinic_ids)), key=key
            )
        }

    def template(self, clinic_id: UUID | None, language: str) -> MessageTemplate:
        """The clinic's own in that language, or the one for all clinics."""
        return self._templates.get((clinic_id, language)) or self._templates[(None, language)]

    def text(self, clinic_id: UUID | None, language: str, context: Mapping[str, str]) -> Text:
        """The same, filled in."""
        template = self.template(clinic_id, language)
        return Text.of(render(template.body, dict(context)), keep_diacritics=template.keep_diacritics)
