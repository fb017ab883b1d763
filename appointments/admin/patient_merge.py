"""Merging two records of one person, in the admin: find the other one, compare, choose which stays."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import sees_phones
from accounts.scoped_admin import actor_of
from appointments.admin.patient_page import side_by_side
from appointments.merging import likely_doubles, merge, overlapping, stricter
from appointments.models import Patient
from appointments.names import name_key
from common.errors import DomainError, VersionConflict
from common.phones import PhoneError, mask, parse_mobile
from messaging.services import opted_out

SHOWN = 20


def choose_view(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    """Who may be the same person; others of the clinic are found by number, phone or name."""
    patient = _changeable(model_admin, request, object_id)
    words = request.POST.get("words", "").replace("\0", "").strip()[:120]
    found = _named(patient, words) if words else likely_doubles(patient)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Merge with another record"),
        "subtitle": str(patient),
        "opts": model_admin.opts,
        "original": patient,
        "words": words,
        "doubles": [
            (other, model_admin.label_for(request, other), _why(patient, other)) for other in found[:SHOWN]
        ],
    }
    return TemplateResponse(request, "admin/appointments/merge_choice.html", context)


def _changeable(model_admin: Any, request: HttpRequest, object_id: str) -> Patient:
    try:
        patient = model_admin.get_object(request, str(UUID(object_id)))
    except (ValueError, ValidationError):
        raise Http404 from None
    if not model_admin.has_change_permission(request, patient):
        raise PermissionDenied
    return patient


def _named(patient: Patient, words: str) -> QuerySet[Patient]:
    wanted = Q(patient_number__iexact=words)
    if key := name_key(words):
        wanted |= Q(name_key__startswith=key)
    with suppress(PhoneError):
        wanted |= Q(phone=parse_mobile(words))
    others = Patient.objects.known().filter(wanted, clinic=patient.clinic_id).select_related("clinic")
    return others.exclude(pk=patient.pk).order_by("name", "pk")


def _why(patient: Patient, other: Patient) -> str:
    same = []
    if patient.name_key and patient.name_key == other.name_key:
        same.append(_("the same name"))
    if patient.phone == other.phone:
        same.append(_("the same phone"))
    return ", ".join(same)


def merge_view(model_admin: Any, request: HttpRequest, object_id: str, other_id: UUID) -> HttpResponse:
    """Both side by side; the button under each keeps that one."""
    patient = _changeable(model_admin, request, object_id)
    other = _changeable(model_admin, request, str(other_id))
    if patient.pk == other.pk or patient.clinic_id != other.clinic_id:
        raise Http404
    refusal = ""
    if request.method == "POST":
        try:
            kept = _merge(request, patient, other)
        except DomainError as error:
            refusal = error.message
        else:
            messages.success(request, _("The two records are one now."))
            return HttpResponseRedirect(reverse("admin:appointments_patient_change", args=[kept.pk]))
    phone_of = (lambda phone: phone) if sees_phones(request.user) else mask
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Which record stays?"),
        "opts": model_admin.opts,
        "original": patient,
        "both": [patient, other],
        "lines": side_by_side([patient, other], phone_of),
        "refusal": refusal,
        "clash": overlapping(patient, other) is not None,
        "consent": _consent(patient, other),
        "stopped": len(opted_out([patient.phone, other.phone])) == 1 and patient.phone != other.phone,
        "two_numbers": bool(
            patient.patient_number and other.patient_number and patient.patient_number != other.patient_number
        ),
    }
    return TemplateResponse(request, "admin/appointments/merge.html", context)


def _consent(patient: Patient, other: Patient) -> str:
    if patient.consent == other.consent:
        return ""
    if stricter(patient, other).consent is False:
        return _("One of the two wants no texts. That holds afterwards, whichever record stays.")
    return _("One of the two has agreed to texts. That holds afterwards, whichever record stays.")


def _merge(request: HttpRequest, patient: Patient, other: Patient) -> Patient:
    stays, goes = patient, other
    if request.POST.get("stays") == str(other.pk):
        stays, goes = other, patient
    elif request.POST.get("stays") != str(patient.pk):
        raise VersionConflict(_("This page is incomplete. Open it again."))
    versions = tuple(_number(request.POST.get(f"version_{one.pk}", "")) for one in (stays, goes))
    return merge(
        stays=stays.pk,
        goes=goes.pk,
        versions=versions,  # type: ignore[arg-type]
        actor=actor_of(request),
        now=timezone.now(),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
