"""Changing the texts that patients get."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, Change, record
from accounts.models import Clinic
from common.errors import NotFound, StateConflict, ValidationFailed, VersionConflict
from common.ids import new_id
from messaging.models import MessageTemplate
from messaging.rendering import check_body

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
        try:
            with transaction.atomic():
                template.save(force_insert=True)
        except IntegrityError:
            raise ValidationFailed.on("clinic", _("This clinic has such a template already.")) from None
        _record(template, "added", {"body": [None, body]}, actor, now)
    return template


def save_template(
    template_id: UUID,
    *,
    body: str | None = None,
    keep_diacritics: bool | None = None,
    version: int | None,
    actor: Actor,
    now: datetime,
) -> MessageTemplate:
    """Changes what is given. What is queued already keeps the words it has.

    `version` is the one that was looked at; None overwrites whatever there is.
    """
    if body is not None:
        check_body(body)
    with transaction.atomic():
        template = _locked(template_id)
        if version is not None and template.version != version:
            raise VersionConflict(_("Someone has changed this text meanwhile. Look at it again."))
        given: dict[str, Any] = {"body": body, "keep_diacritics": keep_diacritics}
        wanted = {name: value for name, value in given.items() if value is not None}
        changes = {f: [getattr(template, f), v] for f, v in wanted.items() if getattr(template, f) != v}
        if changes:
            for name, value in wanted.items():
                setattr(template, name, value)
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
