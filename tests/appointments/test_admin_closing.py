import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from appointments.models import Appointment, Closure
from messaging.models import Message
from tests.factories.accounts import ClinicFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory, morning_in

pytestmark = pytest.mark.django_db
CLOSE = reverse("admin:appointments_closure_add")


@pytest.fixture
def clinic():
    return ClinicFactory(
        code="GAB01", slot_capacity=1, opening_hours={str(day): ["09:00", "11:00"] for day in range(7)}
    )


def day(clinic, days=7):
    return morning_in(days, clinic).date().isoformat()


def visit(clinic, minutes=0, days=7, **fields):
    starts_at = morning_in(days, clinic) + timedelta(minutes=minutes)
    return AppointmentFactory(patient__clinic=clinic, starts_at=starts_at, **fields)


def look(client, where, /, **asked):
    return client.get(CLOSE, {"clinic": "GAB01", "date": day(where)} | asked)


def confirm(client, where, /, **given):
    return client.post(CLOSE, {"clinic": "GAB01", "date": day(where)} | given)


def days_of(clinic):
    starts = Appointment.objects.order_by("starts_at").values_list("starts_at", flat=True)
    return [f"{start.astimezone(clinic.zone):%Y-%m-%d %H:%M}" for start in starts]


def test_everyone_affected_is_listed_before_anything_happens(client, nurse, clinic):
    there = visit(clinic)
    visit(clinic, days=8)
    page = look(client, clinic)
    assert [row["visit"] for row in page.context["rows"]] == [there]
    assert [one.value for one in page.context["days"]][:2] == [day(clinic, 8), day(clinic, 9)]
    assert not Closure.objects.exists()


def test_the_plan_says_where_each_goes_and_what_they_will_read(client, nurse, clinic):
    visit(clinic)
    visit(clinic, days=8)
    page = look(client, clinic, move_to=day(clinic, 8))
    [row] = page.context["rows"]
    assert "09:30" in row["goes"]
    assert row["other_time"]
    assert "09:30" in page.context["texts"][0].body
    assert not Message.objects.exists()


def test_what_was_shown_is_done_in_one_step(client, nurse, clinic):
    for minutes in (0, 30):
        visit(clinic, minutes)
    page = look(client, clinic, move_to=day(clinic, 8))
    confirm(client, clinic, move_to=day(clinic, 8), plan=page.context["plan"].digest, reason="Training")
    assert days_of(clinic) == [f"{day(clinic, 8)} 09:00", f"{day(clinic, 8)} 09:30"]
    assert Closure.objects.get().reason == "Training"
    assert Message.objects.filter(purpose="rescheduled").count() == 2


def test_a_plan_that_has_changed_is_shown_anew_and_nothing_is_done(client, nurse, clinic):
    visit(clinic)
    plan = look(client, clinic, move_to=day(clinic, 8)).context["plan"]
    visit(clinic, 30)
    page = confirm(client, clinic, move_to=day(clinic, 8), plan=plan.digest)
    assert "Something has changed meanwhile" in page.content.decode()
    assert len(page.context["plan"].moves) == 2
    assert not Closure.objects.exists()


def test_a_second_click_on_the_same_plan_says_that_the_day_is_closed(client, nurse, clinic):
    visit(clinic)
    plan = look(client, clinic, move_to=day(clinic, 8)).context["plan"]
    for _click in range(2):
        answer = confirm(client, clinic, move_to=day(clinic, 8), plan=plan.digest)
    assert "done=1" in answer["Location"]
    page = client.get(answer["Location"]).content.decode()
    assert "is closed." in page
    assert "Something has changed" not in page
    assert Message.objects.filter(purpose="rescheduled").count() == 1


def test_a_session_moves_and_the_day_stays_open(client, nurse, clinic):
    visit(clinic)
    visit(clinic, 60)
    hours = {"from": "09:00", "to": "10:00"}
    plan = look(client, clinic, move_to=day(clinic, 9), **hours).context["plan"]
    confirm(client, clinic, move_to=day(clinic, 9), plan=plan.digest, **hours)
    assert days_of(clinic) == [f"{day(clinic)} 10:00", f"{day(clinic, 9)} 09:00"]
    assert not Closure.objects.exists()


def test_a_second_click_on_a_moved_session_says_that_it_is_done(client, nurse, clinic):
    visit(clinic)
    hours = {"from": "09:00", "to": "10:00", "move_to": day(clinic, 8)}
    given = hours | {"plan": look(client, clinic, **hours).context["plan"].digest}
    confirm(client, clinic, **given)
    page = client.post(CLOSE, {"clinic": "GAB01", "date": day(clinic)} | given, follow=True)
    assert "This has been done already" in page.content.decode()
    assert "Something has changed" not in page.content.decode()
    assert Message.objects.filter(purpose="rescheduled").count() == 1


def test_who_can_not_be_moved_is_listed_with_the_reason_and_stays(client, nurse, clinic):
    clinic.opening_hours = {str(weekday): None for weekday in range(7)}
    clinic.save()
    visit(clinic)
    visit(clinic, days=8)
    page = look(client, clinic, move_to=day(clinic, 8))
    [row] = page.context["rows"]
    assert "full" in row["stays"]
    answer = confirm(client, clinic, move_to=day(clinic, 8), plan=page.context["plan"].digest)
    after = client.get(answer["Location"])
    assert "1 visit still stands there" in after.content.decode()
    assert after.context["total"] == 1


def test_whom_no_text_tells_is_named(client, nurse, clinic):
    visit(clinic, patient__consent=False)
    page = look(client, clinic, move_to=day(clinic, 8))
    assert page.context["untold"] == 1
    assert "phone them" in page.content.decode()


def test_a_day_without_visits_is_closed_by_one_click(client, nurse, clinic):
    confirm(client, clinic)
    assert Closure.objects.get().clinic == clinic


def test_a_second_click_says_that_it_is_closed(client, nurse, clinic):
    confirm(client, clinic)
    assert "closed on this day already" in confirm(client, clinic).content.decode()
    assert Closure.objects.count() == 1


@pytest.mark.parametrize(
    "asked",
    [
        {"date": "x"},
        {"date": "9999-12-31"},
        {"move_to": "x"},
        {"move_to": "2020-01-01"},
        {"date": "2020-01-01", "move_to": "2020-01-02"},
        {"from": "x", "to": "10:00"},
        {"from": "10:00", "to": "09:00", "move_to": "2026-12-01"},
        {"from": "09:00"},
    ],
)
def test_what_can_not_be_changes_nothing_and_is_said(client, nurse, clinic, asked):
    there = visit(clinic)
    assert look(client, clinic, **asked).status_code == 200
    assert confirm(client, clinic, **asked, plan="x").status_code in (200, 302)
    before = there.starts_at
    there.refresh_from_db()
    assert there.starts_at == before


def test_another_clinic_is_neither_shown_nor_closed(client, nurse, clinic):
    other = ClinicFactory(code="MAU03")
    visit(other)
    assert look(client, clinic, clinic="MAU03").context["wish"].clinic == clinic
    for code in ("MAU03", "", "x"):
        assert confirm(client, clinic, clinic=code).status_code == 404
    assert not Closure.objects.exists()


def test_a_confirmation_without_a_day_closes_none(client, nurse, clinic):
    confirm(client, clinic, date="")
    assert not Closure.objects.exists()


def test_a_viewer_closes_nothing(client, clinic):
    client.force_login(ViewerFactory(clinics=[clinic]))
    assert look(client, clinic).status_code == 403
    assert confirm(client, clinic).status_code == 403


def test_a_closed_day_is_opened_again_on_its_page(client, nurse, clinic):
    confirm(client, clinic)
    closure = Closure.objects.get()
    listed = client.get(reverse("admin:appointments_closure_changelist"))
    assert listed.context["cl"].result_count == 1
    assert client.get(reverse("admin:appointments_closure_change", args=[closure.pk])).status_code == 200
    step = reverse("admin:appointments_closure_step", args=[closure.pk])
    client.post(step, {"step": "open", "sure": "yes"})
    assert not Closure.objects.exists()


def test_no_patient_is_named_in_an_address(client, nurse, clinic):
    AppointmentFactory(patient=PatientFactory(clinic=clinic, name="Thabo"), starts_at=morning_in(7, clinic))
    page = look(client, clinic, move_to=day(clinic, 8)).content.decode()
    assert "Thabo" in page
    assert not [a for a in re.findall(r'(?:href|action)="([^"]*)"', page) if "Thabo" in a]


def cost(client, clinic):
    with CaptureQueriesContext(connection) as queries:
        look(client, clinic, move_to=day(clinic, 8))
    return len(queries)


def test_the_plan_of_many_costs_as_many_queries_as_of_few(client, nurse, clinic):
    visit(clinic)
    few = cost(client, clinic)
    for minutes in range(1, 60):
        visit(clinic, minutes)
    assert cost(client, clinic) == few
