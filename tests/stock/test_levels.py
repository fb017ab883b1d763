"""Which items a clinic keeps, and what its thresholds may be."""

import threading
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import connection

from accounts.audit import SYSTEM
from accounts.models import AuditEntry
from common.errors import NotFound, ValidationFailed, VersionConflict
from stock.entries import Entry
from stock.levels import change_level, destinations, start_level
from stock.models import StockLevel
from tests.factories.accounts import ClinicFactory
from tests.factories.stock import ItemFactory, StockLevelFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def start(**given):
    given = {"clinic": ClinicFactory(), "item": ItemFactory(), **given}
    return start_level(actor=SYSTEM, now=NOW, **given)


def change(level, **given):
    return change_level(level_id=level.pk, actor=SYSTEM, now=NOW, **given)


def test_a_level_starts_at_zero_with_its_thresholds_in_the_audit_log():
    level = start(reorder_level=20, max_level=100)
    assert (level.on_hand, level.reorder_level, level.max_level) == (0, 20, 100)
    [entry] = AuditEntry.objects.filter(action="started", object_id=level.pk)
    assert (entry.changes["reorder_level"], entry.changes["max_level"]) == ([None, 20], [None, 100])


def test_a_clinic_without_hours_is_taken_to_be_open_every_day():
    assert start(clinic=ClinicFactory(opening_hours={})).open_weekdays == 0b1111111


def test_a_clinic_keeps_an_item_once():
    level = start()
    with pytest.raises(ValidationFailed) as refusal:
        start(clinic=level.clinic, item=level.item)
    assert set(refusal.value.details) == {"item_id"}
    assert StockLevel.objects.count() == 1


def test_only_what_changed_is_told_and_makes_a_new_version():
    level = start(reorder_level=20)
    changed = change(level, reorder_level=30, lead_time_days=level.lead_time_days)
    assert changed.version == level.version + 1
    assert AuditEntry.objects.get(action="changed").changes == {"reorder_level": [20, 30]}


def test_a_change_that_changes_nothing_leaves_no_trace():
    level = start(reorder_level=20)
    assert change(level, reorder_level=20).version == level.version
    assert not AuditEntry.objects.filter(action="changed").exists()


def test_what_somebody_has_changed_meanwhile_is_not_overwritten():
    level = start(reorder_level=20)
    change(level, reorder_level=30)
    with pytest.raises(VersionConflict):
        change(level, version=level.version, reorder_level=40)
    assert StockLevel.objects.get().reorder_level == 30


def test_a_level_that_there_is_not_is_not_changed():
    with pytest.raises(NotFound):
        change_level(level_id=uuid4(), actor=SYSTEM, now=NOW, reorder_level=1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("on_hand", 5),
        ("reorder_level", -1),
        ("reorder_level", True),
        ("reorder_level", "20"),
        ("max_level", 0),
        ("max_level", 1_000_000_001),
        ("lead_time_days", None),
        ("lead_time_days", 0),
        ("review_days", None),
        ("review_days", 366),
        ("manual_daily_usage", 0),
        ("manual_daily_usage", 0.00001),
        ("manual_daily_usage", True),
        ("manual_daily_usage", "5"),
        ("manual_daily_usage", float("nan")),
        ("manual_daily_usage", 2e7),
    ],
)
def test_what_can_not_be_a_threshold_names_its_field_and_changes_nothing(field, value):
    level = start(reorder_level=20)
    with pytest.raises(ValidationFailed) as refusal:
        change(level, **{field: value})
    assert set(refusal.value.details) == {field}
    assert (
        StockLevel.objects.values().get() == StockLevel.objects.filter(version=level.version).values().get()
    )


@pytest.mark.parametrize(("least", "most"), [(20, 20), (20, 19)])
def test_the_most_to_keep_is_more_than_the_reorder_level(least, most):
    with pytest.raises(ValidationFailed) as refusal:
        start(reorder_level=least, max_level=most)
    assert set(refusal.value.details) == {"max_level"}


@pytest.mark.parametrize("field", ["reorder_level", "max_level", "manual_daily_usage"])
def test_a_threshold_can_be_taken_away(field):
    level = start(**{field: 20})
    assert getattr(change(level, **{field: None}), field) is None


def test_usage_by_hand_is_units_a_day():
    level = change(start(), manual_daily_usage=3)
    assert (level.manual_daily_usage, level.daily_usage) == (3.0, 3.0)


# Where a transfer goes


def sent(level, clinic_id):
    return Entry(level.pk, "transfer_out", 1, to_clinic_id=clinic_id)


def test_a_transfer_goes_to_the_other_clinics_level_which_is_started_once_if_need_be():
    level, other = start(), ClinicFactory()
    found = destinations([sent(level, other.pk)] * 2, actor=SYSTEM, now=NOW)
    made = StockLevel.objects.get(clinic=other, item=level.item)
    assert found == {(level.pk, other.pk): made.pk}
    assert destinations([sent(level, other.pk)], actor=SYSTEM, now=NOW) == found


def test_what_has_no_place_to_go_is_missing_and_starts_nothing():
    level = start()
    entries = [
        sent(level, uuid4()),
        sent(level, level.clinic_id),
        Entry(uuid4(), "transfer_out", 1, to_clinic_id=ClinicFactory().pk),
        Entry(level.pk, "issue", 1),
    ]
    assert destinations(entries, actor=SYSTEM, now=NOW) == {}
    assert StockLevel.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_level_that_several_start_in_one_moment_is_one_and_all_find_it():
    level, other = StockLevelFactory(), ClinicFactory()
    together, found = threading.Barrier(4), []

    def send():
        together.wait()
        found.append(destinations([sent(level, other.pk)], actor=SYSTEM, now=NOW))
        connection.close()

    threads = [threading.Thread(target=send) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = StockLevel.objects.get(clinic=other)
    assert found == [{(level.pk, other.pk): made.pk}] * 4
