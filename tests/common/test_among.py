from uuid import uuid4

import pytest

from accounts.models import Clinic
from common.among import among
from messaging.models import Message
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MessageFactory

pytestmark = pytest.mark.django_db


def test_those_of_many_keys_are_found_and_no_others():
    found, _other = ClinicFactory(), ClinicFactory()
    keys = [found.pk, *(uuid4() for _number in range(300))]
    assert list(Clinic.objects.filter(among("pk", keys))) == [found]


def test_a_foreign_key_is_asked_for_by_its_column():
    message = MessageFactory()
    MessageFactory()
    assert list(Message.objects.filter(among("clinic_id", [message.clinic_id]))) == [message]


def test_no_keys_find_nothing():
    ClinicFactory()
    assert not Clinic.objects.filter(among("pk", [])).exists()


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a,b", "{a}", "NULL", "", " a ", "ê'š", "x" * 200])
def test_a_text_of_any_signs_is_itself(text):
    assert not Clinic.objects.filter(among("name", [text])).exists()
    clinic = ClinicFactory(name=text[:80])
    assert list(Clinic.objects.filter(among("name", [text[:80], "other"]))) == [clinic]
