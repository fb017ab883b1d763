"""At the moment of sending: is who is told of stock still a manager there, or an administrator?"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_noop as _

from accounts.models import User
from common.among import among
from messaging.guards import Refusal
from messaging.models import Message, MessageStatus

NO_LONGER = Refusal(
    MessageStatus.CANCELLED, "NO_LONGER_MANAGER", _("Who it is for is no stock manager there any more.")
)


def refuse(messages: Sequence[Message], now: datetime) -> dict[UUID, Refusal]:  # noqa: ARG001
    """Refusals for what staff are told of stock, in two queries. What is of no clinic is of several."""
    ids = {message.subject_id for message in messages if message.subject_id}
    found = User.objects.filter(among("pk", ids), is_active=True)
    people: dict[UUID | None, User] = {user.pk: user for user in found.prefetch_related("stock_manager_of")}
    return {m.pk: NO_LONGER for m in messages if not _may_be_told(people.get(m.subject_id), m)}


def _may_be_told(user: User | None, message: Message) -> bool:
    if user is None:
        return False
    if user.is_admin:
        return True
    clinics = {clinic.pk for clinic in user.stock_manager_of.all()}
    return bool(clinics) if message.clinic_id is None else message.clinic_id in clinics
