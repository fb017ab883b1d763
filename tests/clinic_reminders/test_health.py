"""What watches the site is told the truth, part by part."""

import re
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.audit import SYSTEM
from common import heartbeat
from common.tasks import beat
from messaging.models import MessageStatus
from messaging.services import set_sending
from tests.factories.accounts import AdminFactory, StaffFactory
from tests.factories.messaging import AlarmFactory, MessageFactory

pytestmark = pytest.mark.django_db
BASES = ["", "/api/v1", "/api"]


@pytest.fixture
def working():
    beat()


def ready(client=None):
    answer = (client or Client()).get("/readyz")
    return answer.status_code, answer.json()


def due_for(minutes, **given):
    now = timezone.now()
    given = {"send_at": now - timedelta(minutes=minutes), **given}
    return MessageFactory(created_at=now, expires_at=now + timedelta(days=1), **given)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("end", ["", "/"])
@pytest.mark.parametrize("name", ["healthz", "readyz", "metrics"])
def test_each_question_is_answered_at_the_root_and_in_the_api(working, base, end, name):
    assert Client().get(f"{base}/{name}{end}").status_code == 200


def test_a_site_whose_parts_all_work_is_ready(working):
    status, body = ready()
    assert (status, body["status"], body["failing"]) == (200, "ready", [])
    assert {name: part["ok"] for name, part in body["parts"].items()} == {
        "database": True,
        "cache": True,
        "worker": True,
        "queue": True,
    }


def test_a_worker_that_never_ran_is_named():
    assert ready()[1]["failing"] == ["worker"]


def test_a_worker_that_has_gone_silent_is_named():
    heartbeat.beat(heartbeat.WORKER, now=timezone.now() - timedelta(minutes=6))
    status, body = ready()
    assert (status, body["failing"]) == (503, ["worker"])
    assert body["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert "worker" in body["error"]["message"]


def test_a_heartbeat_is_moved_on_and_not_added(working):
    beat()
    assert ready()[0] == 200


def test_a_text_that_should_have_left_long_ago_is_a_late_queue(working):
    due_for(16)
    assert ready()[1]["failing"] == ["queue"]


@pytest.mark.parametrize("given", [{"status": MessageStatus.SENT}, {"send_at": timezone.now()}])
def test_a_text_that_left_or_is_due_just_now_is_not_late(working, given):
    due_for(16, **given)
    assert ready()[0] == 200


def test_with_the_kill_switch_on_nothing_is_late(working):
    due_for(16)
    set_sending(False, actor=SYSTEM, now=timezone.now())
    assert ready()[0] == 200


def test_a_cache_that_does_not_answer_is_named(working, tmp_path):
    backend = {"BACKEND": "common.shared_cache.SharedCache", "LOCATION": str(tmp_path / "gone" / "cache")}
    with override_settings(CACHES={"default": backend}):
        assert ready()[1]["failing"] == ["cache"]


def test_a_database_that_does_not_answer_is_named_and_nothing_guessed(working):
    def refuse(*_args):
        raise OperationalError("SELECT secret FROM somewhere")

    with connection.execute_wrapper(refuse):
        status, body = ready()
    assert (status, body["failing"]) == (
        503,
        ["database"] if connection.vendor == "sqlite" else ["database", "cache"],
    )
    assert body["parts"]["worker"]["ok"] is None
    assert "SELECT" not in str(body)


def test_whether_it_is_alive_asks_no_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert Client().get("/healthz").json() == {"status": "alive"}


@override_settings(SECURE_SSL_REDIRECT=True)
def test_who_asks_the_machine_itself_is_not_sent_to_https(working):
    assert Client().get("/readyz").status_code == 200


def test_questions_are_not_limited(working, settings):
    settings.API_RATE_LIMIT = "1/h"
    assert [Client().get("/api/v1/healthz").status_code for _ in range(3)] == [200, 200, 200]


def read_metrics(**headers):
    return Client().get("/metrics", headers=headers).content.decode()


def test_metrics_are_in_the_format_that_prometheus_reads(working):
    lines = read_metrics().splitlines()
    sample = re.compile(r'[a-z_]+(\{[a-z]+="[a-z_]+"\})? [0-9.e+]+')
    assert [line for line in lines if not line.startswith("# ") and not sample.fullmatch(line)] == []
    assert len(lines) > 30


def test_metrics_count_texts_by_what_became_of_them(working):
    due_for(2)
    due_for(-60)
    due_for(5, status=MessageStatus.DELIVERED)
    said = read_metrics()
    assert 'clinic_reminders_messages_open{status="queued"} 2' in said
    assert 'clinic_reminders_messages_last_day{status="delivered"} 1' in said
    assert "clinic_reminders_queue_due 1" in said
    assert re.search(r"clinic_reminders_queue_oldest_seconds 12\d", said)


def test_metrics_say_which_part_does_not_work():
    assert 'clinic_reminders_part_ok{part="worker"} 0' in read_metrics()


def test_metrics_cost_no_more_for_more_texts(working):
    costs = []
    for _ in range(2):
        due_for(1)
        with CaptureQueriesContext(connection) as queries:
            read_metrics()
        costs.append(len(queries))
    assert costs[1] == costs[0] < 25


@pytest.mark.parametrize("headers", [{"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}])
def test_metrics_are_not_for_strangers_behind_a_proxy_on_this_machine(headers):
    assert Client().get("/metrics", headers=headers).status_code == 401


@pytest.mark.parametrize(("made_by", "status"), [(None, 401), (StaffFactory, 403), (AdminFactory, 200)])
def test_from_another_machine_metrics_are_for_administrators(api, made_by, status):
    caller = api(made_by() if made_by else None)
    assert caller.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == status


def test_a_wrong_token_opens_no_metrics():
    answer = Client().get("/metrics", headers={"Authorization": "Bearer x"}, REMOTE_ADDR="192.0.2.7")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "TOKEN_INVALID")


def test_metrics_count_open_alarms_by_kind(working):
    AlarmFactory.create_batch(2)
    said = read_metrics()
    assert 'clinic_reminders_alarms_open{kind="provider_down"} 2' in said
    assert 'clinic_reminders_alarms_open{kind="balance_low"} 0' in said


def first_page(client):
    client.force_login(StaffFactory())
    return client.get(reverse("admin:index")).content.decode()


def test_the_admins_first_page_says_that_the_worker_does_not_run(client):
    heartbeat.beat(heartbeat.WORKER, now=timezone.now() - timedelta(minutes=6))
    assert "The background worker does not run" in first_page(client)


def test_a_worker_that_never_ran_is_missed_when_a_text_is_late(client):
    assert "does not run" not in first_page(client)
    due_for(16)
    assert "does not run" in first_page(client)


def test_the_admins_first_page_is_quiet_while_the_worker_runs(client, working):
    assert "does not run" not in first_page(client)


def test_a_question_is_only_asked_with_get():
    answer = Client(enforce_csrf_checks=True).post("/healthz")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"
