"""What waits for a person at a clinic: replies, files, alerts. Each is a count with the list behind it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.access import may, visible_to
from accounts.models import Clinic, User
from appointments.file_import.uploads import seen_by
from appointments.models import FileImport
from messaging.models import Reply, ReplyState
from stock.models import StockAlert

# More than this is "many": nobody waits for them to be counted.
MOST_COUNTED = 99
# An older failure is history.
FILES_SINCE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Need:
    words: str
    count: str
    address: str


def needs_of(user: User, clinic: Clinic, *, now: datetime) -> list[Need]:
    """Those of which there are any; a query each."""
    found = []
    for kind, words, things, address in _kinds(user, clinic, now):
        if may(user, "view", kind):
            count = things.order_by()[: MOST_COUNTED + 1].count()
            if count:
                shown = str(count) if count <= MOST_COUNTED else f"{MOST_COUNTED}+"
                found.append(Need(words, shown, address))
    return found


def _kinds(user: User, clinic: Clinic, now: datetime) -> list[tuple[str, str, QuerySet, str]]:
    replies = Reply.objects.filter(clinic=clinic, state=ReplyState.WAITING)
    nobodys = visible_to(user, Reply.objects.filter(clinic__isnull=True, state=ReplyState.WAITING))
    files = seen_by(user, FileImport.objects.filter(uploaded_at__gt=now - FILES_SINCE))
    alerts = StockAlert.objects.filter(clinic=clinic, closed_at__isnull=True, acknowledged_at__isnull=True)
    reply_list, file_list = "messaging_reply_changelist", "appointments_fileimport_changelist"
    states = FileImport.State
    return [
        (
            "messaging.reply",
            _("Replies that a person must read"),
            replies,
            _list(reply_list, f"?clinic={clinic.pk}"),
        ),
        ("messaging.reply", _("Replies of phones that no clinic knows"), nobodys, _list(reply_list)),
        (
            "appointments.fileimport",
            _("Imports that could not be finished"),
            files.filter(state=states.FAILED),
            _list(file_list, f"?state__exact={states.FAILED}"),
        ),
        (
            "appointments.fileimport",
            _("Imports that wait for your confirmation"),
            files.filter(state=states.PREVIEWED),
            _list(file_list, f"?state__exact={states.PREVIEWED}"),
        ),
        (
            "stock.stockalert",
            _("Stock alerts that nobody looks after"),
            alerts,
            _list("stock_stockalert_changelist", f"?clinic={clinic.pk}"),
        ),
    ]


def _list(name: str, query: str = "") -> str:
    return reverse(f"admin:{name}") + query
