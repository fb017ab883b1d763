"""Providers that refuse, break off, answer late, take only so many, or are gone."""

from messaging.models import MessageEvent
from tests.faults.scenario import MESSAGES, assert_nothing_lost_or_doubled
from tests.faults.worker import Pace

ANSWER_WITHIN = 1.0
A_SECOND = max(30, MESSAGES // 50)
DOWN_SECONDS = max(3, MESSAGES // 700)


def test_a_provider_that_answers_503_to_30_percent(scenario, twilio):
    twilio.behave(latency_ms=20, rules=[{"do": "http", "code": 503, "share": 0.3}])
    unwell = scenario("30 % of the requests answered with 503")
    unwell.queue()
    unwell.work()
    figures = unwell.figures(twilio.tally()["troubles"])
    assert figures.troubles["http"] > MESSAGES / 10
    assert_nothing_lost_or_doubled(figures)


def test_a_provider_that_takes_20_percent_and_drops_the_connection(scenario, twilio):
    twilio.behave(latency_ms=20, rules=[{"do": "accept_then_drop", "share": 0.2}])
    dropping = scenario("20 % of the texts taken, then the connection dropped")
    dropping.queue()
    dropping.work()
    figures = dropping.figures(twilio.tally()["troubles"])
    assert figures.troubles["accept_then_drop"] > MESSAGES / 20
    assert_nothing_lost_or_doubled(figures)


def test_a_provider_that_takes_10_percent_and_answers_after_the_clients_timeout(scenario, twilio):
    late = {"do": "accept_late", "late_ms": 2500 * ANSWER_WITHIN, "share": 0.1}
    twilio.behave(latency_ms=20, rules=[late])
    slow = scenario("10 % of the texts taken, answered after the client's timeout")
    slow.queue()
    slow.work(Pace(answer_within=ANSWER_WITHIN))
    figures = slow.figures(twilio.tally()["troubles"])
    assert figures.troubles["accept_late"] > 0
    assert MessageEvent.objects.filter(code="READ_TIMEOUT").exists()
    assert_nothing_lost_or_doubled(figures)


def test_a_provider_that_takes_only_so_many_a_second(scenario, twilio):
    twilio.behave(latency_ms=20, per_second=A_SECOND)
    strict = scenario(f"429 above {A_SECOND} texts a second")
    strict.queue()
    strict.work()
    figures = strict.figures(twilio.tally()["troubles"])
    assert figures.troubles["too_many"] > 0
    assert_nothing_lost_or_doubled(figures)


def test_the_only_provider_is_down_for_a_while(scenario, twilio):
    twilio.behave(latency_ms=20, down_after=MESSAGES // 4, down_seconds=DOWN_SECONDS)
    down = scenario(f"the only provider down for {DOWN_SECONDS} s in the middle")
    down.queue()
    down.work()
    figures = down.figures(twilio.tally()["troubles"])
    assert MessageEvent.objects.filter(code="CONNECTION_REFUSED").exists()
    assert_nothing_lost_or_doubled(figures)


def test_the_first_provider_is_down_for_a_while_and_a_second_one_takes_over(scenario, twilio, phone):
    twilio.behave(latency_ms=20, down_after=MESSAGES // 4, down_seconds=DOWN_SECONDS)
    phone.behave(latency_ms=20)
    down = scenario(
        f"the first of two providers down for {DOWN_SECONDS} s in the middle",
        phone,
        SMS_PROVIDERS="twilio,smsgate",
        SMSGATE_BASE_URL=phone.base_url,
        SMSGATE_USERNAME=phone.username,
        SMSGATE_PASSWORD=phone.password,
        SMSGATE_WEBHOOK_SECRET=phone.secret,
    )
    down.queue()
    down.work()
    figures = down.figures(twilio.tally()["troubles"])
    assert phone.accepted()
    assert_nothing_lost_or_doubled(figures)
