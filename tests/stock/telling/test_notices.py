import pytest

from messaging.models import Message
from messaging.services import follow
from stock.digests import send_digests, tell_at_once
from tests.factories.stock import keeper, moved
from tests.stock.telling.digest_calls import at, low_item, prefers, texts

pytestmark = pytest.mark.django_db


def ended(status, **which):
    Message.objects.filter(**which).update(status=status)


@pytest.mark.parametrize("status", ["failed", "expired", "suppressed", "undelivered", "unknown"])
def test_what_never_arrived_is_told_again(clinic, manager, status):
    low_item(clinic)
    send_digests(now=at(8))
    ended(status)
    assert send_digests(now=at(8, day=3)) == 1
    assert "1 new" in texts()[1].body


def test_what_arrived_one_way_is_told(clinic, manager):
    low_item(clinic)
    send_digests(now=at(8))
    ended("failed", channel="sms")
    assert send_digests(now=at(8, day=3)) == 0


def test_what_is_tried_once_more_is_not_lost_yet(clinic, manager):
    low_item(clinic)
    prefers(manager, alert_by=["sms"])
    send_digests(now=at(8))
    ended("undelivered")
    once_more = follow(texts()[0], at(10), "", now=at(8))
    once_more.save()
    assert send_digests(now=at(8, day=3)) == 0
    ended("failed", pk=once_more.pk)
    assert send_digests(now=at(8, day=4)) == 1


def test_that_it_is_over_is_told_again_if_it_never_arrived(clinic, manager):
    level = low_item(clinic)
    send_digests(now=at(8))
    moved(level, "receipt", 100, now=at(9))
    send_digests(now=at(8, day=3))
    ended("expired", created_at__gte=at(8, day=3))
    assert send_digests(now=at(8, day=4)) == 1
    assert send_digests(now=at(8, day=5)) == 0


def test_a_vital_item_of_which_nobody_heard_is_told_at_once_again(clinic, manager):
    moved(low_item(clinic, vital=True), "issue", 15, now=at(6, 5))
    tell_at_once(now=at(6, 6))
    ended("expired")
    assert tell_at_once(now=at(9)) == 0
    assert (tell_at_once(now=at(11)), tell_at_once(now=at(11, 5))) == (1, 0)
    assert len(texts()) == 2


def test_who_has_heard_is_not_told_at_once_again_with_who_has_not(clinic, manager):
    keeper(clinic)
    moved(low_item(clinic, vital=True), "issue", 15, now=at(6, 5))
    tell_at_once(now=at(6, 6))
    ended("failed", subject_id=manager.pk)
    tell_at_once(now=at(11))
    assert Message.objects.filter(created_at=at(11), subject_id=manager.pk).count() == 2
    assert Message.objects.filter(created_at=at(11)).count() == 2
