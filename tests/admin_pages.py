"""The pages of the admin that show much, found from its registry: lists, the home page, reports, a record."""

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests.factories.district import District

# What is looked for in a list; in any other, what is in most names.
WORDS = {
    "appointments.appointment": "Molefe",
    "appointments.patient": "Molefe",
    "appointments.patienttophone": "7100",
    "axes.accessattempt": "person",
    "axes.accessfailurelog": "person",
    "axes.accesslog": "person",
    "accounts.auditentry": "district-nurse",
    "accounts.user": "person",
    "django_q.failure": "pass",
    "django_q.schedule": "pass",
    "django_q.success": "pass",
    "messaging.message": "7100",
    "messaging.optout": "7100",
    "messaging.reply": "7100",
}
USUAL_WORD = "i"


class PlainClient(Client):
    """Keeps no copy of what each template was given: pages of a hundred rows have thousands."""

    def request(self, **request: object) -> HttpResponse:
        return self.handler(self._base_environ(**request))


def lists() -> dict[str, str]:
    """The address of every list that is registered, by its model."""
    return {model._meta.label_lower: _address(model, "changelist") for model in admin.site._registry}


def pages(district: District) -> dict[str, str]:
    """Those besides the lists."""
    visit = district.visit
    return {
        "home": reverse("admin:index"),
        "home, every visit": reverse("admin:index") + "?page=1",
        "home, tomorrow's load": reverse("admin:index") + f"?day={visit.starts_at:%Y-%m-%d}",
        "low stock": reverse("admin:stock_stocklevel_report"),
        "low stock, on paper": reverse("admin:stock_stocklevel_report") + "?print=1",
        "attendance": reverse("admin:appointments_patient_attendance"),
        "delivery": reverse("admin:messaging_message_delivery"),
        "booking": reverse("admin:appointments_appointment_add"),
        "patient": reverse("admin:appointments_patient_change", args=[visit.patient_id]),
        "patient's history": reverse("admin:appointments_patient_history", args=[visit.patient_id]),
        "visit": reverse("admin:appointments_appointment_change", args=[visit.pk]),
        "choice of a patient": reverse("admin:autocomplete")
        + "?term=Molefe&app_label=appointments&model_name=appointment&field_name=patient",
    }


def searches(name: str) -> dict[str, str]:
    """The list searched, if it can be."""
    model_admin = next(
        each for model, each in admin.site._registry.items() if model._meta.label_lower == name
    )
    if not model_admin.search_fields:
        return {}
    return {f"{name}, searched": f"{lists()[name]}?q={WORDS.get(name, USUAL_WORD)}"}


def filters(name: str, listed: HttpResponse) -> dict[str, str]:
    """The list again with each of its filters: the first choice that it does not show by itself."""
    shown: ChangeList = listed.context_data["cl"]
    found = {}
    for spec in shown.filter_specs:
        others = [choice for choice in spec.choices(shown) if not choice["selected"]]
        if others:
            found[f"{name}, by {spec.title}"] = lists()[name] + others[0]["query_string"]
    return found


def _address(model: type[Model], view: str) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}")
