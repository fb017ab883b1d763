"""Pages, cursors, order and filters, seen at the list of appointments."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.rest.times import read_moment
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory, ReminderFactory

pytestmark = pytest.mark.django_db
LIST = "/api/v1/appointments"
GABORONE = ZoneInfo("Africa/Gaborone")
NINE = datetime(2026, 12, 1, 9, tzinfo=GABORONE)


def book(clinic, starts_at, **fields):
    return AppointmentFactory(patient=PatientFactory(clinic=clinic), starts_at=starts_at, **fields)


def ids(answer):
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def walk(caller, url, way="next"):
    """All rows from a page on, a list a page."""
    pages = []
    while url:
        answer = caller.get(url)
        pages.append(ids(answer))
        url = answer.json()[way]
    return pages


def refused(answer, name=None, status=400):
    error = answer.json()["error"]
    return answer.status_code == status and (name is None or list(error["details"]) == [name])


def test_a_page_has_20_rows_the_count_and_the_way_on(caller, clinic):
    booked = [str(book(clinic, NINE + timedelta(hours=n)).pk) for n in range(45)]
    first = caller.get(LIST)
    assert first.json()["count"] == 45
    assert first.json()["previous"] is None
    assert ids(first) == booked[:20]
    assert walk(caller, LIST) == [booked[:20], booked[20:40], booked[40:]]


def test_the_way_back_is_there_too(caller, clinic):
    booked = [str(book(clinic, NINE + timedelta(hours=n)).pk) for n in range(5)]
    assert walk(caller, f"{LIST}?page=3&limit=2", "previous") == [booked[4:], booked[2:4], booked[:2]]


def test_what_a_deep_page_passes_over_is_not_joined_to_anything(caller, clinic):
    for n in range(3):
        book(clinic, NINE + timedelta(hours=n))
    with CaptureQueriesContext(connection) as queries:
        assert len(ids(caller.get(f"{LIST}?page=3&limit=1"))) == 1
    [passing_over] = [query["sql"] for query in queries if "OFFSET" in query["sql"]]
    assert "JOIN" not in passing_over
    assert passing_over.startswith('SELECT "appointments_appointment"."id"')


def test_an_empty_list_has_a_first_page(caller):
    assert caller.get(LIST).json() == {"count": 0, "next": None, "previous": None, "results": []}
    assert caller.get(f"{LIST}?cursor=").json() == {"next": None, "previous": None, "results": []}


def test_links_keep_what_was_asked_for(caller, clinic):
    for n in range(3):
        book(clinic, NINE + timedelta(hours=n))
    link = caller.get(f"{LIST}?limit=1&status=booked&sort=-created_at").json()["next"]
    assert {"limit=1", "status=booked", "sort=-created_at", "page=2"} <= set(link.split("?")[1].split("&"))


def test_a_page_past_the_end_is_not_there(caller, clinic):
    book(clinic, NINE)
    assert refused(caller.get(f"{LIST}?page=2"), status=404)
    for number in ("9" * 18, "9" * 23, "9" * 5000):
        assert refused(caller.get(LIST, {"page": number}), status=404)


@pytest.mark.parametrize("value", ["0", "101", "-1", "x", "", "1.5", "１", "9" * 5000])
def test_a_limit_is_from_1_to_100(caller, value):
    assert refused(caller.get(LIST, {"limit": value}), "limit")
    assert refused(caller.get(LIST, {"limit": value, "cursor": ""}), "limit")


@pytest.mark.parametrize("value", ["0", "00", "-1", "x", "", "1.5", "１"])
def test_a_page_is_a_number_from_1(caller, value):
    assert refused(caller.get(LIST, {"page": value}), "page")


def test_a_page_and_a_cursor_together_are_refused(caller):
    assert refused(caller.get(f"{LIST}?page=1&cursor="), "cursor")


@pytest.mark.parametrize("sort", ["appointment_datetime", "-appointment_datetime"])
def test_a_cursor_meets_every_row_once_though_many_share_a_time(caller, clinic, sort):
    rows = [book(clinic, NINE + timedelta(hours=n // 4)) for n in range(11)]
    rows.sort(key=lambda row: (row.starts_at, row.pk), reverse=sort.startswith("-"))
    expected = [str(row.pk) for row in rows]
    pages = walk(caller, f"{LIST}?cursor=&limit=3&sort={sort}")
    assert [key for page in pages for key in page] == expected
    assert [len(page) for page in pages] == [3, 3, 3, 2]


@pytest.mark.parametrize("sort", ["appointment_datetime", "-appointment_datetime", "patient_name", "-status"])
def test_a_cursor_leads_back_the_way_it_came(caller, clinic, sort):
    for n in range(7):
        book(clinic, NINE + timedelta(hours=n // 3))
    pages = walk(caller, f"{LIST}?cursor=&limit=3&sort={sort}")
    last = caller.get(f"{LIST}?cursor=&limit=3&sort={sort}").json()
    while last["next"]:
        last = caller.get(last["next"]).json()
    back = walk(caller, last["previous"], "previous")
    assert list(reversed(back)) == pages[:-1]


def test_rows_that_come_and_go_do_not_disturb_who_walks_by_cursor(caller, clinic):
    rows = [book(clinic, NINE + timedelta(hours=n)) for n in range(4)]
    first = caller.get(f"{LIST}?cursor=&limit=2").json()
    book(clinic, NINE - timedelta(hours=1))
    rows[0].delete()
    assert ids(caller.get(first["next"])) == [str(row.pk) for row in rows[2:]]


def of_people(clinic, names):
    patients = [PatientFactory(clinic=clinic, name=name) for name in names]
    return [AppointmentFactory(patient=patient, starts_at=NINE) for patient in patients]


@pytest.mark.parametrize("address", [f"{LIST}?sort=patient_name", "/api/v1/patients?sort=-name"])
def test_a_cursor_tells_no_name(caller, clinic, address):
    of_people(clinic, ["Mpho Moeng"] * 5)
    page = caller.get(f"{address}&cursor=&limit=2").json()
    page = caller.get(page["next"]).json()
    for link in (page["next"], page["previous"]):
        (cursor,) = parse_qs(urlsplit(link).query)["cursor"]
        told = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().lower()
        assert "mpho" not in told
        assert "moeng" not in told


@pytest.mark.parametrize("sort", ["patient_name", "-patient_name"])
def test_a_cursor_meets_every_row_once_though_many_share_a_name(caller, clinic, sort):
    rows = of_people(clinic, ["Kabo", "Mpho", "Kabo", "Neo", "Mpho", "Mpho", "Kabo"])
    rows.sort(key=lambda row: (row.patient.name, row.pk), reverse=sort.startswith("-"))
    pages = walk(caller, f"{LIST}?cursor=&limit=2&sort={sort}")
    assert [key for page in pages for key in page] == [str(row.pk) for row in rows]


def test_a_cursor_of_a_name_costs_one_query_more_than_the_first_page(
    caller, clinic, django_assert_num_queries
):
    of_people(clinic, ["Kabo", "Mpho"])
    link = caller.get(f"{LIST}?cursor=&limit=1&sort=patient_name").json()["next"]
    # The sign-in and its clinics, the cursor's row, the rows, their reminders.
    with django_assert_num_queries(5):
        caller.get(link)


def test_a_cursor_of_a_name_survives_that_its_row_leaves_the_filter(caller, clinic):
    kabo, mpho = of_people(clinic, ["Kabo", "Mpho"])
    link = caller.get(f"{LIST}?cursor=&limit=1&sort=patient_name&status=booked").json()["next"]
    type(kabo).objects.filter(pk=kabo.pk).update(status="missed")
    assert ids(caller.get(link)) == [str(mpho.pk)]


def test_a_cursor_of_a_name_whose_row_is_gone_is_refused(caller, clinic):
    kabo, _mpho = of_people(clinic, ["Kabo", "Mpho"])
    link = caller.get(f"{LIST}?cursor=&limit=1&sort=patient_name").json()["next"]
    kabo.delete()
    assert refused(caller.get(link), "cursor")


def test_a_cursor_of_another_clinics_row_is_refused(caller, clinic):
    of_people(clinic, ["Kabo", "Mpho"])
    (hidden,) = of_people(ClinicFactory(), ["Lesego"])
    cursor = forged(None, "patient_name", key=hidden.pk)
    assert refused(caller.get(LIST, {"cursor": cursor, "sort": "patient_name"}), "cursor")


def test_a_cursor_page_does_not_count(caller, clinic, django_assert_num_queries):
    book(clinic, NINE)
    # The sign-in and its clinics, the rows, their reminders.
    with django_assert_num_queries(4):
        answer = caller.get(f"{LIST}?cursor=")
    assert "count" not in answer.json()


@pytest.mark.parametrize("cursor", ["x", "e30", "WzEsMiwzLDRd", "W10", "é", "bnVsbA", "//8"])
def test_a_cursor_that_is_none_is_refused(caller, cursor):
    assert refused(caller.get(LIST, {"cursor": cursor}), "cursor")


def test_a_cursor_of_another_order_is_refused(caller, clinic):
    for n in range(2):
        book(clinic, NINE + timedelta(hours=n))
    link = caller.get(f"{LIST}?cursor=&limit=1").json()["next"]
    assert refused(caller.get(f"{link}&sort=-created_at"), "cursor")


@pytest.mark.parametrize(
    "name", ["appointment_datetime", "created_at", "updated_at", "patient_name", "status"]
)
def test_each_order_turns_round(caller, clinic, name):
    for n in range(4):
        moment = timezone.now() + timedelta(minutes=n)
        book(clinic, NINE + timedelta(hours=n), created_at=moment, status=["booked", "missed"][n % 2])
    there = ids(caller.get(LIST, {"sort": name}))
    assert len(there) == 4
    assert ids(caller.get(LIST, {"sort": f"-{name}"})) == list(reversed(there))


@pytest.mark.parametrize("sort", ["patient_phone", "clinic__name", "--status", "", "-"])
def test_no_other_order_is_taken(caller, sort):
    assert refused(caller.get(LIST, {"sort": sort}), "sort")


@pytest.mark.parametrize("name", ["stauts", "clinic", "starts_at__gte", "from_", "format"])
def test_an_unknown_parameter_is_refused_by_name(caller, name):
    assert refused(caller.get(LIST, {name: "x"}), name)


def test_a_parameter_given_twice_is_refused(caller):
    assert refused(caller.get(f"{LIST}?status=booked&status=missed"), "status")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("clinic_id", "GAB01"),
        ("patient_id", "1"),
        ("status", "lost"),
        ("language", "fr"),
        ("date", "tomorrow"),
        ("date", "2026-13-01"),
        ("date", "2026-12-01T09:30"),
        ("from", "x"),
        ("to", "2026-02-30"),
        ("from", "0001-01-01"),
        ("to", "9999-12-31"),
        ("patient_phone", "12"),
        ("search", "x\0"),
    ],
)
def test_a_filter_that_can_not_be_read_is_refused_by_name(caller, name, value):
    assert refused(caller.get(LIST, {name: value}), name)


@pytest.mark.parametrize("value", ["0001-01-01", "9999-12-31", "1899-12-31T23:59", "3000-01-01T00:00Z"])
@pytest.mark.parametrize("name", ["from", "to"])
def test_of_a_date_too_far_away_the_year_is_what_is_wrong(caller, name, value):
    said = caller.get(LIST, {name: value}).json()["error"]["details"]
    assert said == {name: ["The year must be between 1900 and 2999."]}


def test_a_refused_filter_does_not_repeat_what_was_sent(caller):
    for name in ("status", "patient_phone", "date"):
        assert "Mpho" not in caller.get(LIST, {name: "Mpho"}).content.decode()


def test_from_is_inclusive_and_to_is_exclusive(caller, clinic):
    early, nine, ten = (book(clinic, NINE + timedelta(hours=n)) for n in (-1, 0, 1))
    span = {"from": "2026-12-01T09:00:00+02:00", "to": "2026-12-01T10:00:00+02:00"}
    assert ids(caller.get(LIST, span)) == [str(nine.pk)]
    assert early != ten


def test_a_date_alone_in_to_includes_that_day(caller, clinic):
    today, tonight = book(clinic, NINE), book(clinic, NINE.replace(hour=23, minute=59))
    book(clinic, NINE + timedelta(days=1))
    span = {"from": "2026-12-01", "to": "2026-12-01"}
    assert ids(caller.get(LIST, span)) == [str(today.pk), str(tonight.pk)]


def test_a_day_is_the_clinics_own(caller, clinic):
    midnight = book(clinic, NINE.replace(hour=0))
    book(clinic, NINE.replace(hour=0) - timedelta(seconds=1))
    book(clinic, NINE.replace(hour=0) + timedelta(days=1))
    assert ids(caller.get(LIST, {"date": "2026-12-01"})) == [str(midnight.pk)]


def test_a_plus_that_was_not_encoded_is_understood(caller, clinic):
    nine = book(clinic, NINE)
    assert ids(caller.get(f"{LIST}?from=2026-12-01T09:00:00+02:00")) == [str(nine.pk)]
    assert ids(caller.get(f"{LIST}?from=2026-12-01T09:00:01+02:00")) == []


def test_a_time_without_offset_is_on_the_clock_of_the_callers_only_clinic(api):
    clinic = ClinicFactory(time_zone="Africa/Lagos")
    nine = book(clinic, datetime(2026, 12, 1, 9, tzinfo=ZoneInfo("Africa/Lagos")))
    caller = api(StaffFactory(clinics=[clinic]))
    assert ids(caller.get(f"{LIST}?from=2026-12-01T09:00")) == [str(nine.pk)]
    assert ids(caller.get(f"{LIST}?from=2026-12-01T09:01")) == []


def test_a_time_without_offset_is_on_the_clock_of_the_clinic_asked_about(api):
    lagos = ClinicFactory(time_zone="Africa/Lagos")
    nine = book(lagos, datetime(2026, 12, 1, 9, tzinfo=ZoneInfo("Africa/Lagos")))
    ClinicFactory()
    caller = api(AdminFactory())
    assert ids(caller.get(f"{LIST}?clinic_id={lagos.pk}&from=2026-12-01T09:00")) == [str(nine.pk)]
    # For several clinics, the site's: nine in Lagos is ten in Gaborone.
    assert ids(caller.get(f"{LIST}?from=2026-12-01T10:01")) == []
    assert ids(caller.get(f"{LIST}?from=2026-12-01T10:00")) == [str(nine.pk)]


def test_a_date_is_the_start_of_its_day_or_its_end():
    assert read_moment("2026-12-01", GABORONE) == NINE.replace(hour=0)
    assert read_moment("2026-12-01", GABORONE, whole_day=True) == NINE.replace(day=2, hour=0)


@pytest.mark.parametrize("paging", ["page=1", "cursor="])
def test_a_list_takes_as_many_queries_for_one_row_as_for_many(
    caller, clinic, django_assert_max_num_queries, paging
):
    def queries(rows):
        for n in range(rows):
            ReminderFactory(appointment=book(clinic, NINE + timedelta(hours=n)))
        with django_assert_max_num_queries(20) as asked:
            caller.get(f"{LIST}?limit=100&{paging}")
        return len(asked)

    assert queries(1) == queries(30)


def forged(value, sort="appointment_datetime", key=None):
    packed = json.dumps([sort, value, str(key or uuid4()), False]).encode()
    return urlsafe_b64encode(packed).decode().rstrip("=")


@pytest.mark.parametrize(
    ("sort", "value"),
    [
        ("appointment_datetime", "0001-01-01T00:00:00+14:00"),
        ("appointment_datetime", "9999-12-31T23:59:59-14:00"),
        ("patient_name", "\ud800"),
        ("patient_name", "\0"),
        ("patient_name", "Mpho"),
        ("patient_name", None),
    ],
)
def test_a_forged_cursor_is_refused(caller, sort, value):
    answer = caller.get(LIST, {"cursor": forged(value, sort), "sort": sort})
    assert refused(answer, "cursor")
