from concurrent.futures import ThreadPoolExecutor
from datetime import time

import pytest
from django.db import connection

from accounts.audit import SYSTEM
from messaging.models import Message
from messaging.services import opt_out
from stock.alerts import escalate, remind
from stock.digests import send_digest, send_digests, tell_at_once
from stock.models import AlertNotice
from tests.factories.accounts import AdminFactory, ClinicFactory
from tests.factories.stock import EVERY_DAY, keeper, moved
from tests.stock.telling.digest_calls import at, low_item, mails, prefers, texts

pytestmark = pytest.mark.django_db


# When


def test_a_digest_waits_for_its_hour_and_is_made_once_a_day(clinic, manager):
    low_item(clinic)
    assert send_digests(now=at(7, 29)) == 0
    assert send_digests(now=at(7, 30)) == 1
    assert send_digests(now=at(7, 35)) == 0
    assert (len(mails()), len(texts())) == (1, 1)


def test_what_is_new_after_the_digest_waits_for_the_next_day(clinic, manager):
    send_digests(now=at(7, 30))
    low_item(clinic, now=at(9))
    assert send_digests(now=at(12)) == 0
    assert send_digests(now=at(7, 30, day=3)) == 1


def test_who_has_nothing_to_be_told_gets_nothing(clinic, manager):
    low_item(clinic)
    send_digests(now=at(7, 30))
    assert send_digests(now=at(7, 30, day=3)) == 0
    assert len(mails()) == 1


def test_another_hour_chosen_at_noon_gives_no_second_digest(clinic, manager):
    low_item(clinic)
    send_digests(now=at(7, 30))
    low_item(clinic, now=at(9))
    prefers(manager, digest_time=time(14))
    assert send_digests(now=at(14)) == 0
    assert send_digests(now=at(14, day=3)) == 1


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_another_time_zone_chosen_at_noon_gives_no_second_digest(clinic, manager, zone):
    low_item(clinic)
    send_digests(now=at(7, 30))
    low_item(clinic, now=at(9))
    prefers(manager, time_zone=zone)
    assert [send_digests(now=at(hour, 59)) for hour in range(12, 24)] == [0] * 12


def test_a_digest_that_was_held_up_comes_late_and_the_next_one_in_time(clinic, manager):
    low_item(clinic)
    assert send_digests(now=at(23)) == 1
    low_item(clinic, now=at(23, 30))
    assert send_digests(now=at(7, 30, day=3)) == 1


def test_a_minute_before_midnight_is_an_hour_like_another(clinic, manager):
    prefers(manager, digest_time=time(23, 58))
    low_item(clinic)
    assert [send_digests(now=at(23, 56)), send_digests(now=at(0, 1, day=3))] == [0, 1]
    low_item(clinic, now=at(12, day=3))
    assert [send_digests(now=at(23, 56, day=3)), send_digests(now=at(0, 1, day=4))] == [0, 1]


def test_a_digest_held_up_past_midnight_comes_before_the_next_one(clinic, manager):
    send_digests(now=at(7, 30))
    low_item(clinic, now=at(9))
    assert send_digests(now=at(0, 5, day=4)) == 1
    assert (mails()[0].send_at, texts()[0].send_at) == (at(0, 5, day=4), at(6, day=4))
    low_item(clinic, now=at(1, day=4))
    assert (send_digests(now=at(2, day=4)), send_digests(now=at(7, 30, day=4))) == (0, 1)


def test_the_hour_is_the_persons_own(clinic, manager):
    prefers(manager, time_zone="Europe/Lisbon", digest_time=time(7))
    low_item(clinic)
    assert send_digests(now=at(8, 59)) == 0
    assert send_digests(now=at(9)) == 1


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_make_one_digest(clinic, manager):
    low_item(clinic)

    def one(_number):
        try:
            return send_digest(manager.pk, now=at(8))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(one, range(8))) == [False] * 7 + [True]
    assert len(mails()) == 1


@pytest.mark.django_db(transaction=True)
def test_a_digest_cut_off_before_its_end_is_made_whole_later(clinic, manager, monkeypatch):
    low_item(clinic)
    with monkeypatch.context() as cut:
        cut.setattr("stock.digests.nudge", lambda: 1 / 0)
        assert send_digests(now=at(8)) == 0
    assert not Message.objects.exists()
    assert send_digests(now=at(9)) == 1


# What


def test_a_mail_has_the_item_its_clinic_and_what_to_order_and_why(clinic, manager):
    low_item(clinic, name="Amoxicillin 250 mg", code="AMX250")
    send_digests(now=at(8))
    [mail] = mails()
    for words in ("Amoxicillin 250 mg", "AMX250", "Main", "15 tablet", "The reorder level is set to 20"):
        assert words in mail.body
        assert words in mail.html
    assert "https://reminders.clinic.example/admin/stock/stockalert/" in mail.body


def test_names_are_no_markup(clinic, manager):
    low_item(clinic, name="<script>alert(1)</script>")
    send_digests(now=at(8))
    assert "<script>" not in mails()[0].html


def test_a_text_is_one_part_and_names_no_item(clinic, manager):
    low_item(clinic, name="Tenofovir")
    send_digests(now=at(8))
    [text] = texts()
    assert (text.to, text.segments, text.clinic_id) == (manager.phone, 1, None)
    assert "Main" in text.body
    assert "1 new" in text.body
    assert "Tenofovir" not in text.body


def test_one_digest_tells_of_all_a_persons_clinics_and_of_no_other(clinic, manager):
    other = ClinicFactory(name="North", opening_hours=EVERY_DAY)
    manager.stock_manager_of.add(other)
    low_item(clinic, name="Gauze")
    low_item(other, name="Gloves")
    low_item(ClinicFactory(opening_hours=EVERY_DAY), name="Lancets")
    send_digests(now=at(8))
    [mail] = mails()
    assert "Gauze" in mail.body
    assert "Gloves" in mail.body
    assert "Lancets" not in mail.body


def test_what_gets_worse_is_told_again_once(clinic, manager):
    level = low_item(clinic)
    send_digests(now=at(8))
    moved(level, "issue", 10, now=at(9))
    send_digests(now=at(8, day=3))
    assert "Worse than before" in mails()[1].body
    assert send_digests(now=at(8, day=4)) == 0


def test_who_was_told_hears_that_it_is_over(clinic, manager):
    level = low_item(clinic)
    send_digests(now=at(8))
    moved(level, "receipt", 100, now=at(9))
    send_digests(now=at(8, day=3))
    assert "Over" in mails()[1].body
    assert texts()[1].body == "Stock at Main is all right again."
    assert send_digests(now=at(8, day=4)) == 0


def test_while_others_are_open_nothing_is_said_to_be_all_right(clinic, manager):
    level = low_item(clinic)
    for _ in range(2):
        low_item(clinic)
    send_digests(now=at(8))
    moved(level, "receipt", 100, now=at(9))
    send_digests(now=at(8, day=3))
    assert texts()[1].body == "Stock at Main: 1 over, 2 still open."


def test_a_slip_that_is_taken_back_is_no_news(clinic, manager):
    level = low_item(clinic)
    send_digests(now=at(8))
    moved(level, "receipt", 100, now=at(9))
    moved(level, "issue", 100, now=at(10))
    assert send_digests(now=at(8, day=3)) == 0


def test_what_is_open_again_after_it_was_told_to_be_over_is_told(clinic, manager):
    level = low_item(clinic)
    send_digests(now=at(8))
    moved(level, "receipt", 100, now=at(23))
    send_digests(now=at(8, day=3))
    moved(level, "issue", 100, now=at(9, day=3))
    assert send_digests(now=at(8, day=4)) == 1


def test_an_item_that_was_low_twice_is_over_once(clinic, manager):
    level = low_item(clinic, code="GAUZE")
    send_digests(now=at(8))
    moved(level, "receipt", 100, now=at(9))
    moved(level, "issue", 100, now=at(7, day=3))
    send_digests(now=at(8, day=3))
    moved(level, "receipt", 100, now=at(9, day=3))
    send_digests(now=at(8, day=4))
    assert mails()[-1].body.count("(GAUZE)") == 1
    assert send_digests(now=at(8, day=5)) == 0


def test_what_came_and_went_between_two_digests_is_not_told(clinic, manager):
    moved(low_item(clinic), "receipt", 100, now=at(7))
    assert send_digests(now=at(8)) == 0


def test_an_alert_on_which_nobody_acts_is_told_again(clinic, manager):
    low_item(clinic)
    send_digests(now=at(8))
    remind(now=at(8, day=5))
    assert send_digests(now=at(9, day=5)) == 1
    assert "Nobody has acted" in mails()[1].body


def test_administrators_are_told_only_of_what_is_left_undone_for_long(clinic, manager):
    boss = AdminFactory(email="boss@clinic.example")
    low_item(clinic)
    send_digests(now=at(8))
    assert not Message.objects.filter(to=boss.email).exists()
    escalate(now=at(8, day=8))
    send_digests(now=at(9, day=8))
    assert Message.objects.filter(to=boss.email).count() == 1


# How


def test_each_is_told_in_their_language_by_the_ways_they_chose(clinic, manager):
    prefers(manager, alert_by=["sms"], language="tn")
    low_item(clinic)
    send_digests(now=at(8))
    assert mails() == []
    assert texts()[0].body.startswith("Setoko kwa Main")


def test_a_time_zone_that_does_not_exist_stops_nobodys_digest(clinic, manager):
    other = keeper(clinic)
    prefers(manager, time_zone="Mars/Olympus")
    low_item(clinic)
    assert send_digests(now=at(8)) == 2
    assert {text.to for text in texts()} == {manager.phone, other.phone}


def test_who_wants_no_alerts_gets_none(clinic, manager):
    prefers(manager, alert_by=[])
    low_item(clinic)
    assert send_digests(now=at(8)) == 0


def test_without_a_mail_server_who_wants_mails_gets_a_text(clinic, manager, settings):
    settings.MAIL_IS_SET_UP = False
    prefers(manager, alert_by=["email"])
    low_item(clinic)
    send_digests(now=at(8))
    assert (len(mails()), len(texts())) == (0, 1)


def test_a_phone_that_wants_no_texts_gets_a_mail(clinic, manager):
    opt_out(manager.phone, source="reply", actor=SYSTEM, now=at(6))
    prefers(manager, alert_by=["sms"])
    low_item(clinic)
    send_digests(now=at(8))
    assert (len(mails()), len(texts())) == (1, 0)


def test_what_could_not_be_told_is_told_when_it_can_be(clinic, manager):
    manager.phone = manager.email = ""
    manager.save()
    low_item(clinic)
    assert send_digests(now=at(8)) == 0
    manager.email = "neo@clinic.example"
    manager.save()
    assert send_digests(now=at(8, day=3)) == 1


# At once


def test_a_vital_item_that_is_out_is_told_at_once_and_once(clinic, manager):
    level = low_item(clinic, vital=True, code="OXY")
    moved(level, "issue", 15, now=at(6, 5))
    assert (tell_at_once(now=at(6, 6)), tell_at_once(now=at(6, 7))) == (1, 0)
    assert (len(mails()), len(texts())) == (1, 1)
    assert "OXY" in texts()[0].body
    assert send_digests(now=at(8)) == 0


def test_a_vital_item_out_again_in_the_same_episode_is_not_told_at_once_again(clinic, manager):
    level = low_item(clinic, vital=True)
    moved(level, "issue", 15, now=at(6, 5))
    tell_at_once(now=at(6, 6))
    moved(level, "receipt", 5, now=at(7))
    moved(level, "issue", 5, now=at(7, 30))
    assert tell_at_once(now=at(7, 31)) == 0


def test_without_a_manager_the_administrators_are_told_at_once_and_hear_the_end(clinic):
    boss = AdminFactory(email="boss@clinic.example")
    level = low_item(clinic, vital=True)
    moved(level, "issue", 15, now=at(6, 5))
    assert (tell_at_once(now=at(6, 6)), tell_at_once(now=at(6, 11))) == (1, 0)
    assert [mail.to for mail in mails()] == [boss.email]
    assert send_digests(now=at(8)) == 0
    moved(level, "receipt", 100, now=at(9))
    assert send_digests(now=at(8, day=3)) == 1


def test_what_nobody_could_be_told_of_is_told_to_the_manager_named_later(clinic):
    moved(low_item(clinic, vital=True), "issue", 15, now=at(6, 5))
    assert tell_at_once(now=at(6, 6)) == 0
    keeper(clinic)
    assert tell_at_once(now=at(6, 11)) == 1
    assert len(texts()) == 1


def test_what_is_not_vital_or_only_low_waits_for_the_digest(clinic, manager):
    low_item(clinic, vital=True)
    moved(low_item(clinic), "issue", 15, now=at(6, 5))
    assert tell_at_once(now=at(6, 6)) == 0


def test_many_vital_items_that_are_out_are_one_message(clinic, manager):
    for _ in range(5):
        moved(low_item(clinic, vital=True), "issue", 15, now=at(6, 5))
    tell_at_once(now=at(6, 6))
    assert (len(mails()), len(texts())) == (1, 1)
    assert AlertNotice.objects.filter(user=manager).count() == 5
