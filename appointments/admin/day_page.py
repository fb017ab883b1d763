"""The buttons of the day's page: came, did not come, cancel, undo, and what came of a call.

Each is a POST with the version that its page showed. A second click on the same button has nothing left to
do; a page that is out of date says how the visit stands now.
"""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import may, visible_to
from accounts.scoped_admin import actor_of, local
from appointments import services
from appointments.call_list import note_call
from appointments.models import Appointment, AppointmentStatus, CallOutcome
from appointments.undoing import UNDO_FOR, undo
from common.errors import DomainError, VersionConflict

Status = AppointmentStatus
STEPS: dict[str, tuple[Callable[..., Appointment], str]] = {
    "came": (partial(services.mark_attendance, attended=True), Status.ATTENDED),
    "missed": (partial(services.mark_attendance, attended=False), Status.MISSED),
    "cancel": (partial(services.cancel, texts_wait=UNDO_FOR), Status.CANCELLED),
}
# What of the page a person had before them is kept in its address.
KEPT = ("clinic", "day", "show", "page")


def urls(model_admin: Any) -> list[URLPattern]:
    views = {"step": step_view, "undo": undo_view, "call": call_view}
    return [
        path(
            f"day/{name}/",
            model_admin.admin_site.admin_view(partial(_pressed, view, model_admin)),
            name=f"appointments_appointment_day_{name}",
        )
        for name, view in views.items()
    ]


def _pressed(
    view: Callable[[Any, HttpRequest], HttpResponse], model_admin: Any, request: HttpRequest
) -> HttpResponse:
    """Who had to sign in again after a click comes here by the address alone: nothing was done."""
    if request.method != "POST":
        messages.info(request, _("Nothing was done yet. Press the button once more."))
        return HttpResponseRedirect(day_address())
    return view(model_admin, request)


def day_address(**asked: Any) -> str:
    """The home page with the clinic, day, part and page that are given."""
    query = urlencode({name: value for name, value in asked.items() if value})
    return reverse("admin:index") + (f"?{query}" if query else "")


def back_to_day(request: HttpRequest) -> HttpResponseRedirect:
    return HttpResponseRedirect(day_address(**{name: request.POST.get(name, "")[:40] for name in KEPT}))


def as_day(text: str, default: date) -> date:
    """A date that was asked for; what can't be one is the default."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return default
    return day if 1990 <= day.year <= 2100 else default


def step_view(model_admin: Any, request: HttpRequest) -> HttpResponse:
    visit = _visit(request)
    if not model_admin.has_change_permission(request, visit):
        raise PermissionDenied
    try:
        do, wanted = STEPS[request.POST.get("step", "")]
    except KeyError:
        raise Http404 from None
    try:
        do(visit.pk, version=model_admin.seen_version(request), actor=actor_of(request), now=timezone.now())
    except VersionConflict as refusal:
        visit.refresh_from_db(fields=["status", "starts_at"])
        if visit.status != wanted:
            tell_refusal(request, visit, refusal)
    except DomainError as refusal:
        tell_refusal(request, visit, refusal)
    return back_to_day(request)


def undo_view(model_admin: Any, request: HttpRequest) -> HttpResponse:
    visit = _visit(request)
    if not model_admin.has_change_permission(request, visit):
        raise PermissionDenied
    try:
        back = undo(
            _key(request.POST.get("entry", "")), of=visit.pk, actor=actor_of(request), now=timezone.now()
        )
    except DomainError as refusal:
        visit.refresh_from_db()
        tell_refusal(request, visit, refusal)
    else:
        said = _("Undone. %(patient)s, %(when)s: %(status)s.")
        messages.success(request, said % _words(back))
    return back_to_day(request)


def call_view(model_admin: Any, request: HttpRequest) -> HttpResponse:
    visit = _visit(request)
    if not may(request.user, "change", "appointments.patienttophone"):
        raise PermissionDenied
    outcome = request.POST.get("outcome", "")
    if outcome not in CallOutcome.values:
        raise Http404
    try:
        version = model_admin.seen_version(request)
        note_call(visit.pk, outcome=outcome, version=version, actor=actor_of(request), now=timezone.now())
    except DomainError as refusal:
        tell_refusal(request, visit, refusal)
    else:
        said = _("Noted for %(patient)s: %(outcome)s.")
        messages.success(request, said % {"patient": visit.patient, "outcome": CallOutcome(outcome).label})
    return back_to_day(request)


def tell_refusal(request: HttpRequest, visit: Appointment, refusal: DomainError) -> None:
    said = _("%(refusal)s It stands so: %(patient)s, %(when)s: %(status)s.")
    messages.error(request, said % {"refusal": refusal.message, **_words(visit)})


def _words(visit: Appointment) -> dict[str, Any]:
    return {
        "patient": visit.patient,
        "when": local(visit.starts_at, visit.clinic.zone),
        "status": visit.get_status_display(),
    }


def _visit(request: HttpRequest) -> Appointment:
    """One of the person's clinics, or it is not there."""
    found = visible_to(request.user, Appointment.objects.select_related("clinic", "patient"))
    visit = found.filter(pk=_key(request.POST.get("appointment", ""))).first()
    if visit is None:
        raise Http404
    return visit


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None
