"""One screen for the dispensary: the item by typing, how many, Enter; the last five can be undone."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import visible_to
from accounts.models import AuditEntry
from accounts.scoped_admin import actor_of, local
from common.errors import DomainError
from stock.admin.entry_forms import IssueForm, once_key
from stock.admin.entry_page import add_refusal, tell
from stock.admin.wording import units
from stock.ledger import move, reverse
from stock.models import Movement, MovementKind

LAST_SHOWN = 5
LAST_WITHIN = timedelta(days=1)


def issue_view(model_admin: Any, request: HttpRequest) -> HttpResponse:
    if not model_admin.writes_entries(request):
        raise PermissionDenied
    if "undo" in request.POST:
        _undo(request)
        return HttpResponseRedirect(request.path)
    form = IssueForm(request, model_admin, request.POST or None)
    if form.is_valid() and _issued(request, form):
        return HttpResponseRedirect(request.path)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Quick issue"),
        "opts": model_admin.opts,
        "form": form,
        "last": last_issues(request),
    }
    return TemplateResponse(request, "admin/stock/quick_issue.html", context)


def _issued(request: HttpRequest, form: IssueForm) -> bool:
    level, now = form.cleaned_data["level"], timezone.now()
    actor = actor_of(request)
    try:
        written = move(
            level_id=level.pk,
            kind=MovementKind.ISSUE,
            quantity=form.cleaned_data["quantity"],
            dedupe_key=once_key(form.cleaned_data["once"], actor.id, level.pk),
            actor=actor,
            now=now,
        )
    except DomainError as refusal:
        add_refusal(form, refusal)
        return False
    tell(request, written, level, now)
    return True


def last_issues(request: HttpRequest) -> list[dict[str, Any]]:
    """What this person has issued within a day, wherever it was entered; the newest first."""
    entries = AuditEntry.objects.filter(
        actor_id=actor_of(request).id,
        object_type="stock.stocklevel",
        action=MovementKind.ISSUE,
        at__gte=timezone.now() - LAST_WITHIN,
    ).order_by("-at", "-id")[:LAST_SHOWN]
    keys = [UUID(entry.changes["entry"][1]) for entry in entries]
    theirs = visible_to(request.user, Movement.objects.filter(pk__in=keys), "level__clinic")
    found = theirs.select_related("level__item", "level__clinic", "reversed_by").order_by("-id")
    return [
        {
            "pk": movement.pk,
            "when": local(movement.recorded_at, movement.level.clinic.zone),
            "item": movement.level.item.name,
            "clinic": movement.level.clinic.name,
            "many": units(movement.quantity, movement.level.item),
            "undone": hasattr(movement, "reversed_by"),
        }
        for movement in found
    ]


def _undo(request: HttpRequest) -> None:
    mine = {str(row["pk"]) for row in last_issues(request)}
    if request.POST["undo"] not in mine:
        messages.warning(request, _("This can't be undone here. Look at the item's page."))
        return
    try:
        reverse(movement_id=UUID(request.POST["undo"]), actor=actor_of(request), now=timezone.now())
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("Undone. It is back in stock."))
