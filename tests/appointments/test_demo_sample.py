from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts.audit import COMMAND
from accounts.models import Clinic
from appointments.demo.clinics import CLINICS, OPENING_HOURS, add_clinics
from appointments.demo.sample import SOONEST, VISITS_LATER, VISITS_SOON, sample_file, soon_slots
from appointments.file_import.importing import import_file
from appointments.file_import.reading import open_file
from appointments.models import Appointment
from appointments.reminding import queue_due_reminders
from messaging.models import Message

GABORONE = ZoneInfo("Africa/Gaborone")
# A week from a Monday, so that every weekday and both ends of the weekend are met at every hour.
EVERY_HOUR = [datetime(2026, 11, 16, 0, 7, tzinfo=GABORONE) + timedelta(hours=n) for n in range(7 * 24)]
AWKWARD = {
    "Friday evening": datetime(2026, 11, 20, 20, 0, tzinfo=GABORONE),
    "Saturday noon": datetime(2026, 11, 21, 12, 0, tzinfo=GABORONE),
    "Sunday before dawn": datetime(2026, 11, 22, 4, 0, tzinfo=GABORONE),
    "Sunday noon": datetime(2026, 11, 22, 12, 30, tzinfo=GABORONE),
    "midnight": datetime(2026, 11, 24, 0, 0, tzinfo=GABORONE),
    "New Year's Eve": datetime(2026, 12, 31, 23, 59, tzinfo=GABORONE),
}


@pytest.mark.parametrize("now", EVERY_HOUR, ids=lambda now: f"{now:%a-%H}")
def test_at_every_hour_of_a_week_some_visit_is_near_enough_to_be_reminded_of_at_once(now):
    slots = soon_slots(now.astimezone(UTC), GABORONE)
    assert slots
    assert all(SOONEST <= slot - now <= timedelta(hours=23) for slot in slots)


@pytest.mark.parametrize("now", EVERY_HOUR[::5], ids=lambda now: f"{now:%a-%H}")
def test_every_visit_is_within_opening_hours(now):
    for row in open_file(sample_file(now, GABORONE).encode()).records():
        if row.cells["reference"] < "SAMPLE-9":
            when = f"{row.cells['appointment_date']} {row.cells['appointment_time']}"
            visit = datetime.strptime(when, "%d/%m/%Y %H:%M").replace(tzinfo=GABORONE)
            opens, closes = OPENING_HOURS[str(visit.weekday())]
            assert opens <= f"{visit:%H:%M}" < closes


@pytest.mark.django_db
@pytest.mark.parametrize("now", AWKWARD.values(), ids=AWKWARD.keys())
def test_the_sample_has_reminders_due_at_once_in_both_clinics_and_languages(now):
    import_sample(now)
    queue_due_reminders(now=now + timedelta(minutes=2))
    sent = set(Message.objects.values_list("clinic__code", "language"))
    assert sent == {("GAB01", "tn"), ("GAB01", "en"), ("FRW02", "en"), ("FRW02", "tn")}


@pytest.mark.django_db
def test_all_rows_but_the_six_wrong_ones_become_appointments():
    report = import_sample(datetime(2026, 11, 20, 20, 0, tzinfo=GABORONE))
    assert (report.created, report.rejected) == (VISITS_SOON + VISITS_LATER, 6)
    assert Appointment.objects.count() == VISITS_SOON + VISITS_LATER


def import_sample(now):
    add_clinics(CLINICS, now=now)
    content = sample_file(now, GABORONE).encode()
    return import_file(open_file(content), clinics=Clinic.objects.all(), actor=COMMAND, now=now)
