"""Whatever is done in whatever order: the balance is its ledger and its lots, and never negative."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.audit import SYSTEM
from common.errors import DomainError
from stock.counting import count
from stock.ledger import move, reverse
from stock.models import Lot, Movement, MovementKind, StockLevel, Transfer
from stock.orders import cancel_order, place_order, receive_order
from stock.reconciling import differences
from stock.transfers import receive_transfer
from tests.factories.stock import StockLevelFactory

START = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
AMOUNT = st.integers(1, 30)
PLACE = st.integers(0, 1)
PICK = st.integers(0, 100)
KINDS = st.sampled_from(["receipt", "receipt", "issue", "issue", "wastage", "return", "unmet", "adjustment"])
STEPS = st.one_of(
    st.tuples(st.just("move"), PLACE, KINDS, AMOUNT, st.integers(0, 3), st.integers(0, 5)),
    st.tuples(st.just("adjust"), PLACE, AMOUNT),
    st.tuples(st.just("count"), PLACE, st.integers(0, 40), st.integers(0, 3)),
    st.tuples(st.just("send"), PLACE, AMOUNT),
    st.tuples(st.just("take in"), PICK, st.integers(0, 30)),
    st.tuples(st.just("reverse"), PICK),
    st.tuples(st.just("order"), PLACE, AMOUNT),
    st.tuples(st.just("deliver"), PICK, AMOUNT),
    st.tuples(st.just("cancel"), PICK),
)


class Shelves:
    """Two clinics' levels of one item; each step is an hour later."""

    def __init__(self):
        first = StockLevelFactory()
        self.levels = [first, StockLevelFactory(item=first.item)]
        self.now = START
        self.orders = []

    def do(self, step):
        self.now += timedelta(hours=1)
        name, *arguments = step
        with suppress(DomainError):
            getattr(self, name.replace(" ", "_"))(*arguments)

    def _move(self, place, kind, quantity, **entry):
        level = self.levels[place]
        move(level_id=level.pk, kind=kind, quantity=quantity, actor=SYSTEM, now=self.now, **entry)

    def move(self, place, kind, quantity, lot, days_ago):
        named = {}
        if kind == "receipt":
            named = {"lot": f"L{lot}", "expires_on": START.date() + timedelta(days=10 * lot - 5)}
        self._move(place, kind, quantity, occurred_on=self.now.date() - timedelta(days=days_ago), **named)

    def adjust(self, place, quantity):
        self._move(place, "adjustment", -quantity)

    def count(self, place, quantity, hours_ago):
        at = self.now - timedelta(hours=hours_ago) if hours_ago else None
        level = self.levels[place]
        count(level_id=level.pk, quantity=quantity, counted_at=at, actor=SYSTEM, now=self.now)

    def send(self, place, quantity):
        self._move(place, "transfer_out", quantity, to_clinic_id=self.levels[1 - place].clinic_id)

    def take_in(self, pick, quantity):
        sent = list(Movement.objects.filter(kind=MovementKind.TRANSFER_OUT).order_by("pk"))
        if sent:
            movement_id = sent[pick % len(sent)].pk
            receive_transfer(movement_id=movement_id, quantity=quantity, actor=SYSTEM, now=self.now)

    def reverse(self, pick):
        entries = list(Movement.objects.order_by("pk"))
        if entries:
            reverse(movement_id=entries[pick % len(entries)].pk, actor=SYSTEM, now=self.now)

    def order(self, place, quantity):
        level_id = self.levels[place].pk
        self.orders.append(place_order(level_id=level_id, quantity=quantity, actor=SYSTEM, now=self.now))

    def deliver(self, pick, quantity):
        if self.orders:
            order_id = self.orders[pick % len(self.orders)].pk
            receive_order(order_id=order_id, quantity=quantity, actor=SYSTEM, now=self.now)

    def cancel(self, pick):
        if self.orders:
            cancel_order(order_id=self.orders[pick % len(self.orders)].pk, actor=SYSTEM, now=self.now)


@pytest.mark.django_db
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.lists(STEPS, min_size=5, max_size=25))
def test_the_balance_is_its_ledger_and_its_lots_whatever_happens(steps):
    shelves = Shelves()
    for step in steps:
        shelves.do(step)
        assert list(differences()) == []
    for level in StockLevel.objects.all():
        balance = 0
        for entry in Movement.objects.filter(level=level).order_by("sequence"):
            balance += entry.change
            assert entry.balance_after == balance >= 0
        assert not Lot.objects.filter(quantity__lt=0).exists()
    sent = sum(Transfer.objects.filter(state="received").values_list("quantity", flat=True))
    told = Movement.objects.filter(kind__in=("transfer_in", "transit_loss"), reversed_by=None)
    assert sent == sum(told.values_list("quantity", flat=True))
