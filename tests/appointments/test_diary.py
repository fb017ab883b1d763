from datetime import UTC, date, datetime, timedelta

import pytest

from appointments.diary import MOST_SHOWN, Diary, Visit
from appointments.errors import AppointmentConflict, InTheWay
from appointments.models import Closure
from common.ids import new_id
from tests.factories.accounts import ClinicFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory

NINE = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def clinic(**fields):
    return ClinicFactory.build(**{"id": new_id(), "time_zone": "UTC", **fields})


def visit(where, starts_at=NINE, minutes=30, patient=None) -> Visit:
    return Visit(new_id(), where.pk, patient or new_id(), starts_at, starts_at + minutes * MINUTE)


def diary_with(*visits: Visit) -> Diary:
    diary = Diary()
    for each in visits:
        diary.put(each)
    return diary


def refusal(diary, wanted, where) -> AppointmentConflict:
    with pytest.raises(AppointmentConflict) as refused:
        diary.check(wanted, where)
    return refused.value


@pytest.mark.parametrize(
    ("starts_at", "minutes", "in_the_way"),
    [
        (NINE - 30 * MINUTE, 30, False),
        (NINE - 30 * MINUTE, 31, True),
        (NINE + 29 * MINUTE, 30, True),
        (NINE + 30 * MINUTE, 30, False),
        (NINE - HOUR, 180, True),
        (NINE + 10 * MINUTE, 5, True),
    ],
)
def test_visits_overlap_when_they_share_a_moment(starts_at, minutes, in_the_way):
    where, patient = clinic(slot_capacity=None), new_id()
    diary = diary_with(visit(where, patient=patient))
    assert diary.has_room(visit(where, starts_at, minutes, patient), where) is not in_the_way


def test_a_patients_other_visit_is_named_by_its_time_and_number_only():
    where, patient = clinic(time_zone="Africa/Gaborone"), new_id()
    other = visit(where, patient=patient)
    refused = refusal(diary_with(other), visit(where, patient=patient), where)
    assert refused.reason == InTheWay.PATIENT
    assert "01.12.2026 11:00" in str(refused)
    assert set(refused.details) == {"appointment_datetime"}
    assert refused.facts["conflicts_with"] == [
        {
            "id": str(other.appointment_id),
            "appointment_datetime": "2026-12-01T11:00:00+02:00",
            "duration_minutes": 30,
        }
    ]


def test_a_full_clinic_names_its_capacity_and_what_is_in_the_way_in_order():
    where = clinic(slot_capacity=2)
    late, early = visit(where, NINE + 5 * MINUTE), visit(where, NINE - 5 * MINUTE)
    refused = refusal(diary_with(late, early), visit(where), where)
    assert refused.reason == InTheWay.CLINIC_FULL
    assert "2 at once" in str(refused)
    assert set(refused.details) == {"appointment_datetime"}
    shown = [fact["id"] for fact in refused.facts["conflicts_with"]]
    assert shown == [str(early.appointment_id), str(late.appointment_id)]


def test_no_more_than_twenty_are_named():
    where = clinic(slot_capacity=1)
    diary = diary_with(*(visit(where) for _number in range(MOST_SHOWN + 1)))
    assert len(refusal(diary, visit(where), where).facts["conflicts_with"]) == MOST_SHOWN


def test_room_is_counted_within_the_visit_and_an_end_makes_room():
    where = clinic(slot_capacity=2)
    follow_each_other = [visit(where, NINE, 15), visit(where, NINE + 15 * MINUTE, 15)]
    assert diary_with(*follow_each_other).has_room(visit(where), where)
    at_once = [visit(where, NINE, 16), visit(where, NINE + 15 * MINUTE, 15)]
    assert not diary_with(*at_once).has_room(visit(where), where)


def test_each_end_makes_room_for_one():
    where = clinic(slot_capacity=3)
    ends = visit(where, NINE, 10)
    go_on = [visit(where, NINE + minutes * MINUTE, 20) for minutes in (0, 10, 10)]
    assert not diary_with(ends, *go_on).has_room(visit(where), where)


def test_all_visits_of_a_patient_count():
    where, patient = clinic(slot_capacity=None), new_id()
    diary = diary_with(visit(where, patient=patient), visit(where, NINE + HOUR, patient=patient))
    assert not diary.has_room(visit(where, patient=patient), where)
    assert not diary.has_room(visit(where, NINE + HOUR, patient=patient), where)


def test_what_overlapped_before_the_visit_began_does_not_fill_it():
    where = clinic(slot_capacity=2)
    ended = visit(where, NINE - HOUR, 60)
    going_on = visit(where, NINE - HOUR, 90)
    assert diary_with(ended, going_on).has_room(visit(where), where)


def test_other_clinics_visits_take_no_room():
    here, there = clinic(slot_capacity=1), clinic(slot_capacity=1)
    assert diary_with(visit(there)).has_room(visit(here), here)


def test_a_visit_that_is_moved_is_not_in_its_own_way():
    where = clinic(slot_capacity=1)
    before = visit(where)
    after = Visit(before.appointment_id, where.pk, before.patient_id, NINE + MINUTE, NINE + HOUR)
    diary = diary_with(before)
    assert diary.has_room(after, where)
    diary.put(after)
    assert diary.has_room(visit(where, NINE, 1), where)
    assert not diary.has_room(visit(where, NINE + 50 * MINUTE), where)


def test_a_visit_taken_out_leaves_its_place_to_the_patient_and_the_clinic():
    where, patient = clinic(slot_capacity=1), new_id()
    old = visit(where, patient=patient)
    diary = diary_with(old)
    diary.remove(old.appointment_id)
    assert diary.has_room(visit(where, patient=patient), where)
    diary.remove(old.appointment_id)
    assert diary.has_room(visit(where), where)


@pytest.fixture
def stored(db):
    return AppointmentFactory(starts_at=NINE, patient=PatientFactory(clinic=ClinicFactory(slot_capacity=1)))


def found(load, where, patient_id) -> bool:
    """Whether what `load` reads into a diary is in the patient's way."""
    diary = Diary()
    load(diary)
    return not diary.has_room(visit(where, patient=patient_id), where)


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ((NINE + 29 * MINUTE, NINE + HOUR), True),
        ((NINE + 30 * MINUTE, NINE + HOUR), False),
        ((NINE - HOUR, NINE + MINUTE), True),
        ((NINE - HOUR, NINE), False),
        ((NINE - DAY, NINE + DAY), True),
    ],
)
def test_what_touches_the_span_is_read(stored, span, expected):
    where = stored.clinic
    ids = [stored.patient_id]
    assert found(lambda diary: diary.load_patients(ids, span), where, stored.patient_id) is expected
    assert found(lambda diary: diary.load_clinic(where.pk, [span]), where, stored.patient_id) is expected


def test_a_visit_of_a_whole_day_is_read_to_its_end(db):
    long = AppointmentFactory(starts_at=NINE, duration_minutes=1440)
    diary = Diary()
    last = (NINE + DAY - MINUTE, NINE + DAY + HOUR)
    diary.load_patients([long.patient_id], last)
    assert not diary.has_room(visit(long.clinic, last[0], patient=long.patient_id), long.clinic)


def test_nothing_is_read_for_no_spans(stored, django_assert_num_queries):
    with django_assert_num_queries(0):
        Diary().load_clinic(stored.clinic_id, [])


def test_spans_far_apart_are_read_without_what_lies_between(stored):
    around = [(NINE - 3 * DAY, NINE - 2 * DAY), (NINE + 2 * DAY, NINE + 3 * DAY)]
    where = stored.clinic
    assert not found(lambda diary: diary.load_clinic(where.pk, around), where, stored.patient_id)


def test_spans_within_a_day_of_each_other_are_read_as_one(stored):
    near = [(NINE + 2 * HOUR, NINE + 3 * HOUR), (NINE - 3 * HOUR, NINE - 2 * HOUR)]
    where = stored.clinic
    assert found(lambda diary: diary.load_clinic(where.pk, near), where, stored.patient_id)


def test_a_span_within_another_does_not_shorten_it(stored):
    spans = [(NINE - 2 * HOUR, NINE + HOUR), (NINE - HOUR, NINE - 30 * MINUTE)]
    where = stored.clinic
    assert found(lambda diary: diary.load_clinic(where.pk, spans), where, stored.patient_id)


def test_a_visit_moved_or_taken_out_here_is_not_read_back(stored):
    where, span = stored.clinic, (NINE, NINE + HOUR)
    moved = Visit(stored.pk, where.pk, stored.patient_id, NINE + 5 * HOUR, NINE + 6 * HOUR)
    diary = diary_with(moved)
    diary.load_clinic(where.pk, [span])
    assert diary.has_room(visit(where), where)
    diary.remove(stored.pk)
    diary.load_clinic(where.pk, [span])
    assert diary.has_room(visit(where), where)


def test_a_visit_put_back_after_it_was_taken_out_is_there_and_may_be_dropped_and_read_again(stored):
    where = stored.clinic
    diary = Diary()
    diary.remove(stored.pk)
    diary.put(Visit.of(stored))
    assert not diary.has_room(visit(where), where)
    diary.forget(stored.pk)
    assert diary.has_room(visit(where), where)
    diary.load_clinic(where.pk, [(NINE, NINE + HOUR)])
    assert not diary.has_room(visit(where), where)


def test_a_stored_visit_has_its_patient_its_clinic_and_its_time(stored):
    assert Visit.of(stored) == Visit(stored.pk, stored.clinic_id, stored.patient_id, NINE, NINE + 30 * MINUTE)


def test_what_is_over_is_not_read(stored):
    stored.status = "cancelled"
    stored.save()
    where = stored.clinic
    span = (NINE, NINE + HOUR)
    assert not found(lambda diary: diary.load_clinic(where.pk, [span]), where, stored.patient_id)


@pytest.mark.parametrize(
    ("starts_at", "minutes", "is_open"),
    [
        (datetime(2026, 12, 24, 21, 0, tzinfo=UTC), 60, True),
        (datetime(2026, 12, 24, 21, 0, tzinfo=UTC), 61, False),
        (datetime(2026, 12, 24, 22, 0, tzinfo=UTC), 30, False),
        (datetime(2026, 12, 25, 21, 59, tzinfo=UTC), 30, False),
        (datetime(2026, 12, 25, 22, 0, tzinfo=UTC), 30, True),
    ],
)
def test_a_closed_day_is_a_day_of_the_clinics_clock(db, starts_at, minutes, is_open):
    where = ClinicFactory(time_zone="Africa/Gaborone")
    Closure.objects.create(clinic=where, date=date(2026, 12, 25), created_at=NINE)
    wanted = visit(where, starts_at, minutes)
    diary = Diary()
    diary.load_closures([where], (wanted.starts_at, wanted.ends_at))
    if is_open:
        diary.check_open(wanted, where)
    else:
        with pytest.raises(AppointmentConflict) as refused:
            diary.check_open(wanted, where)
        assert refused.value.reason == InTheWay.CLOSED
        assert set(refused.value.details) == {"appointment_datetime"}
    assert diary.has_room(wanted, where) is is_open


def test_another_clinics_closed_day_closes_nothing_here(db):
    here, there = ClinicFactory(), ClinicFactory()
    Closure.objects.create(clinic=there, date=NINE.date(), created_at=NINE)
    diary = Diary()
    diary.load_closures([here, there], (NINE, NINE + HOUR))
    diary.check_open(visit(here), here)
