from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from appointments.models import FileImport
from tests.factories.accounts import (
    AdminFactory,
    ClinicFactory,
    StaffFactory,
    UserFactory,
    ViewerFactory,
)
from tests.factories.appointments import AppointmentFactory, PatientFactory, ReminderFactory
from tests.factories.messaging import MessageFactory, ReplyFactory
from tests.factories.stock import StockAlertFactory, stocked

pytestmark = pytest.mark.django_db
HOME = reverse("admin:index")


@pytest.fixture
def clinic():
    return ClinicFactory(code="GAB01", name="Extension Twelve Clinic", slot_capacity=3)


def today(clinic, hours=9):
    return timezone.now().astimezone(clinic.zone).replace(hour=hours, minute=0, second=0, microsecond=0)


def visit(clinic, days=0, hours=9, **fields):
    return AppointmentFactory(
        patient__clinic=clinic, starts_at=today(clinic, hours) + timedelta(days=days), **fields
    )


def rows(page):
    return [row.visit for row in page.context["rows"]]


def test_the_first_page_is_todays_visits_by_time(client, nurse, clinic):
    second, first = visit(clinic, hours=11), visit(clinic, hours=8)
    visit(clinic, days=1)
    visit(ClinicFactory())
    assert rows(client.get(HOME)) == [first, second]


def test_a_cancelled_visit_has_no_buttons_and_one_to_come_has(client, nurse, clinic):
    visit(clinic, hours=8, status="cancelled")
    visit(clinic, hours=9)
    assert [row.can_be_marked for row in client.get(HOME).context["rows"]] == [False, True]


def test_another_day_is_asked_for_in_the_address(client, nurse, clinic):
    there = visit(clinic, days=3)
    page = client.get(HOME, {"day": f"{today(clinic) + timedelta(days=3):%Y-%m-%d}"})
    assert rows(page) == [there]
    assert [row.can_be_marked for row in page.context["rows"]] == [False]


def test_a_part_of_the_day_is_asked_for_in_the_address(client, nurse, clinic):
    visit(clinic)
    came = visit(clinic, status="attended")
    assert rows(client.get(HOME, {"show": "came"})) == [came]


def test_an_admin_of_many_clinics_picks_one_and_it_stays_in_the_address(client, clinic):
    other = ClinicFactory(code="MAU03")
    there = visit(other)
    client.force_login(AdminFactory())
    page = client.get(HOME, {"clinic": "MAU03"})
    assert (rows(page), page.context["kept"]["clinic"]) == ([there], "MAU03")


def test_another_persons_clinic_is_not_shown(client, nurse, clinic):
    visit(ClinicFactory(code="MAU03"))
    page = client.get(HOME, {"clinic": "MAU03"})
    assert (page.context["clinic"], rows(page)) == (clinic, [])


@pytest.mark.parametrize(
    "asked",
    [
        {"day": "x"},
        {"day": "9999-12-31"},
        {"day": "0001-01-01"},
        {"page": "99999999999"},
        {"page": "²"},
        {"page": "0"},
        {"show": "x"},
        {"clinic": "'"},
    ],
)
def test_an_address_that_can_not_be_read_shows_today(client, nurse, clinic, asked):
    there = visit(clinic)
    assert rows(client.get(HOME, asked)) == [there]


def test_who_has_no_clinic_is_told_so(client):
    client.force_login(StaffFactory())
    assert "no clinic yet" in client.get(HOME).content.decode()


def test_who_has_no_role_is_not_let_in(client):
    client.force_login(UserFactory())
    assert client.get(HOME).status_code == 302


def test_a_viewer_sees_no_button_and_no_phone(client, clinic):
    client.force_login(ViewerFactory(clinics=[clinic]))
    visit(clinic)
    unreached = visit(clinic, days=1, patient__consent=False, patient__phone="+26771234567")
    ReminderFactory(appointment=unreached)
    page = client.get(HOME).content.decode()
    assert "day/step" not in page
    assert "day/call" not in page
    assert "71234567" not in page
    assert "+267•••••567" in page


def test_what_the_patient_knows_stands_beside_the_visit(client, nurse, clinic):
    there = visit(clinic, hours=23)
    MessageFactory(
        clinic=clinic,
        status="delivered",
        delivered_at=timezone.now(),
        subject_type="appointments.appointment",
        subject_id=there.pk,
        subject_at=there.starts_at,
    )
    assert "Reminder delivered" in client.get(HOME).content.decode()


def test_whom_no_text_reaches_is_on_the_page_until_reached(client, nurse, clinic):
    unreached = visit(clinic, days=1, patient__consent=False)
    ReminderFactory(appointment=unreached)
    [row] = client.get(HOME).context["to_phone"]
    assert row["visit"] == unreached
    call = reverse("admin:appointments_appointment_day_call")
    client.post(call, {"appointment": unreached.pk, "version": 1, "outcome": "reached"})
    assert client.get(HOME).context["to_phone"] == []


def test_the_list_to_phone_is_cut_with_a_link_to_the_rest(client, nurse, clinic):
    for _ in range(8):
        ReminderFactory(appointment=visit(clinic, days=1, patient__consent=False))
    page = client.get(HOME)
    assert (len(page.context["to_phone"]), page.context["more_to_phone"]) == (6, True)


def test_tomorrows_load_stands_there(client, nurse, clinic):
    visit(clinic, days=1)
    assert client.get(HOME).context["load"].visits == 1


def test_what_is_low_in_stock_stands_there(client, nurse, clinic):
    low = stocked(1, clinic=clinic, reorder_level=5)
    stocked(1, clinic=ClinicFactory(), reorder_level=5)
    page = client.get(HOME)
    assert [level for level, _left in page.context["short"]] == [low]
    assert low.item.name in page.content.decode()


def test_what_needs_a_person_stands_there(client, nurse, clinic):
    ReplyFactory(clinic=clinic, state="waiting")
    ReplyFactory(clinic=ClinicFactory(), state="waiting")
    ReplyFactory(clinic=None, state="waiting")
    StockAlertFactory(level__clinic=clinic)
    FileImport.objects.create(
        filename="a.csv",
        content=b"",
        uploaded_by=nurse,
        uploaded_at=timezone.now(),
        clinic_ids=[str(clinic.pk)],
        state="failed",
    )
    needs = client.get(HOME).context["needs"]
    assert [need.count for need in needs] == ["1", "1", "1"]
    for need in needs:
        assert client.get(need.address).status_code == 200


def test_a_patient_is_named_in_no_address(client, nurse, clinic):
    patient = PatientFactory(clinic=clinic, name="Thabo Molefe", phone="+26771234567")
    AppointmentFactory(patient=patient, starts_at=today(clinic))
    ReminderFactory(
        appointment=AppointmentFactory(patient=patient, starts_at=today(clinic) + timedelta(days=2))
    )
    import re

    addresses = re.findall(r'(?:href|action|src)="([^"]*)"', client.get(HOME).content.decode())
    assert not [a for a in addresses if "Thabo" in a or ("71234567" in a and not a.startswith("tel:"))]


def cost(client):
    with CaptureQueriesContext(connection) as queries:
        assert client.get(HOME).status_code == 200
    return len(queries)


def fill(clinic, count):
    for number in range(count):
        there = visit(clinic, hours=number % 24)
        ReminderFactory(appointment=there, message=MessageFactory(clinic=clinic))
        ReminderFactory(appointment=visit(clinic, days=1 + number % 3, patient__consent=False))


def test_the_page_costs_as_many_queries_for_two_hundred_visits_as_for_twenty(client, nurse, clinic):
    fill(clinic, 20)
    few = cost(client)
    fill(clinic, 180)
    # Where the next visit stands is asked for when there are several pages.
    assert cost(client) <= few + 1
    assert few <= 40


def test_a_click_on_a_page_from_before_the_last_sign_in_is_refused_in_words(clinic):
    client = Client(enforce_csrf_checks=True)
    client.force_login(StaffFactory(clinics=[clinic]))
    answer = client.post(reverse("admin:appointments_appointment_day_step"), {"step": "came"})
    assert answer.status_code == 403
    assert "open for too long" in answer.content.decode()
