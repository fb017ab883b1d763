import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from accounts.audit import Actor
from accounts.models import AuditEntry
from common.errors import NotFound
from common.ids import new_id
from messaging.alarm_words import advice, in_words
from messaging.alarms import (
    Finding,
    acknowledge_alarm,
    close_alarm,
    close_over,
    close_silent,
    open_alarms,
    open_by_kind,
    raise_alarm,
)
from messaging.models import Alarm, AlarmKind
from messaging.signals import alarm_opened
from tests.clock import NOW
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, UserFactory
from tests.factories.messaging import AlarmFactory

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=5)
DOWN = Finding(AlarmKind.PROVIDER_DOWN, "twilio", {"code": "READ_TIMEOUT"})


def test_what_is_found_again_stays_one_alarm_that_was_seen_later():
    assert raise_alarm(DOWN, now=NOW)
    assert not raise_alarm(DOWN, now=LATER)
    alarm = Alarm.objects.get()
    assert (alarm.opened_at, alarm.seen_at) == (NOW, LATER)


def test_another_subject_is_another_alarm():
    raise_alarm(DOWN, now=NOW)
    raise_alarm(Finding(AlarmKind.PROVIDER_DOWN, "smsgate"), now=NOW)
    assert Alarm.objects.count() == 2


def test_what_comes_back_after_it_was_over_is_a_new_alarm():
    raise_alarm(DOWN, now=NOW)
    close_over({DOWN.kind}, set(), now=NOW)
    assert raise_alarm(DOWN, now=LATER)
    assert Alarm.objects.filter(closed_at__isnull=True).count() == 1


def test_opening_is_logged_as_an_error_once_and_told_to_whoever_listens(
    caplog, django_capture_on_commit_callbacks
):
    told = []

    def listen(alarm, **_):
        told.append(alarm.kind)

    alarm_opened.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            raise_alarm(DOWN, now=NOW)
            raise_alarm(DOWN, now=LATER)
    finally:
        alarm_opened.disconnect(listen)
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert (told, errors) == (["provider_down"], ["ALARM provider_down: twilio"])


def test_a_listener_that_fails_does_not_stop_the_alarm(caplog, django_capture_on_commit_callbacks):
    def fail(**_):
        raise RuntimeError("+26771000001")

    alarm_opened.connect(fail)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            raise_alarm(DOWN, now=NOW)
    finally:
        alarm_opened.disconnect(fail)
    assert Alarm.objects.filter(closed_at__isnull=True).exists()


def test_only_what_is_still_true_stays_open():
    over, still = AlarmFactory(subject="a"), AlarmFactory(subject="b")
    other = AlarmFactory(kind=AlarmKind.BALANCE_LOW)
    close_over({AlarmKind.PROVIDER_DOWN}, {("provider_down", "b")}, now=LATER)
    assert set(Alarm.objects.filter(closed_at__isnull=True)) == {still, other}
    over.refresh_from_db()
    assert over.closed_at == LATER


def test_what_was_found_while_the_round_was_under_way_stays_open():
    alarm = AlarmFactory(opened_at=LATER)
    close_over({AlarmKind.PROVIDER_DOWN}, set(), now=NOW)
    alarm.refresh_from_db()
    assert alarm.closed_at is None


def test_what_was_not_found_again_for_a_day_is_over():
    old = AlarmFactory(kind=AlarmKind.FILTERED, opened_at=NOW - timedelta(days=2))
    new = AlarmFactory(kind=AlarmKind.FILTERED, opened_at=NOW)
    close_silent({AlarmKind.FILTERED}, unseen_since=NOW - timedelta(days=1), now=NOW)
    assert set(Alarm.objects.filter(closed_at__isnull=True)) == {new}
    old.refresh_from_db()
    assert old.closed_at == NOW


@pytest.mark.parametrize(("step", "word"), [(acknowledge_alarm, "acknowledged"), (close_alarm, "closed")])
def test_what_a_person_does_with_an_alarm_is_recorded_once(step, word):
    alarm, admin = AlarmFactory(), AdminFactory()
    for _ in range(2):
        step(alarm.pk, actor=Actor.of(admin), now=LATER)
    entry = AuditEntry.objects.get(object_id=alarm.pk)
    assert (entry.action, entry.actor_id) == (word, admin.pk)


def test_an_alarm_that_somebody_looks_after_stays_open():
    alarm = AlarmFactory()
    acknowledge_alarm(alarm.pk, actor=Actor.of(AdminFactory(username="thabo")), now=LATER)
    alarm.refresh_from_db()
    assert (alarm.closed_at, alarm.acknowledged_by) == (None, "thabo")


def test_what_is_no_alarm_can_not_be_closed():
    with pytest.raises(NotFound):
        close_alarm(new_id(), actor=Actor.of(AdminFactory()), now=NOW)


def test_staff_see_the_alarms_of_their_clinics_and_those_of_providers():
    mine, other = ClinicFactory(), ClinicFactory()
    seen = {AlarmFactory(clinic=mine), AlarmFactory()}
    hidden = AlarmFactory(clinic=other)
    assert set(open_alarms(StaffFactory(clinics=[mine]))) == seen
    assert set(open_alarms(AdminFactory())) == {*seen, hidden}
    assert set(open_alarms(UserFactory())) == set()


@pytest.mark.parametrize("kind", AlarmKind)
def test_each_alarm_has_words_and_says_what_to_do(kind):
    alarm = AlarmFactory(kind=kind, facts={})
    assert in_words(alarm)
    assert advice(alarm)


def test_open_alarms_are_counted_by_kind():
    AlarmFactory.create_batch(2)
    AlarmFactory(closed_at=LATER)
    counted = open_by_kind()
    assert (counted["provider_down"], counted["balance_low"]) == (2, 0)


@pytest.mark.django_db(transaction=True)
def test_workers_that_find_the_same_in_one_moment_open_one_alarm():
    together = Barrier(4)

    def find(_number):
        together.wait()
        try:
            return raise_alarm(DOWN, now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as workers:
        opened = list(workers.map(find, range(4)))
    assert sorted(opened) == [False, False, False, True]
    assert Alarm.objects.count() == 1
