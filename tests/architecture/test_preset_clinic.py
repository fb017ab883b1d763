"""Whoever has one clinic never chooses it: true of every form of the admin that asks for a clinic."""

import pytest
from django.contrib import admin
from django.urls import reverse

from accounts.models import Clinic
from stock.models import VisitTypeItem
from tests.admin_pages import PlainClient
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory

pytestmark = pytest.mark.django_db


def asked_for_a_clinic(user):
    """What each form that is there to add something chooses at first, by model."""
    client = PlainClient()
    client.force_login(user)
    found = {}
    for model in admin.site._registry:
        page = client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add"))
        form = page.context_data.get("adminform") if page.status_code == 200 else None
        field = form and form.form.fields.get("clinic")
        if field and issubclass(getattr(getattr(field, "queryset", None), "model", object), Clinic):
            found[model] = form.form["clinic"].value()
    return found


def test_who_has_one_clinic_finds_it_chosen():
    clinic = ClinicFactory()
    ClinicFactory()
    found = asked_for_a_clinic(StaffFactory(clinics=[clinic]))
    assert len(found) > 3
    assert set(found.values()) == {clinic.pk}


def test_who_has_several_chooses():
    found = asked_for_a_clinic(StaffFactory(clinics=[ClinicFactory(), ClinicFactory()]))
    assert set(found.values()) == {None}


def test_on_a_site_of_one_clinic_an_administrators_items_of_a_visit_are_of_all_clinics():
    clinic = ClinicFactory()
    found = asked_for_a_clinic(AdminFactory())
    assert found.pop(VisitTypeItem) is None
    assert set(found.values()) == {clinic.pk}
