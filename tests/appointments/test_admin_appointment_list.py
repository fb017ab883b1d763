import pytest
from django.urls import reverse

from appointments.models import Appointment
from tests.appointments.visit_pages import LIST, listed
from tests.factories.accounts import AdminFactory, ClinicFactory
from tests.factories.appointments import AppointmentFactory, ReminderFactory, morning_in
from tests.factories.messaging import MessageFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return ClinicFactory(code="GAB01", time_zone="Africa/Gaborone")


def test_staff_find_a_visit_by_phone_however_it_is_written(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic, patient__phone="+26771234567")
    AppointmentFactory(patient__clinic=clinic)
    assert listed(client.get(LIST, {"q": "71 234 567"})) == [visit.pk]


@pytest.mark.parametrize(
    ("day", "offsets"),
    [
        ("today", [0]),
        ("tomorrow", [1]),
        ("yesterday", [-1]),
        ("from-today", [0, 1, 30]),
        ("past", [-1]),
        ("all", [30, 1, 0, -1]),
        ("", [0, 1, 30]),
    ],
)
def test_the_list_is_cut_to_a_day(client, nurse, clinic, day, offsets):
    visits = {
        days: AppointmentFactory(patient__clinic=clinic, starts_at=morning_in(days, clinic))
        for days in (-1, 0, 1, 30)
    }
    found = listed(client.get(LIST, {"day": day} if day else {}))
    assert found == [visits[days].pk for days in offsets]


def test_a_day_is_each_clinics_own_day(client):
    """Five past midnight in Gaborone is the day before in London, and in Kiritimati still earlier."""
    gaborone = ClinicFactory(time_zone="Africa/Gaborone")
    kiritimati = ClinicFactory(time_zone="Pacific/Kiritimati")
    client.force_login(AdminFactory())
    visits = [
        AppointmentFactory(patient__clinic=clinic, starts_at=morning_in(3, clinic).replace(hour=0, minute=5))
        for clinic in (gaborone, kiritimati)
    ]
    for visit in visits:
        day = visit.starts_at.astimezone(visit.clinic.zone).date().isoformat()
        assert visit.pk in listed(client.get(LIST, {"day": day}))


def test_a_search_looks_at_all_days(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic, reference="R-7", starts_at=morning_in(-40, clinic))
    assert listed(client.get(LIST, {"q": "R-7"})) == [visit.pk]


@pytest.mark.parametrize("day", ["nonsense", "9999-12-31", "0001-01-01", "2026-02-31"])
def test_a_date_that_cannot_be_read_does_no_harm(client, nurse, day):
    assert client.get(LIST, {"day": day}).status_code == 200


def test_the_reminder_column_says_what_became_of_it(client, nurse, clinic):
    visit = AppointmentFactory(patient__clinic=clinic)
    message = MessageFactory(clinic=clinic, status="delivered")
    ReminderFactory(appointment=visit, hours_before=168, message=message, state="queued")
    ReminderFactory(appointment=visit, hours_before=24)
    text = client.get(LIST).content.decode()
    assert "Delivered; Next: " in text


@pytest.mark.parametrize(
    "page", ["appointments_appointment", "appointments_patient", "appointments_reminder", "messaging_message"]
)
def test_a_longer_list_needs_no_more_queries(client, nurse, clinic, page, django_assert_max_num_queries):
    url = reverse(f"admin:{page}_changelist")
    needed = []
    for total in (3, 12):
        while Appointment.objects.count() < total:
            visit = AppointmentFactory(patient__clinic=clinic)
            ReminderFactory(appointment=visit, message=MessageFactory(clinic=clinic))
        with django_assert_max_num_queries(30) as seen:
            client.get(url)
        needed.append(len(seen))
    assert needed[0] == needed[1]
