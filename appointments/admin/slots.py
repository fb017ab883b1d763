"""Free times as buttons, and a conflict with what is in the way and what is free instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access import visible_to
from accounts.scoped_admin import local
from appointments.errors import InTheWay
from appointments.free_slots import OfferedDay, Slot
from appointments.models import Appointment
from common.dates import day_in_words
from common.errors import DomainError


@dataclass(frozen=True, slots=True)
class SlotButton:
    """`value` is the time on the clinic's clock, as the form sends it."""

    value: str
    label: str
    said: str
    is_free: bool


@dataclass(frozen=True, slots=True)
class DayButton:
    value: str
    label: str
    said: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why a time can't be had, the visits in the way, and other times."""

    message: str
    in_the_way: list[tuple[str, str]]
    instead: list[SlotButton]


TAKEN = {
    InTheWay.PATIENT: lambda: _("has a visit"),
    InTheWay.CLINIC_FULL: lambda: _("full"),
    InTheWay.CLOSED: lambda: _("closed"),
}


def slot_rows(offered: OfferedDay) -> list[SlotButton]:
    return [_button(slot) for slot in offered.slots]


def _button(slot: Slot) -> SlotButton:
    if slot.taken is not None:
        said = TAKEN[slot.taken]()
    elif slot.left is None:
        said = ""
    else:
        said = ngettext("%(n)d free", "%(n)d free", slot.left) % {"n": slot.left}
    return SlotButton(_value(slot.starts_at), f"{slot.starts_at:%H:%M}", said, slot.is_free)


def _value(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="minutes")


def days_to_choose(days: Sequence[OfferedDay], chosen: date) -> list[DayButton]:
    found = []
    for offered in days:
        places = offered.places
        said = "" if places is None else _("%(n)d free") % {"n": places}
        value = offered.day.isoformat()
        found.append(DayButton(value, day_in_words(offered.day, year=False), said, offered.day == chosen))
    return found


def conflict_of(request: HttpRequest, refusal: DomainError) -> Conflict:
    """With the patients' names: whoever books there sees them. One query."""
    keys = [fact["id"] for fact in refusal.facts.get("conflicts_with", [])]
    visits = Appointment.objects.select_related("clinic", "patient").filter(pk__in=keys)
    in_the_way = [
        (
            f"{local(visit.starts_at, visit.clinic.zone)}, {visit.patient}",
            reverse("admin:appointments_appointment_change", args=[visit.pk]),
        )
        for visit in (visible_to(request.user, visits).order_by("starts_at", "pk") if keys else ())
    ]
    instead = []
    for text in refusal.facts.get("next_free_slots", []):
        moment = datetime.fromisoformat(text)
        label = f"{day_in_words(moment, year=False)}, {moment:%H:%M}"
        instead.append(SlotButton(_value(moment), label, "", True))
    said = [line for lines in refusal.details.values() for line in lines]
    message = refusal.message if refusal.message in said or not said else f"{refusal.message} {said[0]}"
    return Conflict(message, in_the_way, instead)
