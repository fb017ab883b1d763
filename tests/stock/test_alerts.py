from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.audit import SYSTEM
from accounts.models import AuditEntry
from common.errors import StateConflict, ValidationFailed
from messaging.models import Message
from stock.alerts import acknowledge, escalate, remind
from stock.ledger import reverse as taken_back
from stock.levels import change_level, start_level
from stock.manual_alerts import alert_managers
from stock.models import StockAlert
from stock.orders import cancel_order, place_order, receive_order
from stock.refreshing import refresh_levels
from tests.clock import NOW
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.stock import EVERY_DAY, ItemFactory, StockLevelFactory, keeper, moved, stocked

pytestmark = pytest.mark.django_db
ALERTS, MANUAL = "/api/v1/stock/alerts", "/api/v1/stock/alert"


def after(**span):
    return NOW + timedelta(**span)


@pytest.fixture
def clinic():
    return ClinicFactory(opening_hours=EVERY_DAY)


@pytest.fixture
def level(clinic):
    """40 of an item whose reorder level is 20; at most 10 are critical."""
    return stocked(40, clinic=clinic, reorder_level=20, now=NOW)


@pytest.fixture
def low(level):
    moved(level, "issue", 25, now=NOW)
    return level


def alert_of(level, kind="low"):
    return StockAlert.objects.get(level=level, kind=kind, closed_at__isnull=True)


# Episodes


def test_a_level_that_gets_low_opens_an_alert(level):
    moved(level, "issue", 25, now=NOW)
    assert (alert_of(level).opening_status, alert_of(level).opened_at) == ("low", NOW)


def test_enough_is_no_alert(level):
    assert not StockAlert.objects.exists()


def test_a_new_level_is_no_alert_until_something_is_written_down(clinic):
    level = start_level(clinic=clinic, item=ItemFactory(vital=True), reorder_level=20, actor=SYSTEM, now=NOW)
    assert level.status == "out"
    assert not StockAlert.objects.exists()
    moved(level, "unmet", 1, now=NOW)
    assert alert_of(level).status == "out"


def test_what_gets_worse_is_the_same_episode(low):
    moved(low, "issue", 10, now=after(hours=1))
    moved(low, "issue", 5, now=after(hours=2))
    [alert] = StockAlert.objects.all()
    assert (alert.opening_status, alert.status, alert.worsened_at) == ("low", "out", after(hours=2))


def test_what_gets_a_little_better_is_the_same_episode_and_not_worse(low):
    moved(low, "issue", 10, now=after(hours=1))
    moved(low, "receipt", 8, now=after(hours=2))
    [alert] = StockAlert.objects.all()
    assert (alert.status, alert.worsened_at) == ("low", after(hours=1))


def test_an_episode_is_over_when_there_is_enough_again_and_the_next_is_another(low):
    moved(low, "receipt", 50, now=after(hours=1))
    assert StockAlert.objects.get().closed_at == after(hours=1)
    moved(low, "issue", 60, now=after(hours=14))
    assert StockAlert.objects.count() == 2


def test_a_slip_that_is_taken_back_does_not_end_the_episode(low):
    first = acknowledge(alert_id=alert_of(low).pk, snooze_until=after(days=7), actor=SYSTEM, now=NOW)
    slip = moved(low, "receipt", 100, now=after(hours=1))
    taken_back(movement_id=slip.pk, reason="Slip", actor=SYSTEM, now=after(hours=1, minutes=2))
    [again] = StockAlert.objects.all()
    assert (again.pk, again.closed_at, again.worsened_at) == (first.pk, None, None)
    assert (again.acknowledged_at, again.snoozed_until) == (NOW, after(days=7))
    assert (remind(now=after(days=6)), remind(now=after(days=7))) == (0, 1)


def test_what_is_worse_when_it_is_open_again_is_told(low):
    acknowledge(alert_id=alert_of(low).pk, snooze_until=after(days=7), actor=SYSTEM, now=NOW)
    moved(low, "receipt", 100, now=after(hours=1))
    moved(low, "issue", 115, now=after(hours=2))
    [again] = StockAlert.objects.all()
    assert (again.status, again.worsened_at, again.snoozed_until) == ("out", after(hours=2), None)


def test_a_new_threshold_opens_an_alert_at_once(level):
    change_level(level_id=level.pk, reorder_level=100, actor=SYSTEM, now=NOW)
    assert alert_of(level).status == "critical"


def test_the_nightly_figures_open_what_was_never_told(level):
    moved(level, "issue", 25, now=NOW)
    StockAlert.objects.all().delete()
    refresh_levels([level.pk], now=after(hours=5))
    assert alert_of(level).opened_at == after(hours=5)


def test_the_database_keeps_a_level_to_one_open_alert_of_a_kind(low):
    again = StockAlert(
        level=low, clinic=low.clinic, kind="low", status="low", opening_status="low", opened_at=NOW
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        again.save()


def test_many_levels_cost_no_more_statements_than_one(clinic, django_assert_max_num_queries):
    levels = [stocked(5, clinic=clinic, reorder_level=20, now=NOW) for _ in range(20)]
    StockAlert.objects.all().delete()
    refresh_levels([levels[0].pk], now=NOW)
    with django_assert_max_num_queries(60):
        refresh_levels([level.pk for level in levels], now=NOW)
    assert StockAlert.objects.count() == 20


def test_what_will_expire_unused_is_an_alert_of_its_own(clinic):
    level = StockLevelFactory(clinic=clinic)
    moved(level, "receipt", 10, lot="A", expires_on=after(days=30).date(), now=NOW)
    assert alert_of(level, "expiring").status == "expiring"
    moved(level, "wastage", 10, now=after(hours=1))
    assert StockAlert.objects.get(kind="expiring").closed_at == after(hours=1)


def test_what_expires_in_a_year_is_none(clinic):
    level = StockLevelFactory(clinic=clinic)
    moved(level, "receipt", 10, lot="A", expires_on=after(days=365).date(), now=NOW)
    assert not StockAlert.objects.exists()


# Acting


def test_on_what_nobody_acts_a_reminder_comes_and_then_the_administrators(low):
    assert (remind(now=after(hours=47)), escalate(now=after(hours=47))) == (0, 0)
    assert (remind(now=after(hours=48)), remind(now=after(hours=49))) == (1, 0)
    assert (escalate(now=after(hours=119)), escalate(now=after(hours=120))) == (0, 1)


@pytest.mark.parametrize("act", [{"ordered": True}, {}])
def test_who_acts_is_reminded_once_when_a_delivery_should_have_come(low, act):
    acknowledge(alert_id=alert_of(low).pk, **act, actor=SYSTEM, now=NOW)
    assert [remind(now=after(days=days)) for days in (13, 14, 60)] == [0, 1, 0]
    assert escalate(now=after(days=60)) == 0


def test_who_has_ordered_is_not_reminded_before_the_day_of_delivery_is_over(low):
    day = after(days=30).date()
    place_order(level_id=low.pk, quantity=100, expected_on=day, actor=SYSTEM, now=NOW)
    acknowledge(alert_id=alert_of(low).pk, ordered=True, actor=SYSTEM, now=NOW)
    assert [remind(now=after(days=days)) for days in (29, 32)] == [0, 1]


def test_that_it_is_ordered_can_be_taken_back(low):
    acknowledge(alert_id=alert_of(low).pk, ordered=True, actor=SYSTEM, now=NOW)
    acknowledge(alert_id=alert_of(low).pk, ordered=False, actor=SYSTEM, now=after(hours=1))
    assert alert_of(low).ordered is False
    assert (remind(now=after(hours=49)), escalate(now=after(hours=121))) == (1, 1)


def test_an_order_that_is_cancelled_leaves_something_to_be_done(low):
    order = place_order(level_id=low.pk, quantity=100, actor=SYSTEM, now=NOW)
    acknowledge(alert_id=alert_of(low).pk, ordered=True, actor=SYSTEM, now=NOW)
    cancel_order(order_id=order.pk, actor=SYSTEM, now=after(hours=1))
    assert (alert_of(low).ordered, alert_of(low).acknowledged_at) == (False, None)
    assert remind(now=after(hours=2)) == 1


def test_a_delivery_that_is_not_enough_leaves_something_to_be_done(low):
    order = place_order(level_id=low.pk, quantity=2, actor=SYSTEM, now=NOW)
    acknowledge(alert_id=alert_of(low).pk, ordered=True, actor=SYSTEM, now=NOW)
    receive_order(order_id=order.pk, actor=SYSTEM, now=after(hours=1))
    assert remind(now=after(hours=2)) == 1


def test_what_is_put_off_comes_back(low):
    acknowledge(alert_id=alert_of(low).pk, snooze_until=after(days=7), actor=SYSTEM, now=NOW)
    assert remind(now=after(days=6)) == 0
    assert remind(now=after(days=7)) == 1


def test_what_gets_worse_is_told_of_again_whoever_has_acted(low):
    acknowledge(alert_id=alert_of(low).pk, snooze_until=after(days=30), actor=SYSTEM, now=NOW)
    moved(low, "issue", 10, now=after(hours=1))
    assert alert_of(low).snoozed_until is None
    assert remind(now=after(hours=49)) == 1


def test_acting_twice_changes_nothing(low):
    first = acknowledge(alert_id=alert_of(low).pk, ordered=True, actor=SYSTEM, now=NOW)
    acknowledge(alert_id=first.pk, ordered=True, actor=SYSTEM, now=after(hours=1))
    assert alert_of(low).acknowledged_at == NOW
    assert AuditEntry.objects.filter(object_id=first.pk).count() == 1


def test_what_is_over_can_not_be_acted_on(low):
    pk = alert_of(low).pk
    moved(low, "receipt", 50, now=after(hours=1))
    with pytest.raises(StateConflict):
        acknowledge(alert_id=pk, actor=SYSTEM, now=after(hours=2))


@pytest.mark.parametrize("until", [NOW, NOW + timedelta(days=91)])
def test_it_can_not_be_put_off_into_the_past_or_for_ever(low, until):
    with pytest.raises(ValidationFailed):
        acknowledge(alert_id=alert_of(low).pk, snooze_until=until, actor=SYSTEM, now=NOW)


# By API


def test_open_alerts_of_ones_clinics_are_listed(api, low, clinic):
    stocked(5, reorder_level=20)
    [shown] = api(ViewerFactory(clinics=[clinic])).get(ALERTS).json()["results"]
    assert (shown["stock_id"], shown["status"], shown["on_hand"]) == (str(low.pk), "low", 15)


@pytest.mark.parametrize(
    ("query", "found"),
    [({"status": "low"}, 1), ({"status": "out"}, 0), ({"item": "NONE"}, 0), ({"kind": "expiring"}, 0)],
)
def test_alerts_are_filtered(api, low, query, found):
    assert api(AdminFactory()).get(ALERTS, query).json()["count"] == found


def test_alerts_are_found_by_their_item(api, low):
    caller = api(AdminFactory())
    for item in (low.item.code, str(low.item_id)):
        assert caller.get(ALERTS, {"item": item}).json()["count"] == 1


def acknowledged(caller, level, body):
    return caller.post(f"{ALERTS}/{alert_of(level).pk}/acknowledge", body, format="json")


def test_a_nurse_says_that_it_is_ordered(api, low, clinic):
    answer = acknowledged(api(StaffFactory(clinics=[clinic])), low, {"ordered": True})
    assert answer.status_code == 200
    assert answer.json()["ordered"] is True


def test_a_nurse_puts_it_off_on_the_clinics_clock(api, low, clinic):
    day = after(days=7).date().isoformat()
    answer = acknowledged(api(StaffFactory(clinics=[clinic])), low, {"snooze_until": day})
    assert answer.json()["snoozed_until"] == f"{day}T00:00:00+02:00"


@pytest.mark.parametrize("body", [{"snooze_until": "soon"}, {"ordered": "perhaps"}, {"other": 1}])
def test_a_body_that_can_not_be_read_is_refused(api, low, clinic, body):
    assert acknowledged(api(StaffFactory(clinics=[clinic])), low, body).status_code == 400


def test_who_reads_only_does_not_act_and_others_clinics_have_none(api, low, clinic):
    assert acknowledged(api(ViewerFactory(clinics=[clinic])), low, {}).status_code == 403
    assert acknowledged(api(StaffFactory(clinics=[ClinicFactory()])), low, {}).status_code == 404


def test_an_alert_that_is_over_is_a_conflict(api, low, clinic):
    pk = alert_of(low).pk
    moved(low, "receipt", 50)
    answer = api(StaffFactory(clinics=[clinic])).post(f"{ALERTS}/{pk}/acknowledge", {}, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "STATE_CONFLICT")


# By hand


def test_a_manual_alert_tells_the_clinics_managers_at_once(api, level, clinic):
    manager = keeper(clinic)
    keeper(ClinicFactory())
    body = {"stock_id": str(level.pk), "message": "The fridge is broken"}
    answer = api(StaffFactory(clinics=[clinic])).post(MANUAL, body, format="json")
    assert answer.status_code == 202
    assert [told["user_id"] for told in answer.json()["told"]] == [str(manager.pk)]
    text = Message.objects.get()
    assert (text.to, text.channel, text.for_staff) == (manager.phone, "sms", True)
    assert "The fridge is broken" in text.body


def test_the_same_words_twice_in_a_moment_are_one_text(level, clinic):
    keeper(clinic, email="")
    slot = NOW.replace(minute=0)
    for second, words in ((0, "Look"), (1, "Look"), (2, "Look again")):
        moment = slot + timedelta(seconds=second)
        alert_managers(level_id=level.pk, message=words, actor=SYSTEM, now=moment)
    assert Message.objects.count() == 2
    alert_managers(level_id=level.pk, message="Look", actor=SYSTEM, now=slot + timedelta(minutes=11))
    assert Message.objects.count() == 3


def test_it_says_who_can_not_be_told_and_why(api, level, clinic):
    lost = keeper(clinic, phone="", email="")
    answer = api(StaffFactory(clinics=[clinic])).post(MANUAL, {"stock_id": str(level.pk)}, format="json")
    [not_told] = answer.json()["not_told"]
    assert not_told["user_id"] == str(lost.pk)
    assert not_told["reason"]
    assert answer.json()["note"]


def test_a_clinic_without_managers_is_said(api, level, clinic):
    answer = api(StaffFactory(clinics=[clinic])).post(MANUAL, {"stock_id": str(level.pk)}, format="json")
    assert (answer.status_code, answer.json()["told"]) == (202, [])
    assert answer.json()["note"]


def test_another_clinics_level_can_not_be_alerted_of(api, level):
    answer = api(StaffFactory(clinics=[ClinicFactory()])).post(
        MANUAL, {"stock_id": str(level.pk)}, format="json"
    )
    assert answer.status_code == 400


# In the admin


@pytest.mark.parametrize("step", ["ordered", "seen", "snooze"])
def test_each_button_acts(client, low, clinic, step):
    client.force_login(StaffFactory(clinics=[clinic]), backend="accounts.backends.RoleBackend")
    page = client.get(reverse("admin:stock_stockalert_changelist"))
    assert low.item.name in page.content.decode()
    opened = client.get(reverse("admin:stock_stockalert_change", args=[alert_of(low).pk]))
    assert opened.context["title"].startswith(str(low.item))
    client.post(reverse("admin:stock_stockalert_step", args=[alert_of(low).pk]), {"step": step})
    alert = alert_of(low)
    assert alert.acknowledged_at is not None
    assert (alert.ordered, alert.snoozed_until is not None) == (step == "ordered", step == "snooze")
