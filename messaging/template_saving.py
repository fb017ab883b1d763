"""Changing the texts that patients get, and seeing beforehand what they become."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, Change, record
from accounts.models import Clinic
from common.errors import NotFound, StateConflict, ValidationFailed, VersionConflict
from common.ids import new_id
from messaging import gsm
from messaging.models import MessageTemplate
from messaging.rendering import check_body, render, visit_words

TEMPLATE = "messaging.messagetemplate"


def add_template(
    *,
    clinic: Clinic,
    key: str,
    language: str,
    body: str,
    keep_diacritics: bool = False,
    actor: Actor,
    now: datetime,
) -> MessageTemplate:
    """A clinic's own text in place of the one for all clinics."""
    check_body(body)
    template = MessageTemplate(
        id=new_id(), clinic=clinic, key=key, language=language, body=body, keep_diacritics=keep_diacritics
    )
    with transaction.atomic():
        if MessageTemplate.objects.filter(clinic=clinic, key=key, language=language).exists():
            raise ValidationFailed.on("clinic", _("This clinic has such a template already."))
        template.save(force_insert=True)
        _record(template, "added", {"body": [None, body]}, actor, now)
    return template


def save_template(
    template_id: UUID, *, body: str, keep_diacritics: bool, version: int, actor: Actor, now: datetime
) -> MessageTemplate:
    """Changes the text. What is queued already keeps the words it has."""
    check_body(body)
    with transaction.atomic():
        template = _locked(template_id)
        if template.version != version:
            raise VersionConflict(_("Someone has changed this text meanwhile. Look at it again."))
        wanted: dict[str, Any] = {"body": body, "keep_diacritics": keep_diacritics}
        changes = {f: [getattr(template, f), v] for f, v in wanted.items() if getattr(template, f) != v}
        if changes:
            template.body, template.keep_diacritics = body, keep_diacritics
            template.version += 1
            template.save()
            _record(template, "changed", changes, actor, now)
    return template


def drop_template(template_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Back to the text for all clinics. StateConflict for that one itself: something must be sent."""
    with transaction.atomic():
        template = _locked(template_id)
        if template.clinic_id is None:
            raise StateConflict(_("The text for all clinics can be changed, but not removed."))
        _record(template, "removed", {"body": [template.body, None]}, actor, now)
        template.delete()


def _locked(template_id: UUID) -> MessageTemplate:
    template = MessageTemplate.objects.select_for_update().filter(pk=template_id).first()
    if template is None:
        raise NotFound(_("There is no such template."))
    return template


def _record(
    template: MessageTemplate, action: str, changes: dict[str, list[Any]], actor: Actor, now: datetime
) -> None:
    record(actor, [Change(action, TEMPLATE, template.pk, template.clinic_id, changes)], now=now)


@dataclass(frozen=True, slots=True)
class Preview:
    """A template filled in with an invented patient, and what it costs."""

    text: str
    measure: gsm.Measure
    # Characters that are sent in a cheaper form, each with that form.
    replaced: list[tuple[str, str]]


def preview(
    body: str, *, language: str, clinic: Clinic | None, keep_diacritics: bool, now: datetime
) -> Preview:
    """ValidationFailed on "body" when it can't be sent."""
    check_body(body)
    zone = clinic.zone if clinic else ZoneInfo(settings.TIME_ZONE)
    visit = (now + timedelta(days=7)).astimezone(zone).replace(hour=9, minute=30)
    context = {
        "name": "Kabo Molefe",
        "clinic": clinic.name if clinic else "Gaborone Main Clinic",
        "clinic_phone": clinic.phone if clinic else "395 1234",
        **visit_words(visit, zone, language),
    }
    filled = render(body, context)
    text = gsm.fold(filled, keep_diacritics=keep_diacritics)
    each = {c: gsm.fold(c, keep_diacritics=keep_diacritics) for c in filled if not c.isspace()}
    return Preview(text, gsm.measure(text), [(c, plain) for c, plain in each.items() if plain != c])
