from collections import Counter
from datetime import timedelta

import pytest

from accounts.audit import SYSTEM
from messaging.claiming import claim_due
from messaging.models import Message
from messaging.services import opt_out
from messaging.signals import messages_ended
from tests.clock import NOW
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MessageFactory
from tests.messaging.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def provider(settings):
    settings.SMS_PROVIDERS = ["tests.messaging.scripted_provider.ScriptedProvider"]
    ScriptedProvider.reset()


def waiting(**fields) -> Message:
    fields.setdefault("clinic", ClinicFactory(quiet_from=None, quiet_to=None))
    return MessageFactory(created_at=NOW - timedelta(hours=2), **fields)


def test_what_has_waited_longest_leaves_first():
    late, early = waiting(send_at=NOW), waiting(send_at=NOW - timedelta(hours=1))
    claim = claim_due(NOW, lambda _name: 1, Counter())
    assert [parcel.message.pk for parcel in claim.parcels] == [early.pk]
    assert claim.looked_at == 1
    assert Message.objects.get(pk=late.pk).status == "queued"


def test_what_is_held_back_is_counted_by_what_became_of_it():
    stopped = waiting()
    waiting()
    opt_out(stopped.to, source="nurse", actor=SYSTEM, now=NOW)
    waiting(to=stopped.to)
    tally: Counter[str] = Counter(suppressed=1)
    claim_due(NOW, lambda _name: 10, tally)
    assert tally == {"suppressed": 1 + 2}


def test_each_claim_counts_as_one_more_try():
    again = waiting(attempts=3)
    [parcel] = claim_due(NOW, lambda _name: 1, Counter()).parcels
    assert parcel.message.attempts == Message.objects.get(pk=again.pk).attempts == 4


def test_what_ended_at_the_last_check_is_told_and_what_only_waits_is_not():
    told = []

    def hear(messages, **_rest):
        told.extend(message.pk for message in messages)

    stopped, leaves = waiting(), waiting()
    here = ClinicFactory()
    begins, ends = ((NOW + timedelta(hours=n)).astimezone(here.zone).time() for n in (-1, 1))
    night = waiting(clinic=ClinicFactory(quiet_from=begins, quiet_to=ends))
    opt_out(stopped.to, source="nurse", actor=SYSTEM, now=NOW)
    messages_ended.connect(hear)
    try:
        claim_due(NOW, lambda _name: 10, Counter())
    finally:
        messages_ended.disconnect(hear)
    assert told == [stopped.pk]
    assert {leaves.pk, night.pk}.isdisjoint(told)


def test_a_text_on_its_way_carries_no_older_error():
    again = waiting(error_code="SMTP_450", error_message="4.2.1 later")
    [parcel] = claim_due(NOW, lambda _name: 1, Counter()).parcels
    assert (parcel.message.error_code, parcel.message.error_message) == ("", "")
    event = again.events.get(status="sending")
    assert (event.code, event.detail) == ("", "")
