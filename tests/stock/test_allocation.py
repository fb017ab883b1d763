from datetime import date, timedelta

import pytest

from common.ids import new_id
from stock.allocation import first_expired_first_out, is_usable, put, take, take_back
from stock.errors import InsufficientStock
from stock.models import Lot

TODAY = date(2026, 11, 20)
DAY = timedelta(days=1)


def lot(code: str, quantity: int, days: int | None = None) -> Lot:
    """A lot that expires so many days from today; None: never."""
    expires_on = None if days is None else TODAY + days * DAY
    return Lot(id=new_id(), code=code, quantity=quantity, expires_on=expires_on)


def told(allocation) -> dict[str, int]:
    return {each.code: amount for each, amount in allocation}


def test_lots_are_in_the_order_of_their_dates_then_of_their_names():
    lots = [lot("B", 1, 3), lot("NEVER", 1), lot("A", 1, 3), lot("C", 1, 2)]
    assert [each.code for each in first_expired_first_out(lots)] == ["C", "A", "B", "NEVER"]


@pytest.mark.parametrize(("days", "usable"), [(-1, False), (0, True), (1, True), (None, True)])
def test_a_lot_is_used_through_its_expiry_date(days, usable):
    assert is_usable(lot("A", 1, days), TODAY) is usable


def test_an_amount_is_taken_from_as_few_lots_as_it_needs():
    lots = [lot("A", 5, 1), lot("B", 5, 2), lot("C", 5, 3)]
    assert told(take(lots, 5)) == {"A": -5}
    assert told(take(lots, 6)) == {"A": -5, "B": -1}
    assert told(take(lots, 15)) == {"A": -5, "B": -5, "C": -5}


def test_an_empty_lot_has_no_part_in_it():
    assert told(take([lot("EMPTY", 0, 1), lot("B", 2, 2)], 2)) == {"B": -2}


def test_expired_lots_are_passed_over_only_where_that_is_asked_for():
    lots = [lot("OLD", 5, -1), lot("GOOD", 5, 0)]
    assert told(take(lots, 3, usable_on=TODAY)) == {"GOOD": -3}
    assert told(take(lots, 3)) == {"OLD": -3}


def test_too_little_says_how_much_there_is_and_names_what_has_expired():
    lots = [lot("", 2, -3), lot("OLD", 5, -1), lot("EMPTY", 0, -2), lot("GOOD", 4, 0)]
    with pytest.raises(InsufficientStock) as refusal:
        take(lots, 7, usable_on=TODAY)
    assert refusal.value.details["quantity"] == [
        "Asked for 7, 4 can be taken.",
        "2 of lot – expired on 2026-11-17: record them as wastage.",
        "5 of lot OLD expired on 2026-11-19: record them as wastage.",
    ]


def test_where_expired_lots_count_none_is_named():
    with pytest.raises(InsufficientStock) as refusal:
        take([lot("OLD", 5, -1)], 7)
    assert len(refusal.value.details["quantity"]) == 1


def test_what_comes_back_goes_to_the_usable_lot_that_expires_next():
    lots = [lot("OLD", 5, -1), lot("EMPTY", 0, 1), lot("LATE", 5, 9), lot("SOON", 5, 2)]
    assert told(put(lots, 3, today=TODAY)) == {"SOON": 3}


def test_what_comes_back_where_all_is_expired_goes_to_an_expired_lot():
    assert told(put([lot("OLD", 5, -1), lot("EMPTY", 0, 1)], 3, today=TODAY)) == {"OLD": 3}


def test_nothing_in_stock_has_no_lot_to_put_to():
    assert put([lot("EMPTY", 0, 1)], 3, today=TODAY) is None


def test_what_was_taken_is_given_back_to_the_same_lots():
    first, second = lot("A", 0, 1), lot("B", 2, 2)
    assert told(take_back([(first, -5), (second, -1)], [first, second])) == {"A": 5, "B": 1}


def test_what_was_brought_is_taken_from_the_same_lot_while_it_holds_it():
    own, other = lot("OWN", 5, 9), lot("OTHER", 5, 1)
    assert told(take_back([(own, 5)], [own, other])) == {"OWN": -5}


def test_what_its_own_lot_lacks_comes_from_the_others_in_order():
    own, late, soon = lot("OWN", 2, 9), lot("LATE", 5, 8), lot("SOON", 1, 1)
    assert told(take_back([(own, 5)], [own, late, soon])) == {"OWN": -2, "SOON": -1, "LATE": -2}


def test_what_is_gone_altogether_can_not_be_taken_back():
    own = lot("OWN", 2, 9)
    with pytest.raises(InsufficientStock) as refusal:
        take_back([(own, 5)], [own, lot("OTHER", 2, 1)])
    assert refusal.value.details["quantity"] == ["Asked for 5, 4 can be taken."]


def test_an_empty_lot_gives_nothing_back_and_is_not_written():
    own = lot("OWN", 0, 9)
    assert told(take_back([(own, 5)], [own, lot("OTHER", 7, 1)])) == {"OTHER": -5}
