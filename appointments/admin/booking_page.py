"""Booking in one form: who, when, what they will be told; then one button.

Every button but the last sends the same form and gets it back with more in it. Names and phones travel in the
body of a POST alone, never in an address.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import clinics_visible_to
from accounts.models import Clinic
from accounts.scoped_admin import actor_of, local
from appointments.admin.booking_fields import NEW, BookingFields
from appointments.admin.day_page import as_day, day_address
from appointments.admin.slots import Conflict, conflict_of, days_to_choose, slot_rows
from appointments.booking import book_once
from appointments.consent import on_file_consent
from appointments.errors import AppointmentConflict
from appointments.finding import MOST_FOUND, as_phone, find_patients
from appointments.free_slots import OfferedDay, days_with_room, offering, slots_of_day
from appointments.models import Patient
from appointments.rules import on_clinics_clock
from appointments.text_plan import TextPlan, texts_to_come
from common.errors import DomainError

# What asks for more of the form; everything else books.
ASKING = ("find", "choose", "slot", "to_day", "look", "again")
FIELD_OF = {
    "appointment_datetime": "starts_at",
    "patient_phone": "new_phone",
    "phone": "new_phone",
    "patient_name": "new_name",
    "name": "new_name",
    "patient_number": "new_number",
}


def booking_view(model_admin: Any, request: HttpRequest) -> HttpResponse:
    if not model_admin.has_add_permission(request):
        raise PermissionDenied
    patients = model_admin.admin_site.get_model_admin(Patient).get_queryset(request)
    if request.method != "POST":
        form = BookingFields(request, patients, initial=_initial(request))
        return _shown(model_admin, request, form)
    given = _with_what_was_clicked(request.POST)
    form = BookingFields(request, patients, given)
    if any(name in given for name in ASKING):
        form.is_bound = False
        form.initial = {**given.dict(), "starts_at": _moment(given)}
        return _shown(model_admin, request, form)
    conflict = None
    if form.is_valid():
        try:
            return _booked(request, form)
        except AppointmentConflict as refusal:
            conflict = conflict_of(request, refusal)
            form.add_error(None, refusal.message)
        except DomainError as refusal:
            _add_refusal(form, refusal)
    return _shown(model_admin, request, form, conflict)


def _initial(request: HttpRequest) -> dict[str, Any]:
    """A page of a clinic, a day or a patient leads here."""
    return {
        "clinic": request.GET.get("clinic", "")[:40],
        "patient": request.GET.get("patient", "")[:36],
        "day": request.GET.get("day", "")[:10],
    }


def _with_what_was_clicked(posted: QueryDict) -> QueryDict:
    """The form as the button that was clicked fills it in."""
    given = posted.copy()
    if slot := given.get("slot"):
        given["starts_at_0"], _t, given["starts_at_1"] = slot.partition("T")
    elif day := given.get("to_day"):
        given["starts_at_0"], given["starts_at_1"] = day, ""
    if chosen := given.get("choose"):
        given["patient"] = chosen
    elif "find" in given or "again" in given:
        given["patient"] = ""
    asks = any(name in given for name in ASKING)
    if asks and given.get("patient") == NEW and not (given.get("new_phone") or given.get("new_name")):
        _fill_in_what_was_searched(given)
    return given


def _fill_in_what_was_searched(given: QueryDict) -> None:
    words = given.get("who", "").strip()
    if as_phone(words):
        given["new_phone"] = words
    elif words and not words.isdigit():
        given["new_name"] = words


def _moment(given: QueryDict) -> list[str]:
    return [given.get("starts_at_0", ""), given.get("starts_at_1", "")]


def _booked(request: HttpRequest, form: BookingFields) -> HttpResponse:
    given = form.cleaned_data
    who, clinic = given["who_comes"], given["clinic"]
    named = ("starts_at", "duration_minutes", "visit_type", "language", "reference")
    visit = {name: given[name] for name in named if given.get(name) not in (None, "")}
    with offering(
        clinic=clinic,
        who=who,
        minutes=visit.get("duration_minutes", clinic.slot_minutes),
        after=visit["starts_at"],
    ):
        booked, _is_new = book_once(who, actor=actor_of(request), now=timezone.now(), **visit)
    when = local(booked.starts_at, clinic.zone)
    messages.success(request, _("Booked: %(patient)s, %(when)s.") % {"patient": booked.patient, "when": when})
    if "_addanother" in request.POST:
        return HttpResponseRedirect(reverse("admin:appointments_appointment_add") + f"?clinic={clinic.pk}")
    day = booked.starts_at.astimezone(clinic.zone).date()
    return HttpResponseRedirect(day_address(clinic=clinic.code, day=day.isoformat()))


def _add_refusal(form: BookingFields, refusal: DomainError) -> None:
    if not refusal.details:
        form.add_error(None, refusal.message)
    for name, said in refusal.details.items():
        name = FIELD_OF.get(name, name)
        form.add_error(name if name in form.fields else None, said)


@dataclass
class State:
    """What is known of the booking so far, and what follows from it."""

    clinic: Clinic | None
    patient: Patient | None = None
    # Nobody knows them yet; not stored.
    newcomer: Patient | None = None
    found: list[Patient] = field(default_factory=list)
    day: date | None = None
    starts_at: datetime | None = None
    offered: OfferedDay | None = None
    texts: TextPlan | None = None


def _state(request: HttpRequest, form: BookingFields, now: datetime) -> State:
    patient = form.known_patient()
    state = State(patient.clinic if patient else _clinic(request, form), patient)
    clinic = state.clinic
    if clinic is None:
        return state
    if patient is None and form.said("patient") == NEW:
        state.newcomer = _newcomer(form, clinic, now)
    elif patient is None:
        state.found = find_patients(clinic, form.said("who"))
    day, clock = _day_and_clock(form)
    tomorrow = now.astimezone(clinic.zone).date() + timedelta(days=1)
    state.day = as_day(day or str(form.initial.get("day", "")), tomorrow)
    state.offered = slots_of_day(
        clinic=clinic,
        day=state.day,
        minutes=_minutes(form, clinic),
        patient_id=patient.pk if patient else None,
        now=now,
    )
    state.starts_at = _time(day, clock, clinic)
    comer = patient or state.newcomer
    if comer is not None and state.starts_at is not None and state.starts_at > now:
        language = form.said("language") if form.said("language") in ("en", "tn") else ""
        state.texts = texts_to_come(
            clinic=clinic, patient=comer, starts_at=state.starts_at, language=language, now=now
        )
    return state


def _clinic(request: HttpRequest, form: BookingFields) -> Clinic | None:
    clinics = list(clinics_visible_to(request.user).order_by("name"))
    asked = form.said("clinic")
    chosen = [clinic for clinic in clinics if asked in (str(clinic.pk), clinic.code)]
    return next(iter([*chosen, *clinics]), None)


def _newcomer(form: BookingFields, clinic: Clinic, now: datetime) -> Patient | None:
    phone = as_phone(form.said("new_phone"))
    if not phone:
        return None
    new = Patient(clinic=clinic, name=form.said("new_name"), phone=phone)
    said = {"true": True, "false": False}.get(form.said("new_consent"))
    if said is None:
        new.consent, new.consent_source, new.consent_at = on_file_consent(clinic, now)
    else:
        new.consent = said
    return new


def _day_and_clock(form: BookingFields) -> tuple[str, str]:
    value = form["starts_at"].value()
    parts = value if isinstance(value, list) and len(value) == 2 else ["", ""]
    return str(parts[0] or ""), str(parts[1] or "")


def _time(day: str, clock: str, clinic: Clinic) -> datetime | None:
    if not day or not clock:
        return None
    try:
        return on_clinics_clock(datetime.fromisoformat(f"{day}T{clock}"), clinic)
    except (ValueError, DomainError):
        return None


def _minutes(form: BookingFields, clinic: Clinic) -> int:
    said = form.said("duration_minutes")
    usable = said.isascii() and said.isdigit() and 0 < int(said[:5]) <= 24 * 60
    return int(said) if usable else clinic.slot_minutes


def _shown(
    model_admin: Any, request: HttpRequest, form: BookingFields, conflict: Conflict | None = None
) -> HttpResponse:
    now = timezone.now()
    state = _state(request, form, now)
    patients: Any = model_admin.admin_site.get_model_admin(Patient)
    more = [form[name] for name in ("duration_minutes", "visit_type", "language", "reference")]
    day, clock = _day_and_clock(form)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Book a visit"),
        "opts": model_admin.opts,
        "form": form,
        "state": state,
        "conflict": conflict,
        "clinics": list(clinics_visible_to(request.user).order_by("name")),
        "found": [(str(p.pk), patients.label_in_clinic(request, p)) for p in state.found[:MOST_FOUND]],
        "found_more": len(state.found) > MOST_FOUND,
        "chosen": patients.label_for(request, state.patient) if state.patient else "",
        "is_new": form.said("patient") == NEW and state.patient is None,
        "new": NEW,
        "new_fields": [form[name] for name in ("new_name", "new_phone", "new_number", "new_consent")],
        "more_fields": more,
        "more_open": any(one.errors or one.value() for one in more),
        "day_value": day or (state.day.isoformat() if state.day else ""),
        "clock_value": clock,
        "minutes": state.clinic.slot_minutes if state.clinic else None,
    }
    if state.clinic and state.offered and state.day:
        today = now.astimezone(state.clinic.zone).date()
        days = days_with_room(clinic=state.clinic, after=today - timedelta(days=1), now=now)
        chosen = state.starts_at.astimezone(state.clinic.zone) if state.starts_at else None
        context |= {
            "slots": slot_rows(state.offered),
            "days": days_to_choose(days, state.day),
            "time_chosen": f"{chosen:%Y-%m-%dT%H:%M}" if chosen else "",
            "when": local(chosen, state.clinic.zone) if chosen else "",
            "preview": [
                (text, local(text.leaves_at, state.clinic.zone) if text.leaves_at else _("at once"))
                for text in (state.texts.texts if state.texts else [])
            ],
        }
    return TemplateResponse(request, "admin/appointments/book.html", context)
