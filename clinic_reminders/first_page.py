"""The home page is the day of one clinic: who comes, who knows of it, whom to phone, what runs out.

A constant number of queries, whatever the number of visits; every list is cut, with a link to the rest.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.access import clinics_visible_to, may, sees_phones, visible_to
from accounts.models import Clinic
from accounts.scoped_admin import actor_of
from appointments.admin.day_page import as_day, day_address
from appointments.call_list import last_calls, reasons, to_phone
from appointments.day import PARTS, Page, load_of_day, page_of_day
from appointments.models import Appointment, AppointmentStatus
from appointments.reach import Reach, reaches
from appointments.undoing import last_done
from clinic_reminders.needs import needs_of
from common.dates import day_in_words
from common.phones import mask
from stock.admin.wording import whole
from stock.shortages import shortages

TO_PHONE_SHOWN = 6
SHORTAGES_SHOWN = 5
CLINICS_OFFERED = 300
Status = AppointmentStatus


@dataclass(frozen=True, slots=True)
class Row:
    """A visit of the day, as its card shows it."""

    visit: Appointment
    clock: str
    reach: Reach
    moment: str
    status: str
    can_be_marked: bool
    can_be_moved: bool
    is_late: bool


def home_context(request: HttpRequest) -> dict[str, Any]:
    """What the home page shows, besides the alarms."""
    clinics = list(clinics_visible_to(request.user).order_by("name")[:CLINICS_OFFERED])
    clinic = _chosen(request, clinics)
    if clinic is None or not may(request.user, "view", "appointments.appointment"):
        return {"clinics": clinics, "clinic": None}
    now = timezone.now()
    return {
        "title": _("The day"),
        "clinics": clinics,
        "clinic": clinic,
        **_day(request, clinic, now),
        "undoable": _undoable(request, now),
        **_beside(request, clinic, now),
    }


def _chosen(request: HttpRequest, clinics: list[Clinic]) -> Clinic | None:
    asked = request.GET.get("clinic", "")
    return next((clinic for clinic in clinics if clinic.code == asked), clinics[0] if clinics else None)


def _day(request: HttpRequest, clinic: Clinic, now: datetime) -> dict[str, Any]:
    today = now.astimezone(clinic.zone).date()
    day = as_day(request.GET.get("day", ""), today)
    part = request.GET.get("show", "")
    part = part if part in PARTS else ""
    number = request.GET.get("page", "")
    page = page_of_day(clinic, day, part=part, number=int(number) if _is_number(number) else None)
    writes = may(request.user, "change", "appointments.appointment")
    return {
        "day": day,
        "day_words": day_in_words(day),
        "is_today": day == today,
        "page": page,
        "rows": _rows(page, clinic, day, today, writes, now),
        "parts": _parts(clinic, day, today, part, page),
        "writes": writes,
        "kept": {
            "clinic": clinic.code,
            "day": "" if day == today else day.isoformat(),
            "show": part,
            "page": request.GET.get("page", "") if _is_number(number) else "",
        },
        "days": _days_around(clinic, day, today),
        "pages": _pages(clinic, day, today, part, page),
    }


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6


def _rows(page: Page, clinic: Clinic, day: date, today: date, writes: bool, now: datetime) -> list[Row]:
    known = reaches(page.visits, now=now) if page.visits else {}
    return [
        Row(
            visit=visit,
            clock=f"{visit.starts_at.astimezone(clinic.zone):%H:%M}",
            reach=known[visit.pk],
            moment=known[visit.pk].moment(clinic.zone),
            status=str(capfirst(visit.get_status_display())),
            can_be_marked=writes and visit.is_live and day <= today,
            can_be_moved=writes and visit.is_live,
            is_late=visit.is_live and visit.ends_at <= now,
        )
        for visit in page.visits
    ]


def _address(clinic: Clinic, day: date, today: date, **more: Any) -> str:
    return day_address(clinic=clinic.code, day="" if day == today else day.isoformat(), **more)


def _parts(clinic: Clinic, day: date, today: date, part: str, page: Page) -> list[tuple[str, int, str, bool]]:
    """Label, how many, address, whether it is what is shown."""
    labels = {
        "": _("All"),
        "waiting": _("Not seen yet"),
        "came": _("Came"),
        "missed": _("Did not come"),
        "cancelled": _("Cancelled"),
    }
    return [
        (label, page.counts[name], _address(clinic, day, today, show=name), name == part)
        for name, label in labels.items()
    ]


def _pages(clinic: Clinic, day: date, today: date, part: str, page: Page) -> list[tuple[int, str, bool]]:
    if page.pages == 1:
        return []
    return [
        (number, _address(clinic, day, today, show=part, page=number), number == page.number)
        for number in range(1, page.pages + 1)
    ]


def _days_around(clinic: Clinic, day: date, today: date) -> dict[str, str]:
    return {
        "before": _address(clinic, day - timedelta(days=1), today),
        "today": _address(clinic, today, today),
        "after": _address(clinic, day + timedelta(days=1), today),
    }


def _undoable(request: HttpRequest, now: datetime) -> list[dict[str, Any]]:
    visits = Appointment.objects.select_related("clinic", "patient")
    mine = visible_to(request.user, visits)
    words = {
        "marked attended": _("came"),
        "marked missed": _("did not come"),
        "cancelled": _("cancelled"),
        "moved": _("moved"),
    }
    return [
        {
            "entry": done.entry_id,
            "visit": done.appointment,
            "what": words[done.action],
            "when": f"{day_in_words(there, year=False)}, {there:%H:%M}",
            "seconds": max(1, round((done.until - now).total_seconds())),
        }
        for done in last_done(actor_of(request), mine, now=now)
        for there in [done.appointment.starts_at.astimezone(done.appointment.clinic.zone)]
    ]


def _beside(request: HttpRequest, clinic: Clinic, now: datetime) -> dict[str, Any]:
    """What stands beside the day: tomorrow, the call list, the stock, what needs a person."""
    user: Any = request.user
    tomorrow = now.astimezone(clinic.zone).date() + timedelta(days=1)
    found: dict[str, Any] = {
        "load": load_of_day(clinic, tomorrow),
        "load_words": day_in_words(tomorrow, year=False),
    }
    found["load_address"] = day_address(clinic=clinic.code, day=tomorrow.isoformat())
    if may(user, "view", "appointments.patienttophone"):
        found |= _call_list(request, clinic, now)
    if may(user, "view", "stock.stocklevel"):
        short = shortages([clinic.pk], most=SHORTAGES_SHOWN)
        found |= {
            "short": [(level, whole(level.usable)) for level in short.levels],
            "short_total": short.total,
            "short_address": _filtered("stock_stocklevel_report", clinic),
        }
    found["needs"] = needs_of(user, clinic, now=now)
    return found


def _filtered(name: str, clinic: Clinic) -> str:
    return reverse(f"admin:{name}") + f"?clinic={clinic.pk}"


def _call_list(request: HttpRequest, clinic: Clinic, now: datetime) -> dict[str, Any]:
    visits = Appointment.objects.filter(clinic=clinic).select_related("patient")
    listed = list(to_phone(visits, now).order_by("starts_at", "pk")[: TO_PHONE_SHOWN + 1])
    for visit in listed:
        visit.clinic = clinic
    shown = listed[:TO_PHONE_SHOWN]
    why, calls = (reasons(shown), last_calls(shown)) if shown else ({}, {})
    full = sees_phones(request.user)
    rows = []
    for visit in shown:
        there, call = visit.starts_at.astimezone(clinic.zone), calls.get(visit.pk)
        rows.append(
            {
                "visit": visit,
                "when": f"{day_in_words(there, year=False)}, {there:%H:%M}",
                "phone": visit.patient.phone if full else mask(visit.patient.phone),
                "why": why[visit.pk].words,
                "last_call": capfirst(call.get_outcome_display()) if call else "",
            }
        )
    return {
        "to_phone": rows,
        "more_to_phone": len(listed) > TO_PHONE_SHOWN,
        "to_phone_address": _filtered("appointments_patienttophone_changelist", clinic),
        "may_call": may(request.user, "change", "appointments.patienttophone"),
        "shows_phones": full,
    }
