from datetime import timedelta

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from messaging.models import (
    Alarm,
    AlarmKind,
    BadNumber,
    Channel,
    Encoding,
    Message,
    MessageTemplate,
    OptOut,
    Reply,
    ReplyState,
    TemplateKey,
)
from tests.factories.accounts import ClinicFactory


class MessageFactory(DjangoModelFactory[Message]):
    """Queued and due now."""

    class Meta:
        model = Message

    clinic = factory.SubFactory(ClinicFactory)
    purpose = TemplateKey.REMINDER
    to = factory.Sequence(lambda n: f"+26771{n:06d}")
    body = "Dumela. Please come to the clinic tomorrow."
    language = "en"
    segments = 1
    encoding = Encoding.GSM_7
    created_at = factory.LazyFunction(timezone.now)
    send_at = factory.SelfAttribute("created_at")
    expires_at = factory.LazyAttribute(lambda message: message.send_at + timedelta(hours=24))


class MailFactory(MessageFactory):
    """To a member of staff, queued and due now."""

    clinic = None
    channel = Channel.EMAIL
    for_staff = True
    purpose = TemplateKey.LOW_STOCK
    to = factory.Sequence(lambda n: f"keeper{n}@clinic.example")
    subject = "Stock needs attention"
    body = "Dumela. Amoxicillin is low."


class MessageTemplateFactory(DjangoModelFactory[MessageTemplate]):
    """A clinic's own template: those for all clinics come with the migrations."""

    class Meta:
        model = MessageTemplate

    clinic = factory.SubFactory(ClinicFactory)
    key = TemplateKey.REMINDER
    language = "en"
    body = "{name}, please come to {clinic} on {date} at {time}. Questions: {clinic_phone}"


class OptOutFactory(DjangoModelFactory[OptOut]):
    class Meta:
        model = OptOut

    phone = factory.Sequence(lambda n: f"+26771{n:06d}")
    source = "nurse"
    opted_out_at = factory.LazyFunction(timezone.now)


class ReplyFactory(DjangoModelFactory[Reply]):
    """Came in just now and waits for a person."""

    class Meta:
        model = Reply

    provider = "twilio"
    provider_message_id = factory.Sequence(lambda n: f"SM{n:032d}")
    phone = factory.Sequence(lambda n: f"+26771{n:06d}")
    body = "Can I come later?"
    state = ReplyState.WAITING
    clinic = factory.SubFactory(ClinicFactory)
    received_at = factory.LazyFunction(timezone.now)


class AlarmFactory(DjangoModelFactory[Alarm]):
    """Open, about a provider, and nobody looks after it."""

    class Meta:
        model = Alarm

    kind = AlarmKind.PROVIDER_DOWN
    subject = factory.Sequence(lambda n: f"provider{n}")
    facts = factory.LazyFunction(lambda: {"code": "READ_TIMEOUT"})
    opened_at = factory.LazyFunction(timezone.now)
    seen_at = factory.SelfAttribute("opened_at")


class BadNumberFactory(DjangoModelFactory[BadNumber]):
    class Meta:
        model = BadNumber

    phone = factory.Sequence(lambda n: f"+26771{n:06d}")
    provider = "twilio"
    code = "21614"
    since = factory.LazyFunction(timezone.now)
