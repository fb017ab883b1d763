import asyncio
import threading
from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest

from accounts.audit import SYSTEM
from clinic_reminders.health import oldest_due
from common.clock import Clock
from messaging.checks import check_providers
from messaging.claiming import LEASE, claim_due
from messaging.dispatch import dispatch
from messaging.models import Message, MessageStatus, ProviderState
from messaging.providers import mail as mail_provider
from messaging.providers.base import OutgoingText, Result
from messaging.reconciling import expire_leases
from messaging.services import opt_out, set_sending
from tests.clock import NOW
from tests.factories.accounts import AdminFactory, ClinicFactory
from tests.factories.messaging import MailFactory, MessageFactory
from tests.messaging.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.django_db(transaction=True)
CLOCK = Clock(NOW)


@pytest.fixture
def texts(settings):
    """A provider of texts beside the mail server."""
    settings.SMS_PROVIDERS = ["tests.messaging.scripted_provider.ScriptedProvider"]
    ScriptedProvider.reset()
    return ScriptedProvider


def mail(**fields):
    return MailFactory(**{"created_at": NOW, **fields})


def pass_after(hours=0):
    dispatch(clock=Clock(NOW + timedelta(hours=hours)))


def parcel():
    return OutgoingText(message_id=uuid4(), to="neo@clinic.example", body="Low", valid_for=timedelta(days=1))


def stored(message):
    return Message.objects.get(pk=message.pk)


# Leaving


def test_a_mail_arrives_with_its_subject_and_words(mail_server):
    mail(to="neo@clinic.example", subject="Stock: 2 new", body="Setšhaba: Amoxicillin", html="<b>Low</b>")
    pass_after()
    [taken] = mail_server.accepted
    assert (taken["To"], taken["Subject"]) == ("neo@clinic.example", "Stock: 2 new")
    assert taken.get_body(["plain"]).get_content().strip() == "Setšhaba: Amoxicillin"
    assert taken.get_body(["html"]).get_content().strip() == "<b>Low</b>"


def test_a_mail_goes_the_way_of_a_text_and_each_step_is_kept(mail_server):
    queued = mail()
    pass_after()
    assert list(queued.events.values_list("status", "provider")) == [("sending", "mail"), ("sent", "mail")]
    assert stored(queued).status == MessageStatus.SENT


def test_a_mail_carries_our_own_number_so_that_a_double_can_be_told(mail_server):
    queued = mail()
    pass_after()
    assert mail_server.accepted[0]["Message-ID"] == f"<{queued.pk}@clinic.example>"
    assert stored(queued).provider_message_id == f"<{queued.pk}@clinic.example>"


def test_a_mail_is_sent_once_however_many_passes_there_are(mail_server):
    mail()
    pass_after()
    pass_after()
    assert len(mail_server.accepted) == 1


def test_many_mails_all_leave_in_one_pass(mail_server):
    for _ in range(11):
        mail()
    pass_after()
    assert len({taken["To"] for taken in mail_server.accepted}) == 11


def test_mails_and_texts_each_go_their_own_way(mail_server, texts):
    mail(to="neo@clinic.example")
    text = MessageFactory(clinic=ClinicFactory(quiet_from=None, quiet_to=None), created_at=NOW)
    pass_after()
    assert [taken["To"] for taken in mail_server.accepted] == ["neo@clinic.example"]
    assert [given.to for given in texts.given] == [text.to]


def test_without_a_mail_server_a_mail_waits_and_expires(texts):
    queued = mail()
    pass_after()
    assert stored(queued).status == MessageStatus.QUEUED
    pass_after(hours=25)
    assert stored(queued).status == MessageStatus.EXPIRED
    assert texts.given == []


# What the server says


def test_an_address_that_does_not_exist_fails_for_good(mail_server):
    mail_server.does["RCPT"] = "550 5.1.1 neo@clinic.example unknown"
    queued = mail(to="neo@clinic.example")
    pass_after()
    ended = stored(queued)
    assert (ended.status, ended.error_code, ended.error_permanent) == ("failed", "SMTP_550", True)
    assert ended.error_message == "5.1.1"


def test_content_that_is_refused_fails_for_good(mail_server):
    mail_server.does["CONTENT"] = "554 5.6.0 no"
    queued = mail()
    pass_after()
    assert (stored(queued).status, stored(queued).error_code) == ("failed", "SMTP_554")


@pytest.mark.parametrize("refusal", [{"RCPT": "450 4.2.1 later"}, {"CONTENT": "451 4.3.0 later"}])
def test_a_mail_not_taken_now_goes_later(mail_server, refusal):
    mail_server.does = refusal
    queued = mail()
    pass_after()
    assert stored(queued).status == MessageStatus.QUEUED
    assert NOW < stored(queued).send_at < NOW + timedelta(minutes=5)
    mail_server.reset()
    pass_after(hours=1)
    assert stored(queued).status == MessageStatus.SENT


def test_a_server_that_hangs_up_before_it_has_the_mail_gets_it_again(mail_server):
    mail_server.does["RCPT"] = "drop"
    queued = mail()
    pass_after()
    assert stored(queued).status == MessageStatus.QUEUED


def test_a_mail_that_the_server_may_have_is_unknown_and_never_sent_again(mail_server):
    mail_server.does["DATA"] = "take and drop"
    queued = mail()
    pass_after()
    assert (stored(queued).status, stored(queued).error_code) == ("unknown", "CONNECTION_BROKEN")
    mail_server.does = {}
    pass_after(hours=2)
    assert len(mail_server.accepted) == 1


@pytest.mark.parametrize(
    ("where", "result", "code"),
    [("GREETING", Result.TRANSIENT, "CONNECTION_TIMEOUT"), ("CONTENT", Result.UNKNOWN, "READ_TIMEOUT")],
)
def test_a_server_that_never_ends_its_answer_keeps_no_thread(mail_server, monkeypatch, where, result, code):
    monkeypatch.setattr(mail_provider, "LONGEST", 0.5)
    mail_server.does[where] = "drip"
    before = set(threading.enumerate())
    outcome = asyncio.run(mail_provider.MailProvider().send(parcel()))
    assert (outcome.result, outcome.code) == (result, code)
    for thread in set(threading.enumerate()) - before:
        thread.join(20)
        assert not thread.is_alive(), thread.name


def test_a_mail_still_on_its_way_does_not_hold_the_end_of_the_process(mail_server):
    mail_server.does["GREETING"] = "drip"

    async def begin_and_leave():
        sending = asyncio.ensure_future(mail_provider.MailProvider().send(parcel()))
        await asyncio.sleep(0)
        threads = [thread for thread in threading.enumerate() if thread.name == "mail"]
        sending.cancel()
        return threads

    [thread] = asyncio.run(begin_and_leave())
    assert thread.daemon
    thread.join(20)
    assert not thread.is_alive()


def test_a_mail_taken_with_another_good_answer_than_the_usual_has_been_taken(mail_server):
    mail_server.does["CONTENT"] = "252 2.6.0 we shall see"
    queued = mail()
    pass_after()
    assert stored(queued).status == MessageStatus.SENT


def test_a_mail_of_a_worker_that_died_is_unknown_and_never_sent_again(mail_server):
    queued = mail()
    claim_due(NOW, lambda _name: 4, Counter())
    after = NOW + LEASE
    expire_leases(after, Counter())
    dispatch(clock=Clock(after + timedelta(hours=1)))
    assert stored(queued).status == MessageStatus.UNKNOWN
    assert mail_server.accepted == []


def test_a_server_that_is_away_costs_no_mail(mail_server, settings):
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    queued = mail()
    pass_after()
    assert (stored(queued).status, stored(queued).error_code) == ("queued", "CONNECTION_REFUSED")
    settings.EMAIL_PORT = port
    pass_after(hours=1)
    assert len(mail_server.accepted) == 1


def test_a_wrong_password_has_the_server_left_alone(mail_server, settings):
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "stock", "wrong"
    mail_server.does.update(EHLO="250-double\r\n250 AUTH PLAIN", AUTH="535 5.7.8 no")
    first = mail()
    pass_after()
    assert (stored(first).status, stored(first).error_code) == ("queued", "SMTP_535")
    assert ProviderState.objects.get(name="mail").breaker == "open"


def test_a_mail_never_goes_over_to_a_provider_of_texts(mail_server, texts, settings):
    settings.EMAIL_PORT = 1
    queued = mail()
    for hours in range(30):
        pass_after(hours)
    assert texts.given == []
    # Which of them depends on whether the last wait would have been too long.
    assert stored(queued).status in {MessageStatus.EXPIRED, MessageStatus.FAILED}


def test_a_mail_that_waits_does_not_make_the_site_unwell(mail_server):
    mail(send_at=NOW - timedelta(hours=1))
    assert oldest_due(NOW) is None


# What holds for texts alone


def test_the_kill_switch_of_texts_does_not_hold_mails(mail_server, texts):
    set_sending(False, actor=SYSTEM, now=NOW)
    MessageFactory(clinic=ClinicFactory(quiet_from=None, quiet_to=None), created_at=NOW)
    mail()
    dispatch(clock=CLOCK)
    assert len(mail_server.accepted) == 1
    assert texts.given == []


def test_a_mail_is_in_no_limit_and_no_quiet_hours(mail_server, texts):
    noon = NOW.astimezone(ClinicFactory().zone).time()
    clinic = ClinicFactory(
        quiet_from=noon.replace(minute=0, second=0, microsecond=0),
        quiet_to=noon.replace(minute=59, second=59),
        daily_message_budget=0,
        consent_policy="explicit",
    )
    mail(clinic=clinic)
    pass_after()
    assert len(mail_server.accepted) == 1


def test_words_to_staff_take_nothing_from_a_clinics_budget(texts):
    clinic = ClinicFactory(quiet_from=None, quiet_to=None, daily_message_budget=1)
    for _ in range(4):
        MessageFactory(clinic=clinic, to="+26771000001", for_staff=True, created_at=NOW)
    patients = MessageFactory(clinic=clinic, to="+26771000001", created_at=NOW)
    pass_after()
    assert len(texts.given) == 5
    assert stored(patients).status == MessageStatus.SENT


def test_a_member_of_staff_who_opted_out_gets_no_texts(texts):
    opt_out("+26771000001", source="reply", actor=SYSTEM, now=NOW)
    queued = MessageFactory(clinic=None, for_staff=True, to="+26771000001", created_at=NOW)
    pass_after()
    assert stored(queued).status == MessageStatus.SUPPRESSED


def test_mails_are_not_in_the_queue_of_texts(mail_server, api):
    caller = api(AdminFactory())
    queued = mail(clinic=ClinicFactory())
    assert caller.get("/api/v1/sms/queue").json()["count"] == 0
    assert caller.get(f"/api/v1/sms/status/{queued.pk}").status_code == 404


def test_mail_can_not_stand_among_the_providers_of_texts(settings):
    settings.SMS_PROVIDERS = ["mail"]
    assert "messaging.E005" in {problem.id for problem in check_providers()}
