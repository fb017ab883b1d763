from datetime import timedelta

import pytest

from accounts.audit import SYSTEM
from common.errors import StateConflict
from messaging.models import Message, MessageStatus, OptOut
from messaging.services import Draft, cancel, enqueue, lift_opt_out, opt_out, opted_out
from messaging.template_book import TemplateBook, Text
from tests.clock import NOW
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MessageFactory, MessageTemplateFactory

pytestmark = pytest.mark.django_db
WORDS = {
    "name": "Neo",
    "clinic": "Gaborone Clinic",
    "clinic_phone": "+2673901234",
    "date": "1 December",
    "time": "09:00",
    "weekday": "Tuesday",
}


def draft(clinic, **fields):
    return Draft(
        **{
            "clinic_id": clinic.pk,
            "purpose": "manual",
            "to": "+26771234567",
            "text": Text.of("Dumela"),
            "language": "tn",
            "send_at": NOW,
            "expires_at": NOW + timedelta(hours=24),
            **fields,
        }
    )


def test_requests_with_one_key_are_one_message(clinic):
    [first] = enqueue([draft(clinic, dedupe_key="k")], now=NOW)
    [second] = enqueue([draft(clinic, dedupe_key="k")], now=NOW)
    assert first == second
    assert Message.objects.get().events.count() == 1


def test_one_key_twice_in_one_request_is_one_message(clinic):
    first, second = enqueue([draft(clinic, dedupe_key="k")] * 2, now=NOW)
    assert first == second
    assert Message.objects.count() == 1


def test_requests_without_a_key_are_messages_of_their_own(clinic):
    enqueue([draft(clinic)] * 2, now=NOW)
    assert Message.objects.count() == 2


def test_a_waiting_text_can_be_cancelled(clinic):
    waiting = MessageFactory(clinic=clinic)
    cancel(waiting.pk, actor=SYSTEM, now=NOW)
    assert Message.objects.get().status == MessageStatus.CANCELLED


def test_a_text_that_has_left_can_not_be_cancelled(clinic):
    gone = MessageFactory(clinic=clinic, status=MessageStatus.SENT)
    with pytest.raises(StateConflict):
        cancel(gone.pk, actor=SYSTEM, now=NOW)
    assert Message.objects.get().status == MessageStatus.SENT


def test_opting_out_twice_is_opting_out_once(db):
    for _time in range(2):
        opt_out("+26771234567", source="nurse", actor=SYSTEM, now=NOW)
    assert OptOut.objects.count() == 1
    assert opted_out(["+26771234567", "+26772345678"]) == {"+26771234567"}


def test_an_opt_out_can_be_lifted_and_stays_on_record(db):
    opt_out("+26771234567", source="nurse", actor=SYSTEM, now=NOW)
    lift_opt_out("+26771234567", actor=SYSTEM, now=NOW + timedelta(days=1))
    assert opted_out(["+26771234567"]) == set()
    assert OptOut.objects.count() == 1


def test_a_clinics_own_template_stands_before_the_one_for_all(clinic):
    MessageTemplateFactory(clinic=clinic, body="{name}, {clinic} {date} {time}")
    other = ClinicFactory()
    book = TemplateBook("reminder", [clinic.pk, other.pk])
    assert book.text(clinic.pk, "en", WORDS).body == "Neo, Gaborone Clinic 1 December 09:00"
    assert book.text(other.pk, "en", WORDS).body.startswith("Hello Neo")


def test_a_text_is_folded_to_the_cheap_alphabet_unless_the_clinic_keeps_its_letters(clinic):
    MessageTemplateFactory(clinic=clinic, language="tn", body="Dumêla {name}")
    assert TemplateBook("reminder", [clinic.pk]).text(clinic.pk, "tn", WORDS).encoding == "GSM-7"
    clinic.message_templates.update(keep_diacritics=True)
    kept = TemplateBook("reminder", [clinic.pk]).text(clinic.pk, "tn", WORDS)
    assert (kept.body, kept.encoding) == ("Dumêla Neo", "UCS-2")
