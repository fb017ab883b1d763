"""The audit log: services write to it in the transaction of the change itself."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.utils.encoding import force_str

from accounts.models import ApiKey, AuditEntry, User


@dataclass(frozen=True, slots=True)
class Actor:
    """On whose behalf something is done: a person, another system, a patient's reply, or the site itself."""

    kind: str
    id: UUID | None
    name: str

    @classmethod
    def of(cls, user: User | ApiKey) -> "Actor":
        kind = "api key" if isinstance(user, ApiKey) else "user"
        return cls(kind, user.pk, user.get_username())


SYSTEM = Actor("system", None, "system")
COMMAND = Actor("command", None, "command line")


@dataclass(frozen=True, slots=True)
class Change:
    """One object's change. `changes` maps a field to [before, after] in JSON's own types."""

    action: str
    object_type: str
    object_id: UUID
    clinic_id: UUID | None
    changes: dict[str, list[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, thing: Model, action: str, changes: dict[str, list[Any]] | None = None) -> "Change":
        """A change of `thing`, in its own clinic if it has one."""
        return cls(
            action, thing._meta.label_lower, thing.pk, getattr(thing, "clinic_id", None), changes or {}
        )


def record(actor: Actor, changes: Iterable[Change], *, now: datetime) -> None:
    """Writes one entry a change, in one insert a thousand."""
    AuditEntry.objects.bulk_create(
        (
            AuditEntry(
                at=now,
                actor_kind=actor.kind,
                actor_id=actor.id,
                actor_name=actor.name,
                action=change.action,
                object_type=change.object_type,
                object_id=change.object_id,
                clinic_id=change.clinic_id,
                changes=change.changes,
            )
            for change in changes
        ),
        batch_size=1000,
    )


def plain(value: Any) -> Any:
    """A field's value as the audit log keeps it."""
    if value is None or isinstance(value, bool | int | list | dict):
        return value
    if isinstance(value, str):
        # A choice and its value are the same word, also to those who compare.
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return force_str(value)
