"""Workers that die at any moment: between claim and request, during an answer, before the result is kept."""

import pytest

from messaging.models import MessageEvent
from tests.faults.scenario import MESSAGES, assert_nothing_lost_or_doubled
from tests.faults.worker import Pace

TEXTS = max(300, MESSAGES)
# A small run lasts some seconds too, so that whoever is hit holds some.
LATENCY_MS, IN_FLIGHT = (60, 16) if TEXTS > 1000 else (150, 5)
KILLS = max(2, TEXTS // 400)


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("workers killed at random", []),
        (
            "workers killed at random, 20 % of the connections dropped after the text was taken",
            [{"do": "accept_then_drop", "share": 0.2}],
        ),
    ],
    ids=["good_provider", "dropped_answers"],
)
def test_no_text_is_lost_or_doubled_when_workers_are_killed(scenario, twilio, name, rules):
    twilio.behave(latency_ms=LATENCY_MS, rules=rules)
    killed = scenario(name)
    killed.queue(TEXTS)
    killed.work(Pace(in_flight=IN_FLIGHT), kills=KILLS)
    figures = killed.figures(twilio.tally()["troubles"])
    assert figures.kills == KILLS
    assert MessageEvent.objects.filter(code="WORKER_LOST").exists()
    assert_nothing_lost_or_doubled(figures)
