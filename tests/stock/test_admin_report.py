import csv
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.audit import SYSTEM
from stock.balances import balances_by_day
from stock.models import StockLevel
from stock.orders import place_order
from tests.factories.accounts import ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.stock import moved, stocked

pytestmark = pytest.mark.django_db

REPORT = reverse("admin:stock_stocklevel_report")
REPORT_CSV = reverse("admin:stock_stocklevel_report_csv")
LEVELS_CSV = reverse("admin:stock_stocklevel_export")
LEDGER_CSV = reverse("admin:stock_stocklevel_ledger")


@pytest.fixture
def clinic():
    return ClinicFactory(name="Bontleng")


@pytest.fixture
def manager(client, clinic):
    manager = StaffFactory(clinics=[clinic])
    client.force_login(manager)
    return manager


def low(clinic, name="Low", **item):
    return stocked(9, clinic=clinic, item__name=name, reorder_level=10, **item)


def lines(page):
    return [line for _title, lines in page.context["groups"] for line in lines]


def names(page):
    return [line.level.item.name for line in lines(page)]


def levels(client, query=""):
    return client.post(LEVELS_CSV + query, {"resource": "0", "format": "0"})


def table(answer):
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


# The report


def test_the_report_shows_what_is_low_the_most_urgent_first(client, manager, clinic):
    low(clinic)
    stocked(500, clinic=clinic, item__name="Enough", reorder_level=10)
    out = stocked(1, clinic=clinic, item__name="Out", reorder_level=10)
    moved(out, "issue", 1)
    stocked(4, clinic=clinic, item__name="Critical", reorder_level=10)
    page = client.get(REPORT)
    assert names(page) == ["Out", "Critical", "Low"]
    assert [title.partition(":")[0] for title, _lines in page.context["groups"]] == [
        "Out of stock",
        "Critical",
        "Low",
    ]


def test_the_report_says_what_to_order_by_when(client, manager, clinic):
    today = timezone.now().astimezone(clinic.zone).date()
    level = low(clinic)
    StockLevel.objects.filter(pk=level.pk).update(
        suggested_order=40, runs_out_on=today + timedelta(days=30), lead_time_days=20
    )
    (row,) = table(client.get(REPORT_CSV))
    assert (row["suggested_order"], row["order_by"]) == ("40", str(today + timedelta(days=10)))
    StockLevel.objects.filter(pk=level.pk).update(runs_out_on=today + timedelta(days=5))
    assert table(client.get(REPORT_CSV))[0]["order_by"] == str(today)
    assert lines(client.get(REPORT))[0].order_by == "today"


def test_a_delivery_that_is_late_is_named(client, manager, clinic):
    level = low(clinic)
    past = timezone.now() - timedelta(days=40)
    place_order(
        level_id=level.pk, quantity=5, ordered_on=past.date(), expected_on=past.date(), actor=SYSTEM,
        now=timezone.now(),
    )  # fmt: skip
    assert "late" in lines(client.get(REPORT))[0].on_order


def test_the_report_is_filtered_by_clinic_status_and_vital(client, manager, clinic):
    other = ClinicFactory()
    manager.clinics.add(other)
    low(clinic, "Here", item__vital=True)
    low(other, "There")
    assert names(client.get(REPORT, {"clinic": other.pk})) == ["There"]
    assert names(client.get(REPORT, {"vital": "yes"})) == ["Here"]
    assert names(client.get(REPORT, {"status": "out"})) == []
    assert [(each["clinic__name"], each["low"]) for each in client.get(REPORT).context["sums"]] == [
        ("Bontleng", 1),
        (other.name, 1),
    ]


@pytest.mark.parametrize("asked", [{"clinic": "x"}, {"status": "ok"}, {"status": "x"}])
def test_what_can_not_be_asked_shows_nothing(client, manager, clinic, asked):
    low(clinic)
    assert names(client.get(REPORT, asked)) == []


def test_another_clinics_stock_is_in_no_report_and_no_file(client, manager):
    level = low(ClinicFactory())
    assert names(client.get(REPORT)) == []
    assert names(client.get(REPORT, {"clinic": level.clinic_id})) == []
    assert table(client.get(REPORT_CSV)) == table(levels(client)) == []
    assert table(client.get(LEDGER_CSV, {"from": ""})) == []
    assert table(client.get(LEDGER_CSV, {"clinic": level.clinic_id})) == []
    assert client.get(LEDGER_CSV, {"level": level.pk}).status_code == 404


def test_a_viewer_reads_the_report(client, clinic):
    client.force_login(ViewerFactory(clinics=[clinic]))
    low(clinic)
    assert names(client.get(REPORT)) == ["Low"]


def test_the_report_asks_the_database_no_more_for_more_items(
    client, manager, clinic, django_assert_num_queries
):
    low(clinic)
    client.get(REPORT)
    with CaptureQueriesContext(connection) as few:
        client.get(REPORT)
    for _turn in range(10):
        low(clinic)
    with django_assert_num_queries(len(few)):
        client.get(REPORT)


def test_a_long_report_has_pages_and_is_one_on_paper(client, manager, clinic):
    for _turn in range(27):
        low(clinic)
    assert len(lines(client.get(REPORT))) == 25
    assert len(lines(client.get(REPORT, {"page": 2}))) == 2
    assert len(lines(client.get(REPORT, {"print": 1}))) == 27


# The chart


def test_the_chart_is_a_picture_without_styles_that_says_in_words_what_it_shows(client, manager, clinic):
    level = low(clinic, "<b>")
    today = timezone.now().astimezone(clinic.zone).date()
    StockLevel.objects.filter(pk=level.pk).update(runs_out_on=today + timedelta(days=12))
    picture = ElementTree.fromstring(str(lines(client.get(REPORT))[0].chart))  # noqa: S314 - our own
    assert "now 9 tablet" in picture.findtext("title")
    assert [path.get("class") for path in picture.findall("path")] == ["past", "ahead"]
    assert not any("style" in element.attrib for element in picture.iter())


def test_balances_are_reckoned_back_day_by_day():
    level = stocked(0)
    now = timezone.now()
    today = now.astimezone(level.clinic.zone).date()
    for days, kind, quantity in [(300, "receipt", 50), (20, "issue", 10), (20, "issue", 5), (0, "issue", 1)]:
        moved(level, kind, quantity, occurred_on=today - timedelta(days=days))
    level.refresh_from_db()
    assert balances_by_day([level], today=today, days=180)[level.pk] == [
        (today - timedelta(days=180), 50),
        (today - timedelta(days=20), 35),
        (today, 34),
    ]


# Files


def test_no_text_of_a_file_is_run_by_a_spreadsheet(client, manager, clinic):
    level = low(clinic, "=1+1")
    moved(level, "issue", 1, reason="@SUM(A1)")
    assert table(levels(client))[0]["name"] == "'=1+1"
    rows = table(client.get(LEDGER_CSV, {"level": level.pk}))
    assert [row["reason"] for row in rows] == ["", "'@SUM(A1)"]


def test_the_levels_file_has_what_the_list_has(client, manager, clinic):
    low(clinic)
    stocked(500, clinic=clinic, item__name="Enough", reorder_level=10)
    assert [row["name"] for row in table(levels(client, "?status=low"))] == ["Low"]


def test_the_ledger_of_a_level_sums_up_to_its_balance(client, manager, clinic):
    level = stocked(50, clinic=clinic)
    moved(level, "issue", 8)
    moved(level, "adjustment", -2)
    rows = table(client.get(LEDGER_CSV, {"level": level.pk}))
    assert sum(int(row["change"]) for row in rows) == 40
    assert [row["lot"] for row in rows] == ["L1", "L1", "L1"]


def test_entries_of_some_days_only(client, manager, clinic):
    level = stocked(50, clinic=clinic)
    day = timezone.now().astimezone(clinic.zone).date() - timedelta(days=3)
    moved(level, "issue", 8, occurred_on=day)
    rows = table(client.get(LEDGER_CSV, {"clinic": clinic.pk, "from": day, "until": day}))
    assert [row["kind"] for row in rows] == ["issue"]
    assert client.get(LEDGER_CSV).status_code == 200


@pytest.mark.parametrize("asked", [{"from": "x"}, {"level": "x"}, {"clinic": "x"}, {"until": "2026-13-01"}])
def test_a_file_of_what_can_not_be_read_is_not_there(client, manager, asked):
    assert client.get(LEDGER_CSV, asked).status_code == 404
