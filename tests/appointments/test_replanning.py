from datetime import UTC, datetime, timedelta

import pytest
from django_q.models import OrmQ

from accounts.audit import SYSTEM
from accounts.services import change_clinic
from appointments import replanning
from appointments.models import Reminder, ReminderState
from appointments.reminding import queue_due_reminders
from appointments.replanning import plan_by_new_rules
from appointments.services import book, cancel
from messaging.models import Message
from tests.factories.accounts import ClinicFactory
from tests.factories.appointments import PatientFactory

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clinic(db):
    return ClinicFactory(quiet_from=None, quiet_to=None, reminder_hours_before=[168, 24])


def visit(clinic, *, hours):
    patient = PatientFactory(clinic=clinic)
    return book(clinic=clinic, patient=patient, starts_at=NOW + hours * HOUR, actor=SYSTEM, now=NOW)


def planned(appointment):
    reminders = Reminder.objects.filter(appointment=appointment, state=ReminderState.PLANNED)
    return sorted(reminders.values_list("hours_before", flat=True))


def by_new_rules(clinic, rules, *, now=NOW):
    change_clinic(clinic.pk, reminder_hours_before=rules, actor=SYSTEM, now=now)
    plan_by_new_rules(clinic.pk, now=now)


def test_visits_to_come_are_planned_by_the_new_rules(clinic):
    far, near = visit(clinic, hours=300), visit(clinic, hours=30)
    by_new_rules(clinic, [48, 2])
    assert (planned(far), planned(near)) == ([2, 48], [2])


def test_without_rules_nothing_is_planned(clinic):
    appointment = visit(clinic, hours=300)
    by_new_rules(clinic, [])
    assert planned(appointment) == []


def test_what_has_left_is_not_sent_again(clinic):
    appointment = visit(clinic, hours=24)
    queue_due_reminders(now=NOW)
    for rules in ([168], [24, 168], [24]):
        by_new_rules(clinic, rules, now=NOW + HOUR)
        queue_due_reminders(now=NOW + HOUR)
    assert Message.objects.count() == 1
    assert planned(appointment) == []


def test_a_rule_that_is_past_is_for_who_would_not_be_reminded_at_all(clinic):
    unreminded = visit(clinic, hours=30)
    by_new_rules(clinic, [48])
    assert planned(unreminded) == [48]
    assert queue_due_reminders(now=NOW) == 1


def test_cancelled_and_past_visits_and_other_clinics_are_left_alone(clinic):
    cancelled, past = visit(clinic, hours=300), visit(clinic, hours=25)
    cancel(cancelled.pk, actor=SYSTEM, now=NOW)
    elsewhere = visit(ClinicFactory(), hours=300)
    by_new_rules(clinic, [2], now=NOW + 26 * HOUR)
    assert (planned(cancelled), planned(past), planned(elsewhere)) == ([], [24], [24, 168])


def test_a_second_run_changes_nothing(clinic):
    visit(clinic, hours=300)
    by_new_rules(clinic, [48])
    keys = list(Reminder.objects.values_list("pk"))
    plan_by_new_rules(clinic.pk, now=NOW)
    assert list(Reminder.objects.values_list("pk")) == keys


def test_many_visits_are_planned_in_batches(clinic, monkeypatch):
    monkeypatch.setattr(replanning, "BATCH", 2)
    appointments = [visit(clinic, hours=300 + n) for n in range(5)]
    by_new_rules(clinic, [48])
    assert [planned(appointment) for appointment in appointments] == [[48]] * 5


def test_only_new_rules_set_the_background_to_work(clinic):
    change_clinic(clinic.pk, name="New name", actor=SYSTEM, now=NOW)
    assert OrmQ.objects.count() == 0
    change_clinic(clinic.pk, reminder_hours_before=[48], actor=SYSTEM, now=NOW)
    assert OrmQ.objects.get().task["args"] == (str(clinic.pk),)
