import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from appointments.models import Appointment, Closure, ConsentSource, Patient
from messaging.models import Message
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory, morning_in
from tests.factories.messaging import OptOutFactory

pytestmark = pytest.mark.django_db
BOOK = reverse("admin:appointments_appointment_add")


@pytest.fixture
def clinic():
    return ClinicFactory(
        code="GAB01", slot_capacity=1, opening_hours={str(day): ["09:00", "11:00"] for day in range(7)}
    )


@pytest.fixture
def thabo(clinic):
    return PatientFactory(clinic=clinic, name="Thabo Molefe", phone="+26771234567", patient_number="P-17")


def day(clinic, days=7):
    return morning_in(days, clinic).date().isoformat()


def form(clinic, **changes):
    given = {"clinic": clinic.pk, "starts_at_0": day(clinic), "starts_at_1": "09:30"}
    return given | changes


def ask(client, clinic, **changes):
    page = client.post(BOOK, form(clinic, **changes))
    assert page.status_code == 200
    return page


def newcomer(clinic, **changes):
    return form(clinic, patient="new", new_name="Neo Tau", new_phone="72 345 678", **changes)


# Who


@pytest.mark.parametrize("who", ["71 234 567", "p-17", "molefe"])
def test_a_patient_is_found_by_phone_number_or_name(client, nurse, clinic, thabo, who):
    page = ask(client, clinic, who=who, find="1")
    assert [key for key, _label in page.context["found"]] == [str(thabo.pk)]


def test_patients_of_other_clinics_are_neither_found_nor_booked(client, nurse, clinic):
    other = PatientFactory(name="Thabo Molefe")
    assert ask(client, clinic, who="Thabo", find="1").context["found"] == []
    page = ask(client, clinic, patient=other.pk)
    assert "patient" in page.context["form"].errors
    assert not Appointment.objects.exists()


def test_another_clinic_is_not_booked_in(client, nurse, clinic):
    other = ClinicFactory()
    page = client.post(BOOK, newcomer(other))
    assert page.status_code == 200
    assert not Patient.objects.exists()


def test_a_patient_who_is_chosen_stays_chosen(client, nurse, clinic, thabo):
    page = ask(client, clinic, choose=thabo.pk, who="Thabo")
    assert "Thabo Molefe" in page.context["chosen"]
    assert page.context["form"].said("patient") == str(thabo.pk)


def test_a_new_patient_begins_with_what_was_searched_for(client, nurse, clinic):
    fields = ask(client, clinic, who="72 345 678", choose="new").context["form"]
    assert fields.said("new_phone") == "72 345 678"
    assert ask(client, clinic, who="Neo Tau", choose="new").context["form"].said("new_name") == "Neo Tau"


def test_searching_asks_for_no_field_yet(client, nurse, clinic):
    page = client.post(BOOK, {"find": "1", "who": "x"})
    assert (page.status_code, page.context["form"].errors) == (200, {})


# When


def test_the_times_of_the_day_say_how_many_fit_in(client, nurse, clinic):
    AppointmentFactory(patient__clinic=clinic, starts_at=morning_in(7, clinic))
    page = ask(client, clinic, look="1")
    assert [(slot.label, slot.is_free) for slot in page.context["slots"]] == [
        ("09:00", False),
        ("09:30", True),
        ("10:00", True),
        ("10:30", True),
    ]


def test_a_click_on_a_day_shows_its_times_and_on_a_time_takes_it(client, nurse, clinic):
    page = ask(client, clinic, to_day=day(clinic, 8))
    assert page.context["day_value"] == day(clinic, 8)
    assert page.context["time_chosen"] == ""
    page = ask(client, clinic, slot=f"{day(clinic, 8)}T10:00")
    assert page.context["time_chosen"] == f"{day(clinic, 8)}T10:00"


def test_a_closed_day_offers_nothing_and_says_so(client, nurse, clinic):
    Closure.objects.create(clinic=clinic, date=morning_in(7, clinic).date(), created_at=timezone.now())
    page = ask(client, clinic, look="1")
    assert page.context["slots"] == []
    assert "closed on this day" in page.content.decode()


# What they are told


def test_the_texts_stand_there_before_anything_is_saved(client, nurse, clinic, thabo):
    page = ask(client, clinic, patient=thabo.pk, look="1")
    bodies = [text.text.body for text, _moment in page.context["preview"]]
    assert bodies
    assert all("Thabo Molefe" in body and "09:30" in body for body in bodies)
    assert not Appointment.objects.exists()
    assert not Message.objects.exists()


def test_the_texts_of_a_patient_who_is_not_stored_stand_there_too(client, nurse, clinic):
    page = client.post(BOOK, newcomer(clinic, look="1"))
    assert "Neo Tau" in page.context["preview"][0][0].text.body
    assert not Patient.objects.exists()


def test_why_no_text_is_sent_stands_there(client, nurse, clinic, thabo):
    OptOutFactory(phone=thabo.phone)
    page = ask(client, clinic, patient=thabo.pk, look="1")
    assert page.context["preview"] == []
    assert "wants no texts" in page.content.decode()


# Booking


def test_a_new_patient_is_added_with_the_visit(client, nurse, clinic):
    answer = client.post(BOOK, newcomer(clinic, new_number="P-18", new_consent="true", visit_type="Check-up"))
    assert answer.status_code == 302
    visit = Appointment.objects.select_related("patient").get()
    patient = visit.patient
    assert (patient.name, patient.phone, patient.patient_number) == ("Neo Tau", "+26772345678", "P-18")
    assert (patient.consent, patient.consent_source) == (True, ConsentSource.NURSE)
    assert visit.visit_type == "Check-up"


def test_somebody_known_is_not_added_a_second_time(client, nurse, clinic, thabo):
    thabo.patient_number = ""
    thabo.save()
    client.post(BOOK, form(clinic, patient="new", new_name="thabo  MOLEFE", new_phone="71234567"))
    assert Appointment.objects.get().patient == thabo


def test_a_number_that_is_no_mobile_adds_nobody(client, nurse, clinic):
    page = client.post(BOOK, newcomer(clinic) | {"new_phone": "390 1234"})
    assert "mobile" in str(page.context["form"].errors["new_phone"])
    assert not Patient.objects.exists()


def test_a_visit_that_is_refused_leaves_no_new_patient_behind(client, nurse, clinic):
    AppointmentFactory(patient__clinic=clinic, starts_at=morning_in(7, clinic))
    client.post(BOOK, newcomer(clinic, starts_at_1="09:00"))
    assert not Patient.objects.filter(name="Neo Tau").exists()


def test_a_full_time_is_explained_with_who_is_there_and_what_is_free(client, nurse, clinic, thabo):
    there = AppointmentFactory(
        patient=PatientFactory(clinic=clinic, name="Neo Tau"), starts_at=morning_in(7, clinic)
    )
    page = ask(client, clinic, patient=thabo.pk, starts_at_1="09:00")
    conflict = page.context["conflict"]
    assert "full" in conflict.message
    assert "Neo Tau" in conflict.in_the_way[0][0]
    assert conflict.in_the_way[0][1].endswith(f"{there.pk}/change/")
    slot = conflict.instead[0].value
    assert slot == f"{day(clinic)}T09:30"
    chosen = ask(client, clinic, patient=thabo.pk, slot=slot)
    assert chosen.context["time_chosen"] == slot


@pytest.mark.parametrize("who", ["known", "new"])
def test_a_double_click_books_once_and_says_so_both_times(client, nurse, clinic, thabo, who):
    given = form(clinic, patient=thabo.pk) if who == "known" else newcomer(clinic)
    answers = [client.post(BOOK, given) for _click in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert Appointment.objects.count() == 1
    assert Patient.objects.filter(name="Neo Tau").count() == (who == "new")


def test_what_a_colleague_has_booked_is_a_conflict(client, nurse, clinic, thabo):
    client.post(BOOK, form(clinic, patient=thabo.pk))
    client.force_login(StaffFactory(clinics=[clinic]))
    page = ask(client, clinic, patient=thabo.pk)
    assert "another appointment" in page.context["conflict"].message


def test_after_booking_the_visits_day_is_shown_and_no_name_stands_in_an_address(client, nurse, clinic, thabo):
    answer = client.post(BOOK, form(clinic, patient=thabo.pk))
    assert answer["Location"] == f"{reverse('admin:index')}?clinic=GAB01&day={day(clinic)}"
    page = ask(client, clinic, who="Thabo", find="1").content.decode()
    addresses = re.findall(r'(?:href|action)="([^"]*)"', page)
    assert not [address for address in addresses if "Thabo" in address or "71234567" in address]


@pytest.mark.parametrize(
    "given",
    [
        {"clinic": "x"},
        {"clinic": "\0", "who": "\0", "find": "1"},
        {"patient": "x" * 500, "look": "1"},
        {"starts_at_0": "9999-12-31", "look": "1"},
        {"starts_at_0": "x", "starts_at_1": "x", "look": "1"},
        {"duration_minutes": "9" * 30, "look": "1"},
        {"duration_minutes": "-5"},
        {"slot": "T"},
        {"slot": "\0T\0"},
        {"to_day": "0000-00-00"},
        {"choose": "\0"},
        {"language": "xx", "look": "1"},
        {"who": "x" * 5000, "find": "1"},
    ],
)
def test_what_can_not_be_read_breaks_nothing(client, nurse, clinic, thabo, given):
    answer = client.post(BOOK, form(clinic, patient=thabo.pk) | given)
    assert answer.status_code in (200, 302)


def test_an_admin_chooses_the_clinic(client, clinic):
    other = ClinicFactory(name="Elsewhere")
    client.force_login(AdminFactory())
    page = client.get(BOOK, {"clinic": other.pk})
    assert page.context["state"].clinic == other
    client.post(BOOK, newcomer(other))
    assert Appointment.objects.get().clinic == other


def cost(client, clinic):
    with CaptureQueriesContext(connection) as queries:
        ask(client, clinic, who="Patient", find="1")
    return len(queries)


def test_the_form_costs_as_many_queries_among_many_visits_as_among_few(client, nurse, clinic):
    AppointmentFactory(patient__clinic=clinic)
    few = cost(client, clinic)
    for number in range(20):
        AppointmentFactory(patient__clinic=clinic, starts_at=morning_in(1 + number, clinic))
    assert cost(client, clinic) == few
