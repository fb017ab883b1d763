from datetime import datetime, timedelta

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from accounts.models import Clinic
from appointments.models import Appointment, ConsentSource, Patient, Reminder
from tests.factories.accounts import ClinicFactory


def morning_in(days: int, clinic: Clinic) -> datetime:
    """09:00 at the clinic, so many days from today."""
    day = timezone.now().astimezone(clinic.zone) + timedelta(days=days)
    return day.replace(hour=9, minute=0, second=0, microsecond=0)


class PatientFactory(DjangoModelFactory[Patient]):
    """Agrees to be texted. `name_key` follows the name only roughly: case and outer spaces."""

    class Meta:
        model = Patient

    clinic = factory.SubFactory(ClinicFactory)
    name = factory.Sequence(lambda n: f"Patient {n}")
    name_key = factory.LazyAttribute(lambda patient: patient.name.strip().casefold())
    phone = factory.Sequence(lambda n: f"+26771{n:06d}")
    consent = True
    consent_source = ConsentSource.NURSE
    consent_at = factory.LazyFunction(timezone.now)
    created_at = factory.LazyFunction(timezone.now)
    updated_at = factory.SelfAttribute("created_at")


class AppointmentFactory(DjangoModelFactory[Appointment]):
    """Booked for 09:00 at the clinic in a week, for half an hour, without reminders.

    The clinic is the patient's: give `patient`, or `patient__clinic`.
    """

    class Meta:
        model = Appointment

    patient = factory.SubFactory(PatientFactory)
    clinic = factory.SelfAttribute("patient.clinic")
    starts_at = factory.LazyAttribute(lambda appointment: morning_in(7, appointment.clinic))
    duration_minutes = 30
    ends_at = factory.LazyAttribute(
        lambda appointment: appointment.starts_at + timedelta(minutes=appointment.duration_minutes)
    )
    language = factory.SelfAttribute("clinic.default_language")
    created_at = factory.LazyFunction(timezone.now)
    updated_at = factory.SelfAttribute("created_at")


class ReminderFactory(DjangoModelFactory[Reminder]):
    """Planned a day before the appointment."""

    class Meta:
        model = Reminder

    appointment = factory.SubFactory(AppointmentFactory)
    hours_before = 24
    visit_at = factory.SelfAttribute("appointment.starts_at")
    due_at = factory.LazyAttribute(
        lambda reminder: reminder.visit_at - timedelta(hours=reminder.hours_before)
    )
