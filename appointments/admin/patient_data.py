"""One patient's data as a file, and its erasure, in the admin."""

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import may
from accounts.scoped_admin import actor_of, local
from appointments.erasure import erase, visits_to_cancel
from appointments.models import Patient
from appointments.names import name_key
from appointments.patient_export import export_patient
from common.errors import DomainError

KIND = "appointments.patient"


def data_view(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    """All that is kept about the patient, as JSON."""
    patient = _one(model_admin, request, object_id)
    if not model_admin.has_change_permission(request, patient):
        raise PermissionDenied
    told = export_patient(patient.pk, reader=request.user, actor=actor_of(request), now=timezone.now())
    answer = HttpResponse(
        json.dumps(told, ensure_ascii=False, indent=2), content_type="application/json; charset=utf-8"
    )
    answer["Content-Disposition"] = f'attachment; filename="patient-{patient.pk}.json"'
    answer["Cache-Control"] = "no-store, private"
    return answer


def _one(model_admin: Any, request: HttpRequest, object_id: str) -> Patient:
    try:
        return model_admin.get_object(request, str(UUID(object_id)))
    except ValueError:
        raise Http404 from None


def word_to_type(patient: Patient) -> str:
    """What has to be typed before the data goes."""
    return patient.name or patient.patient_number or "ERASE"


def erase_view(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    """Says what goes and what stays, and asks for the name to be typed."""
    patient = _one(model_admin, request, object_id)
    if not may(request.user, "erase", KIND):
        raise PermissionDenied
    now, refusal = timezone.now(), ""
    if request.method == "POST":
        try:
            if refusal := _refusal(request, patient):
                raise DomainError(refusal)
            agreed = request.POST.get("cancel_visits") == "yes"
            erase(patient.pk, cancel_visits=agreed, actor=actor_of(request), now=now)
        except DomainError as error:
            refusal = error.message
        else:
            messages.success(request, _("The patient's data is erased."))
            return HttpResponseRedirect(reverse("admin:appointments_patient_changelist"))
    coming = visits_to_cancel(patient, now).order_by("starts_at")
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Erase this patient's data"),
        "subtitle": str(patient),
        "opts": model_admin.opts,
        "original": patient,
        "word": word_to_type(patient),
        "coming": [local(visit.starts_at, patient.clinic.zone) for visit in coming],
        "refusal": refusal,
    }
    return TemplateResponse(request, "admin/appointments/erase.html", context)


def _refusal(request: HttpRequest, patient: Patient) -> str:
    if name_key(request.POST.get("word", "")) != name_key(word_to_type(patient)):
        return _("What you typed is not what stands there. Nothing was erased.")
    return ""
