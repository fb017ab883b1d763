"""By which ways a stock manager is told: as they wish, or else as they can be reached at all."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import AlertBy, Preferences, User
from common.phones import PhoneError, parse_mobile
from messaging.services import opted_out

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reader:
    """A person with where texts and mails reach them; empty: not that way. Nowhere: `problem` says why."""

    user: User
    preferences: Preferences
    phone: str = ""
    address: str = ""
    problem: str = ""

    @property
    def reachable(self) -> bool:
        return bool(self.phone or self.address)

    @property
    def ways(self) -> list[str]:
        return [way.value for way, where in self._places if where]

    @property
    def _places(self) -> list[tuple[AlertBy, str]]:
        return [(AlertBy.SMS, self.phone), (AlertBy.EMAIL, self.address)]


def readers(users: Iterable[User]) -> list[Reader]:
    """Each of `users` with their ways, in a bounded number of queries.

    Who can't be reached in any way that they chose is told by another: an alert that nobody reads is none.
    Who chose none is told by none.
    """
    people = list(users)
    stored = Preferences.objects.in_bulk([user.pk for user in people])
    phones = {user.pk: _mobile(user) for user in people}
    stopped = opted_out(phone for phone, _problem in phones.values() if phone)
    return [_reader(user, stored.get(user.pk) or Preferences(user=user), phones, stopped) for user in people]


def _reader(
    user: User, preferences: Preferences, phones: dict[UUID, tuple[str, str]], stopped: set[str]
) -> Reader:
    if not preferences.alert_by:
        return Reader(user, preferences, problem=_("Wants no alerts."))
    phone, why_no_text = phones[user.pk]
    if phone in stopped:
        phone, why_no_text = "", _("This phone wants no texts.")
    address, why_no_mail = user.email if settings.MAIL_IS_SET_UP else "", _("No mail server is set up.")
    if settings.MAIL_IS_SET_UP:
        why_no_mail = _("There is no mail address.")
    wanted_phone = phone if AlertBy.SMS in preferences.alert_by else ""
    wanted_address = address if AlertBy.EMAIL in preferences.alert_by else ""
    if wanted_phone or wanted_address:
        return Reader(user, preferences, wanted_phone, wanted_address)
    if phone or address:
        return Reader(user, preferences, phone, address)
    return Reader(user, preferences, problem=f"{why_no_text} {why_no_mail}")


def _mobile(user: User) -> tuple[str, str]:
    """The phone in E.164, or why there is none."""
    try:
        return parse_mobile(user.phone), ""
    except PhoneError as error:
        return "", str(error)


def local_now(preferences: Preferences, now: datetime) -> datetime:
    """`now` on the person's own clock."""
    return now.astimezone(zone_of(preferences))


def zone_of(preferences: Preferences) -> ZoneInfo:
    """The person's time zone; the site's where theirs does not exist any more."""
    try:
        return preferences.zone
    except (ZoneInfoNotFoundError, ValueError, OSError):
        logger.error("User %s has a time zone that does not exist", preferences.user_id)
        return ZoneInfo(settings.TIME_ZONE)
