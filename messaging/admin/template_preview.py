"""What the template editor shows beside the text while it is typed."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.access import clinics_visible_to
from accounts.models import Clinic, Language
from common.errors import ValidationFailed
from messaging.models import MessageTemplate, TemplateKey
from messaging.template_book import TemplateBook
from messaging.text_preview import Cost, costs, preview_to_save


def posted(
    request: HttpRequest,
    visible: Callable[[HttpRequest], QuerySet[MessageTemplate]],
    template: MessageTemplate | None = None,
) -> MessageTemplate:
    """The template as the form has it, unsaved; what can't be changed is that of the stored one."""
    given = request.POST
    if template is None and (pk := _key(given.get("template"))):
        template = visible(request).select_related("clinic").filter(pk=pk).first()
    if template is not None:
        key, language, clinic = template.key, template.language, template.clinic
    else:
        key, language = given.get("key", ""), given.get("language", "")
        clinic = _clinic(request, given.get("clinic"))
    return MessageTemplate(
        key=key if key in TemplateKey.values else "",
        language=language if language in Language.values else Language.ENGLISH,
        clinic=clinic,
        body=given.get("body", "").replace("\r\n", "\n"),
        keep_diacritics="keep_diacritics" in given,
    )


def _clinic(request: HttpRequest, text: str | None) -> Clinic | None:
    pk = _key(text)
    return clinics_visible_to(request.user).filter(pk=pk).first() if pk else None


def _key(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def previewed(template: MessageTemplate) -> dict[str, Any]:
    """`preview` and `costs`, or with None for a preview the `problems`, for the page."""
    now = timezone.now()
    text: dict[str, Any] = {
        "language": template.language,
        "clinic": template.clinic,
        "keep_diacritics": template.keep_diacritics,
        "now": now,
    }
    if not template.body:
        return {"preview": None, "problems": []}
    try:
        preview = preview_to_save(template.body, **text)
    except ValidationFailed as refusal:
        return {"preview": None, "problems": refusal.details.get("body", [])}
    return {
        "preview": preview,
        "costs": [*costs(template.body, **text), *_in_other_languages(template)],
        "priced": bool(preview.prices),
    }


def _in_other_languages(template: MessageTemplate) -> list[Cost]:
    """The same purpose's stored texts: what one language saves, another may cost."""
    if not template.key:
        return []
    clinic = template.clinic
    book = TemplateBook(template.key, [clinic.pk] if clinic else [])
    found: list[Cost] = []
    for language in Language.values:
        if language != template.language:
            other = book.template(clinic.pk if clinic else None, language)
            found += costs(
                other.body,
                language=language,
                clinic=clinic,
                keep_diacritics=other.keep_diacritics,
                now=timezone.now(),
            )
    return found
