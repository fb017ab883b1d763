"""Closing a day, or moving a session: who is affected, where each visit would go, what patients will read.

Then one button does all of it, or nothing where something has changed meanwhile.
"""

from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access import clinics_visible_to, may
from accounts.models import Clinic
from accounts.scoped_admin import actor_of, local
from appointments.admin.slots import days_to_choose
from appointments.call_list import WORDS
from appointments.closures import Hours, close_day, move_session, plan_to_close, plan_to_move_session
from appointments.free_slots import day_of, days_with_room
from appointments.models import Appointment, Closure
from appointments.moving import Plan, examples_of_texts, live_within
from appointments.reach import never_reached
from common.dates import day_in_words
from common.errors import DomainError

# So many are named on the page; all are moved.
MOST_NAMED = 300


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person asks for. `hours` None: the whole day."""

    clinic: Clinic
    day: date
    hours: Hours | None
    move_to: date | None
    errors: list[str]

    @property
    def span(self) -> Any:
        return self.hours.span(self.clinic) if self.hours else day_of(self.clinic, self.day)

    @property
    def query(self) -> dict[str, str]:
        said = {"clinic": self.clinic.code, "date": self.day.isoformat()}
        if self.hours:
            said |= {"from": f"{self.hours.begin:%H:%M}", "to": f"{self.hours.end:%H:%M}"}
        return said


def closing_view(model_admin: Any, request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    if not may(user, "add", "appointments.closure") or not may(user, "change", "appointments.appointment"):
        raise PermissionDenied
    clinics = list(clinics_visible_to(user).order_by("name"))
    wish = _wish(request.GET, clinics)
    if request.method == "POST":
        wish = _confirmed(request.POST, clinics)
    if request.method == "POST" and wish is not None and not wish.errors:
        try:
            return _done(request, wish)
        except DomainError as refusal:
            messages.error(request, refusal.message)
    return TemplateResponse(
        request, "admin/appointments/closing.html", _context(model_admin, request, wish, clinics)
    )


def _wish(given: Any, clinics: list[Clinic]) -> Wish | None:
    clinic = next((clinic for clinic in clinics if clinic.code == given.get("clinic")), None)
    if clinic is None:
        clinic = clinics[0] if clinics else None
    if clinic is None:
        return None
    errors: list[str] = []
    tomorrow = timezone.now().astimezone(clinic.zone).date() + timedelta(days=1)
    day = _date(given.get("date", ""), errors) or tomorrow
    hours = None
    if given.get("from") or given.get("to"):
        begin, end = _clock(given.get("from", ""), errors), _clock(given.get("to", ""), errors)
        hours = Hours(day, begin, end) if begin is not None and end is not None else None
    return Wish(clinic, day, hours, _date(given.get("move_to", ""), errors), errors)


def _confirmed(given: Any, clinics: list[Clinic]) -> Wish | None:
    """What is done is said in full: nothing is put in the place of a clinic or day that can't be read."""
    if given.get("clinic") not in {clinic.code for clinic in clinics}:
        raise Http404
    wish = _wish(given, clinics)
    if wish is not None and not given.get("date"):
        wish.errors.append(_("Check the date."))
    return wish


def _date(text: str, errors: list[str]) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if 1990 <= day.year <= 2100:
        return day
    errors.append(_("Check the date."))
    return None


def _clock(text: str, errors: list[str]) -> time | None:
    try:
        return time.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        errors.append(_("Give both hours, as 09:00."))
        return None


def _done(request: HttpRequest, wish: Wish) -> HttpResponse:
    options: dict[str, Any] = {
        "clinic": wish.clinic,
        "expected": request.POST.get("plan") or None,
        "actor": actor_of(request),
        "now": timezone.now(),
    }
    if wish.hours is not None:
        if wish.move_to is None:
            return HttpResponseRedirect(f"{request.path}?{urlencode(wish.query)}")
        plan = move_session(hours=wish.hours, move_to=wish.move_to, **options)
        moved, stay = len(plan.moves), len(plan.stays)
        said = ""
        if not (moved or stay):
            said = _("This has been done already: nobody is left to move in these hours.")
    else:
        reason = request.POST.get("reason", "").replace("\0", "")[:200]
        done = close_day(day=wish.day, reason=reason, move_to=wish.move_to, **options)
        moved = len(done.moved)
        stay = len(done.affected) - moved
        said = _("%(day)s is closed.") % {"day": day_in_words(wish.day, year=False)}
    if moved:
        words = ngettext("%(n)d visit was moved.", "%(n)d visits were moved.", moved)
        said = f"{said} {words % {'n': moved}}".strip()
    if said:
        messages.success(request, said)
    if stay:
        words = ngettext("%(n)d visit still stands there.", "%(n)d visits still stand there.", stay)
        messages.warning(request, words % {"n": stay})
    return HttpResponseRedirect(f"{request.path}?{urlencode(wish.query | {'done': '1'})}")


def _context(
    model_admin: Any, request: HttpRequest, wish: Wish | None, clinics: list[Clinic]
) -> dict[str, Any]:
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Close a day or move a session"),
        "opts": model_admin.opts,
        "clinics": clinics,
        "wish": wish,
        "done": request.method == "GET" and "done" in request.GET,
    }
    return context if wish is None else context | _affected(wish)


def _affected(wish: Wish) -> dict[str, Any]:
    now, clinic = timezone.now(), wish.clinic
    visits = list(live_within(clinic, wish.span))
    plan, refused = _plan(wish)
    closed = Closure.objects.filter(clinic=clinic, date=wish.day).exists()
    today = now.astimezone(clinic.zone).date()
    after = max(wish.day, today - timedelta(days=1))
    offered = days_with_room(clinic=clinic, after=after, now=now)
    untold = never_reached(visits)
    goes = {move.appointment.pk: move for move in plan.moves} if plan else {}
    stays = {stay.appointment.pk: stay.refusal.message for stay in plan.stays} if plan else {}
    rows = [
        _row(visit, goes.get(visit.pk), stays.get(visit.pk, ""), untold.get(visit.pk)) for visit in visits
    ]
    return {
        "day_words": day_in_words(wish.day, year=False),
        "to_words": day_in_words(wish.move_to, year=False) if wish.move_to else "",
        "is_closed": closed,
        "errors": [*wish.errors, *refused],
        "rows": rows[:MOST_NAMED],
        "total": len(rows),
        "moving": len(goes),
        "staying": len(stays),
        "untold": sum(1 for pk in goes if pk in untold),
        "plan": plan,
        "texts": examples_of_texts(plan) if plan else [],
        "days": days_to_choose(offered, wish.move_to or date.min),
        "query": urlencode(wish.query),
    }


def _plan(wish: Wish) -> tuple[Plan | None, list[str]]:
    if wish.move_to is None or wish.errors:
        return None, []
    now = timezone.now()
    try:
        if wish.hours is not None:
            return (
                plan_to_move_session(clinic=wish.clinic, hours=wish.hours, move_to=wish.move_to, now=now),
                [],
            )
        return plan_to_close(clinic=wish.clinic, day=wish.day, move_to=wish.move_to, now=now), []
    except DomainError as refusal:
        said = [line for lines in refusal.details.values() for line in lines]
        return None, said or [refusal.message]


def _row(visit: Appointment, move: Any, stays: str, why_untold: str | None) -> dict[str, Any]:
    zone = visit.clinic.zone
    return {
        "visit": visit,
        "when": f"{visit.starts_at.astimezone(zone):%H:%M}",
        "goes": local(move.starts_at, zone) if move else "",
        "other_time": move is not None and move.starts_at.time() != visit.starts_at.astimezone(zone).time(),
        "stays": stays,
        "untold": WORDS[why_untold] if why_untold else "",
    }
