from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.audit import SYSTEM
from stock.models import Movement, Order, StockLevel, Transfer
from stock.orders import place_order
from stock.transfers import transfer_out
from tests.factories.accounts import ClinicFactory, ViewerFactory
from tests.factories.stock import ItemFactory, StockLevelFactory, moved, stocked

pytestmark = pytest.mark.django_db

LIST = reverse("admin:stock_stocklevel_changelist")


@pytest.fixture
def level(clinic):
    return stocked(100, clinic=clinic, item__name="Paracetamol", item__pack_size=10)


def page_of(level):
    return reverse("admin:stock_stocklevel_change", args=[level.pk])


def entry_of(level):
    return reverse("admin:stock_stocklevel_entry", args=[level.pk])


def typed(client, level, kind, **fields):
    """What the page's form sends: its hidden fields and what was typed."""
    form = client.get(page_of(level)).context["entry_form"]
    return {**{name: form[name].value() for name in ("once", "version", "opened")}, "kind": kind, **fields}


def enter(client, level, kind, **fields):
    return client.post(entry_of(level), typed(client, level, kind, **fields), follow=True)


def step(client, level, name):
    address = reverse("admin:stock_stocklevel_step", args=[level.pk])
    return client.post(address, {"step": name, "sure": "yes"}, follow=True)


def said(page):
    return " ".join(str(message) for message in page.context["messages"])


def on_hand(level):
    return StockLevel.objects.get(pk=level.pk).on_hand


# Entries


def test_an_issue_is_written_in_the_nurses_name(client, nurse, level):
    page = enter(client, level, "issue", quantity="30")
    assert on_hand(level) == 70
    assert Movement.objects.get(kind="issue").actor_id == nurse.pk
    assert "70 tablet" in said(page)


def test_a_form_that_is_sent_twice_issues_once(client, nurse, level):
    form = typed(client, level, "issue", quantity="30")
    client.post(entry_of(level), form)
    again = client.post(entry_of(level), form, follow=True)
    assert on_hand(level) == 70
    assert "written once" in said(again)


@pytest.mark.parametrize("kind", ["receipt", "count", "wastage", "return", "unmet", "adjustment"])
def test_no_form_writes_two_entries(client, nurse, level, kind):
    form = typed(client, level, kind, quantity="30")
    before = level.movements.count()
    client.post(entry_of(level), form)
    client.post(entry_of(level), form)
    assert level.movements.count() == before + 1


def test_a_delivery_is_typed_in_packs_and_stored_in_units_with_its_lot(client, nurse, level):
    enter(client, level, "receipt", packs="5", quantity="3", lot="B7", expires_on="2031-05-31")
    assert on_hand(level) == 153
    lot = level.lots.get(code="B7")
    assert (lot.quantity, lot.expires_on.isoformat()) == (53, "2031-05-31")


def test_packs_typed_for_a_delivery_do_not_count_when_issuing(client, nurse, level):
    enter(client, level, "issue", packs="5", quantity="3")
    assert on_hand(level) == 97


def test_more_than_is_there_is_refused_and_what_was_typed_stays(client, nurse, level):
    page = enter(client, level, "issue", quantity="101", reason="ward 3")
    assert on_hand(level) == 100
    form = page.context["entry_form"]
    assert form.errors
    assert (form["quantity"].value(), form["reason"].value()) == ("101", "ward 3")


@pytest.mark.parametrize("quantity", ["", "0", "-5", "1e400", "9" * 5000, "x\0"])
def test_what_is_no_number_of_units_is_refused_on_the_form(client, nurse, level, quantity):
    page = enter(client, level, "issue", quantity=quantity)
    assert page.status_code == 200
    assert page.context["entry_form"].errors["quantity"]
    assert on_hand(level) == 100


def test_an_asked_for_item_that_is_not_there_leaves_the_balance(client, nurse, level):
    enter(client, level, "unmet", quantity="12")
    assert on_hand(level) == 100
    assert Movement.objects.get(kind="unmet").demand == 12


def test_an_issue_of_yesterday_counts_for_yesterday(client, nurse, level):
    day = timezone.now().astimezone(level.clinic.zone).date() - timedelta(days=1)
    enter(client, level, "issue", quantity="1", occurred_on=day.isoformat())
    assert Movement.objects.get(kind="issue").occurred_on == day


# Counts


def test_a_count_becomes_the_balance(client, nurse, level):
    enter(client, level, "count", packs="9", quantity="4")
    assert on_hand(level) == 94


def test_what_moved_while_counting_is_shown_and_nothing_is_written(client, nurse, level):
    form = typed(client, level, "count", quantity="95")
    moved(level, "issue", 20)
    page = client.post(entry_of(level), form)
    assert on_hand(level) == 80
    assert "Issued to a patient, 20 tablet" in page.content.decode()


@pytest.mark.parametrize(("counted", "left"), [("before", 75), ("after", 95)])
def test_a_count_beside_movements_is_taken_as_the_nurse_says(client, nurse, level, counted, left):
    form = typed(client, level, "count", quantity="95")
    moved(level, "issue", 20)
    shown = client.post(entry_of(level), form).context["entry_form"]
    again = {**form, "seen": shown["seen"].value(), "counted": counted}
    client.post(entry_of(level), again)
    assert on_hand(level) == left


def test_a_count_that_is_sent_again_without_an_answer_is_asked_again(client, nurse, level):
    form = typed(client, level, "count", quantity="95")
    moved(level, "issue", 20)
    client.post(entry_of(level), form)
    shown = client.post(entry_of(level), {**form, "quantity": "x"}).context["entry_form"]
    again = {name: shown[name].value() for name in ("once", "version", "opened", "seen")}
    client.post(entry_of(level), {**again, "kind": "count", "quantity": "95"})
    assert on_hand(level) == 80


def test_an_order_placed_while_counting_is_no_conflict(client, nurse, level):
    form = typed(client, level, "count", quantity="95")
    place_order(level_id=level.pk, quantity=10, actor=SYSTEM, now=timezone.now())
    client.post(entry_of(level), form)
    assert on_hand(level) == 95


def test_a_count_of_a_page_that_lay_open_for_days_is_refused(client, nurse, level):
    form = typed(client, level, "count", quantity="95")
    form["opened"] = "0001-01-01T00:00:00+14:00"
    page = client.post(entry_of(level), form)
    assert "opened" in page.context["entry_form"].errors
    assert on_hand(level) == 100


# Orders and transfers


def test_an_order_is_placed_once_and_received_in_parts(client, nurse, level):
    form = typed(client, level, "order", packs="5")
    client.post(entry_of(level), form)
    client.post(entry_of(level), form)
    order = Order.objects.get()
    form = typed(client, level, "receipt", packs="2", order=order.pk)
    client.post(entry_of(level), form)
    client.post(entry_of(level), form)
    order.refresh_from_db()
    assert (order.quantity, order.received, order.state) == (50, 20, "open")
    enter(client, level, "receipt", order=order.pk)
    order.refresh_from_db()
    assert (order.state, on_hand(level)) == ("received", 150)


def test_an_order_is_cancelled_on_the_page(client, nurse, level):
    order = place_order(level_id=level.pk, quantity=10, actor=SYSTEM, now=timezone.now())
    step(client, level, f"cancel-order:{order.pk}")
    order.refresh_from_db()
    assert order.state == "cancelled"


def test_a_transfer_is_sent_and_taken_in_short_by_the_other_clinic(client, nurse, level):
    other = ClinicFactory(name="Otse Clinic")
    enter(client, level, "transfer_out", packs="3", to_clinic=other.pk)
    transfer = Transfer.objects.get()
    assert on_hand(level) == 70
    nurse.clinics.add(other)
    target = transfer.to_level
    enter(client, target, "arrival", quantity="25", transfer=transfer.pk)
    assert on_hand(target) == 25
    assert Movement.objects.get(kind="transit_loss").quantity == 5


@pytest.mark.parametrize(("arrived", "can_be_taken_back"), [(0, True), (25, False)])
def test_a_loss_has_a_button_where_nothing_arrived(client, nurse, clinic, arrived, can_be_taken_back):
    sender = stocked(50, clinic=ClinicFactory())
    transfer_out(level_id=sender.pk, to_clinic=clinic, quantity=30, actor=SYSTEM, now=timezone.now())
    transfer = Transfer.objects.get()
    enter(client, transfer.to_level, "arrival", quantity=str(arrived), transfer=transfer.pk)
    loss = Movement.objects.get(kind="transit_loss")
    page = client.get(page_of(transfer.to_level)).content.decode()
    assert (f"reverse:{loss.pk}" in page) is can_be_taken_back
    step(client, transfer.to_level, f"reverse:{loss.pk}")
    transfer.refresh_from_db()
    assert (transfer.state == "in_transit") is can_be_taken_back


def test_a_transfer_to_another_level_is_not_taken_in_here(client, nurse, level):
    sender = stocked(50, item=level.item)
    elsewhere = ClinicFactory()
    transfer_out(level_id=sender.pk, to_clinic=elsewhere, quantity=5, actor=SYSTEM, now=timezone.now())
    page = enter(client, level, "arrival", transfer=Transfer.objects.get().pk)
    assert page.context["entry_form"].errors["transfer"]
    assert Transfer.objects.get().state == "in_transit"


# Taking back


def test_an_entry_is_taken_back_once(client, nurse, level):
    entry = moved(level, "issue", 20)
    step(client, level, f"reverse:{entry.pk}")
    assert on_hand(level) == 100
    again = step(client, level, f"reverse:{entry.pk}")
    assert "already" in said(again)
    assert on_hand(level) == 100
    assert f"Taken back by {nurse.username}" in client.get(page_of(level)).content.decode()


def test_another_levels_entry_is_not_taken_back_here(client, nurse, level):
    entry = moved(stocked(50), "issue", 20)
    step(client, level, f"reverse:{entry.pk}")
    assert not Movement.objects.filter(kind="reversal").exists()


@pytest.mark.parametrize("name", ["reverse:", "reverse:x", "reverse:x\0", "cancel-order:1", "x"])
def test_a_step_that_is_none_does_nothing(client, nurse, level, name):
    assert "any more" in said(step(client, level, name))


# Who may what


def test_a_viewer_reads_and_writes_nothing(client, clinic, level):
    client.force_login(ViewerFactory(clinics=[clinic]))
    page = client.get(page_of(level))
    assert page.status_code == 200
    assert "entry_form" not in page.context
    assert "Take back" not in page.content.decode()
    sent = {
        "kind": "issue",
        "quantity": 1,
        "once": "0" * 32,
        "version": 1,
        "opened": timezone.now().isoformat(),
    }
    assert client.post(entry_of(level), sent).status_code == 403
    entry = level.movements.get()
    step(client, level, f"reverse:{entry.pk}")
    assert on_hand(level) == 100


def test_another_clinics_level_is_not_there(client, nurse):
    level = stocked(10)
    assert client.get(page_of(level)).status_code == 404
    assert client.post(entry_of(level), {"kind": "issue", "quantity": 1}).status_code == 404
    assert step(client, level, f"reverse:{level.movements.get().pk}").status_code == 404
    assert list(client.get(LIST).context["cl"].result_list) == []


def test_thresholds_are_changed_and_a_stale_page_is_refused(client, nurse, level):
    form = {"version": level.version, "reorder_level": 20, "lead_time_days": 7, "review_days": 30}
    client.post(page_of(level), form)
    level.refresh_from_db()
    assert level.reorder_level == 20
    page = client.post(page_of(level), {**form, "reorder_level": 40})
    assert "meanwhile" in page.content.decode()
    level.refresh_from_db()
    assert level.reorder_level == 20


def test_a_level_is_started_for_an_own_clinic_only(client, nurse, clinic):
    item, other = ItemFactory(), ClinicFactory()
    form = {"item": item.pk, "lead_time_days": 14, "review_days": 30}
    add = reverse("admin:stock_stocklevel_add")
    client.post(add, {**form, "clinic": other.pk})
    assert not StockLevel.objects.exists()
    client.post(add, {**form, "clinic": clinic.pk})
    assert StockLevel.objects.get().clinic_id == clinic.pk
    assert "already" in client.post(add, {**form, "clinic": clinic.pk}).content.decode()


# The list


def listed(client, **asked):
    return [level.item.name for level in client.get(LIST, asked).context["cl"].result_list]


def test_the_list_begins_with_what_is_most_urgent_and_is_filtered(client, nurse, clinic):
    stocked(500, clinic=clinic, item__name="Enough", reorder_level=10)
    stocked(9, clinic=clinic, item__name="Low", item__vital=True, reorder_level=10)
    level = StockLevelFactory(clinic=clinic, item__name="Out", reorder_level=10)
    moved(level, "receipt", 1, lot="X", expires_on=timezone.now().date() + timedelta(days=20))
    moved(level, "wastage", 1)
    assert listed(client) == ["Out", "Low", "Enough"]
    assert listed(client, status="low") == ["Low"]
    assert listed(client, status="due") == ["Out", "Low"]
    assert listed(client, vital="yes") == ["Low"]
    assert listed(client, q="eno") == ["Enough"]


def test_the_list_finds_what_expires(client, nurse, clinic):
    today = timezone.now().date()
    for name, days in [("Soon", 20), ("Later", 80), ("Gone", -3)]:
        level = StockLevelFactory(clinic=clinic, item__name=name)
        moved(level, "receipt", 5, expires_on=today + timedelta(days=days))
    assert sorted(listed(client, expiring="30")) == ["Gone", "Soon"]
    assert listed(client, expiring="expired") == ["Gone"]
    assert listed(client, expiring="31") == []


@pytest.mark.parametrize("address", [LIST, reverse("admin:stock_item_changelist")])
def test_a_list_asks_the_database_no_more_for_more_rows(
    client, nurse, clinic, django_assert_max_num_queries, address
):
    for _turn in range(10):
        stocked(5, clinic=clinic)
    with django_assert_max_num_queries(12):
        client.get(address)


def test_a_levels_page_asks_the_database_no_more_for_more_entries(
    client, nurse, level, django_assert_num_queries
):
    moved(level, "issue", 1)
    place_order(level_id=level.pk, quantity=10, actor=SYSTEM, now=timezone.now())
    with CaptureQueriesContext(connection) as few:
        client.get(page_of(level))
    for turn in range(8):
        moved(level, "receipt", 5, lot=f"L{turn}")
        place_order(level_id=level.pk, quantity=10, actor=SYSTEM, now=timezone.now())
    with django_assert_num_queries(len(few)):
        client.get(page_of(level))
