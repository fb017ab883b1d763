from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.audit import SYSTEM
from messaging.claiming import claim_due
from messaging.models import Message
from messaging.services import opt_out
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MessageFactory
from tests.messaging.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()


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
