"""A visit's other times: the free slots of a day, each a button that moves it there."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.scoped_admin import actor_of, local
from appointments import services
from appointments.admin.day_page import KEPT, as_day, day_address
from appointments.admin.slots import conflict_of, days_to_choose, slot_rows
from appointments.free_slots import days_with_room, offering, slots_of_day
from appointments.models import Appointment
from appointments.rules import on_clinics_clock
from appointments.text_plan import texts_to_come
from appointments.undoing import UNDO_FOR
from common.dates import day_in_words
from common.errors import DomainError, ValidationFailed


def move_view(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    visit = model_admin.get_object(request, unquote(object_id))
    if not model_admin.has_change_permission(request, visit):
        raise PermissionDenied
    conflict = None
    if request.method == "POST" and "to" in request.POST:
        try:
            return _moved(model_admin, request, visit)
        except DomainError as refusal:
            conflict = conflict_of(request, refusal)
            visit.refresh_from_db()
    return TemplateResponse(
        request, "admin/appointments/move.html", _context(model_admin, request, visit, conflict)
    )


def _moved(model_admin: Any, request: HttpRequest, visit: Appointment) -> HttpResponse:
    starts_at = _as_time(request.POST["to"], visit)
    with offering(
        clinic=visit.clinic,
        who=visit.patient,
        minutes=visit.duration_minutes,
        after=starts_at,
        appointment_id=visit.pk,
    ):
        moved = services.change(
            visit.pk,
            starts_at=starts_at,
            version=model_admin.seen_version(request),
            texts_wait=UNDO_FOR,
            actor=actor_of(request),
            now=timezone.now(),
        )
    when = local(moved.starts_at, moved.clinic.zone)
    messages.success(request, _("%(patient)s now comes %(when)s.") % {"patient": moved.patient, "when": when})
    return HttpResponseRedirect(day_address(**_kept(request)))


def _as_time(text: str, visit: Appointment) -> datetime:
    try:
        return on_clinics_clock(datetime.fromisoformat(text), visit.clinic)
    except ValueError:
        raise ValidationFailed.on("appointment_datetime", _("Give the date and the time.")) from None


def _kept(request: HttpRequest) -> dict[str, str]:
    """What the person came from."""
    return {name: (request.POST.get(f"back_{name}") or request.GET.get(name, ""))[:40] for name in KEPT}


def _context(model_admin: Any, request: HttpRequest, visit: Appointment, conflict: Any) -> dict[str, Any]:
    now, clinic = timezone.now(), visit.clinic
    today = now.astimezone(clinic.zone).date()
    usual = max(visit.starts_at.astimezone(clinic.zone).date(), today + timedelta(days=1))
    day = as_day(request.GET.get("to_day", "") or request.POST.get("to_day", ""), usual)
    offered = slots_of_day(
        clinic=clinic,
        day=day,
        minutes=visit.duration_minutes,
        patient_id=visit.patient_id,
        appointment_id=visit.pk,
        now=now,
    )
    kept = _kept(request)
    near = texts_to_come(
        clinic=clinic,
        patient=visit.patient,
        starts_at=visit.starts_at,
        language=visit.language,
        now=now,
    )
    return {
        **model_admin.admin_site.each_context(request),
        "title": _("Move the visit"),
        "opts": model_admin.opts,
        "original": visit,
        "when": local(visit.starts_at, clinic.zone),
        "movable": visit.is_live,
        "version": visit.version,
        "day": day,
        "day_words": day_in_words(day, year=False),
        "offered": offered,
        "slots": slot_rows(offered),
        "days": days_to_choose(days_with_room(clinic=clinic, after=today - timedelta(days=1), now=now), day),
        "conflict": conflict,
        "kept": kept,
        "back": day_address(**kept),
        "why_no_text": near.why_none if not near.texts else "",
    }
