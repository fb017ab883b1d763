from datetime import timedelta

import pytest

from messaging.models import Message, Reply
from messaging.retention import forget_old
from tests.clock import NOW
from tests.factories.messaging import MailFactory, MessageFactory, ReplyFactory

pytestmark = pytest.mark.django_db
OLD = NOW - timedelta(days=731)


def test_old_texts_lose_their_words_and_phones_and_keep_what_became_of_them():
    old = MessageFactory(status="delivered", created_at=OLD)
    assert forget_old(now=NOW) == 1
    kept = Message.objects.get(pk=old.pk)
    assert (kept.to, kept.body, kept.status, kept.provider) == ("", "", "delivered", old.provider)


def test_what_is_younger_stays():
    young = MessageFactory(status="delivered", created_at=NOW - timedelta(days=729))
    assert forget_old(now=NOW) == 0
    assert Message.objects.get(pk=young.pk).body == young.body


def test_what_still_waits_stays_whatever_its_age():
    MessageFactory(status="queued", created_at=OLD)
    ReplyFactory(state="waiting", received_at=OLD)
    assert forget_old(now=NOW) == 0


def test_old_replies_lose_their_words_too():
    ReplyFactory(state="done", received_at=OLD)
    forget_old(now=NOW)
    assert Reply.objects.values_list("phone", "body").get() == ("", "")


def test_nothing_is_done_twice():
    MessageFactory(status="delivered", created_at=OLD)
    forget_old(now=NOW)
    assert forget_old(now=NOW) == 0


def test_zero_days_keeps_them_for_ever(settings):
    settings.MESSAGE_RETENTION_DAYS = 0
    MessageFactory(status="delivered", created_at=OLD)
    assert forget_old(now=NOW) == 0


def test_an_old_mail_loses_its_subject_and_page_too():
    MailFactory(status="sent", created_at=OLD, html="<p>Low</p>")
    forget_old(now=NOW)
    assert Message.objects.values_list("to", "subject", "body", "html").get() == ("", "", "", "")
