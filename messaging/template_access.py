"""Whose a template is: a clinic's own belongs to its staff, one for all clinics to the administrators."""

from django.db.models import Q, QuerySet

from accounts.access import AnyUser, clinics_visible_to, may
from accounts.models import User
from messaging.models import MessageTemplate

KIND = "messaging.messagetemplate"


def templates_visible_to(user: AnyUser, templates: QuerySet[MessageTemplate]) -> QuerySet[MessageTemplate]:
    """Those for all clinics, which are everybody's to read, and those of the user's clinics."""
    return templates.filter(Q(clinic__isnull=True) | Q(clinic__in=clinics_visible_to(user)))


def may_write(user: AnyUser, action: str, template: MessageTemplate) -> bool:
    """Whether `user`, who sees this template, may "change" or "delete" it."""
    shared = template.clinic_id is None
    return may(user, action, KIND) and (not shared or (isinstance(user, User) and user.is_admin))
