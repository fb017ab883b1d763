import re

import pytest
from django.urls import reverse

from tests.factories.accounts import PASSWORD, AdminFactory, ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory

pytestmark = pytest.mark.django_db


def policy(answer):
    header = answer.headers["Content-Security-Policy"]
    return {words[0]: set(words[1:]) for words in (part.split() for part in header.split(";"))}


def links(client):
    page = client.get(reverse("admin:index")).content.decode()
    menu = page[page.index('id="nav-sidebar"') : page.index('id="main"')]
    return set(re.findall(r'href="(/admin/[^"]*)"', menu))


@pytest.mark.parametrize("page", ["admin:index", "admin:login", "admin:appointments_appointment_changelist"])
def test_the_admins_pages_may_evaluate_words_of_the_theme_and_nothing_more(client, page):
    client.force_login(AdminFactory())
    said = policy(client.get(reverse(page)))
    assert said["script-src"] == {"'self'", "'unsafe-eval'"}
    assert said["default-src"] == {"'self'"}
    assert "style-src" not in said


@pytest.mark.parametrize("page", ["api-docs", "new-password"])
def test_no_other_page_may(client, page):
    assert "unsafe" not in client.get(reverse(page)).headers["Content-Security-Policy"]


def test_a_page_of_the_admin_holds_no_style_and_no_script_of_its_own(client):
    client.force_login(AdminFactory())
    AppointmentFactory()
    for name in ("index", "appointments_appointment_changelist", "appointments_appointment_add"):
        page = client.get(reverse(f"admin:{name}")).content.decode()
        assert not re.search(r"<style|<script(?![^>]*\bsrc=)| style=| on[a-z]+=\"", page)
        assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


def test_the_menu_leads_nowhere_that_is_closed(client):
    clinic = ClinicFactory()
    for person in (AdminFactory(), StaffFactory(clinics=[clinic]), ViewerFactory(clinics=[clinic])):
        client.force_login(person)
        assert {client.get(link).status_code for link in links(client)} <= {200, 302}


def test_the_menu_offers_a_viewer_no_work(client):
    client.force_login(ViewerFactory(clinics=[ClinicFactory()]))
    shown = links(client)
    assert reverse("admin:appointments_appointment_changelist") in shown
    assert reverse("admin:appointments_appointment_add") not in shown
    assert reverse("admin:stock_stocklevel_issue") not in shown


def test_the_menu_marks_where_one_is(client):
    client.force_login(AdminFactory())
    visit = AppointmentFactory()
    marked = {
        reverse("admin:appointments_appointment_add"): "Book a visit",
        reverse("admin:appointments_appointment_change", args=[visit.pk]): "Appointments",
        reverse("admin:index"): "Today",
    }
    for address, title in marked.items():
        groups = client.get(address).context["sidebar_navigation"]
        assert [str(item["title"]) for group in groups for item in group["items"] if item["active"]] == [
            title
        ]


def test_a_sign_in_without_a_wish_leads_to_the_first_page(client):
    person = AdminFactory()
    answer = client.post(reverse("admin:login"), {"username": person.username, "password": PASSWORD})
    assert answer.headers["Location"] == reverse("admin:index")


def test_nobody_finds_patients_by_the_themes_own_search(client):
    client.force_login(AdminFactory())
    assert client.get("/admin/search/?s=a&extended=1").status_code == 404
