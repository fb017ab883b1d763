import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from messaging.models import Message, MessageEvent, MessageTemplate, OptOut, SendingSwitch
from tests.factories.accounts import AdminFactory, ViewerFactory
from tests.factories.messaging import MessageFactory, MessageTemplateFactory, OptOutFactory

pytestmark = pytest.mark.django_db

SWITCH = reverse("admin:messaging_sendingswitch_changelist")


def page_of(thing):
    return reverse(f"admin:messaging_{thing._meta.model_name}_change", args=[thing.pk])


def step(client, thing, name, **more):
    url = reverse(f"admin:messaging_{thing._meta.model_name}_step", args=[thing.pk])
    return client.post(url, {"step": name, "sure": "yes", **more}, follow=True)


# Messages


def test_a_text_is_shown_with_what_happened_to_it_in_order(client, nurse, clinic):
    message = MessageFactory(clinic=clinic, status="failed", error_code="21610", error_message="Refused.")
    for status in ("queued", "sending", "failed"):
        MessageEvent.objects.create(message=message, status=status, at=message.created_at)
    text = client.get(page_of(message)).content.decode()
    places = [text.rindex(words) for words in ("Waiting to be sent", "Being sent", ">Failed</td>")]
    assert places == sorted(places)
    assert "Refused. [21610]" in text


def test_a_waiting_text_is_cancelled(client, nurse, clinic):
    message = MessageFactory(clinic=clinic)
    step(client, message, "cancel")
    message.refresh_from_db()
    assert message.status == "cancelled"
    assert AuditEntry.objects.get(object_id=message.pk).actor_id == nurse.pk


def test_a_sent_text_has_no_cancel_button(client, nurse, clinic):
    message = MessageFactory(clinic=clinic, status="sent")
    assert "any more" in step(client, message, "cancel").content.decode()
    message.refresh_from_db()
    assert message.status == "sent"


def test_a_viewer_cannot_cancel_a_text(client, clinic):
    client.force_login(ViewerFactory(clinics=[clinic]))
    message = MessageFactory(clinic=clinic)
    step(client, message, "cancel")
    message.refresh_from_db()
    assert message.status == "queued"


def test_another_clinics_text_is_not_there(client, nurse):
    message = MessageFactory()
    assert client.get(page_of(message)).status_code == 404
    assert step(client, message, "cancel").status_code == 404
    assert Message.objects.get().status == "queued"


@pytest.mark.parametrize("filters", [{"status__exact": "failed"}, {"purpose": "manual"}, {"day": "tomorrow"}])
def test_texts_are_filtered(client, nurse, clinic, filters):
    MessageFactory(clinic=clinic)
    found = client.get(reverse("admin:messaging_message_changelist"), filters)
    assert found.context["cl"].result_count == 0


# Templates


@pytest.fixture
def template(clinic):
    return MessageTemplateFactory(clinic=clinic)


def shared():
    return MessageTemplate.objects.get(clinic=None, key="reminder", language="en")


def body(template, text, **more):
    return {"body": text, "version": template.version, **more}


def test_staff_change_their_clinics_own_text(client, nurse, template):
    client.post(page_of(template), body(template, "Hello {name}, come on {date}."))
    template.refresh_from_db()
    assert (template.body, template.version) == ("Hello {name}, come on {date}.", 2)
    assert AuditEntry.objects.get(object_id=template.pk).actor_id == nurse.pk


def test_staff_read_the_text_for_all_clinics_and_do_not_change_it(client, nurse):
    assert client.get(page_of(shared())).status_code == 200
    assert client.post(page_of(shared()), body(shared(), "Mine")).status_code == 403


def test_an_admin_changes_the_text_for_all_clinics(client):
    client.force_login(AdminFactory())
    client.post(page_of(shared()), body(shared(), "Come to {clinic}."))
    assert shared().body == "Come to {clinic}."


def test_another_clinics_text_template_is_not_there(client, nurse):
    assert client.get(page_of(MessageTemplateFactory())).status_code == 404


@pytest.mark.parametrize("text", ["{nmae}", "Hello {", "", "a\x00b"])
def test_a_text_that_cannot_be_sent_is_refused_at_the_text(client, nurse, template, text):
    page = client.post(page_of(template), body(template, text))
    assert "body" in page.context["adminform"].form.errors
    template.refresh_from_db()
    assert template.version == 1


def test_a_stale_template_page_overwrites_nothing(client, nurse, template):
    MessageTemplate.objects.filter(pk=template.pk).update(version=2)
    page = client.post(page_of(template), body(template, "Overwritten"))
    template.refresh_from_db()
    assert template.body != "Overwritten"
    assert "Someone has changed this text meanwhile" in page.content.decode()


def test_a_preview_shows_the_typed_text_and_its_price_and_saves_nothing(client, nurse, template):
    typed = "Hello {name} 😀, come to {clinic}."
    page = client.post(page_of(template), body(template, typed, _preview="x"))
    text = page.content.decode()
    template.refresh_from_db()
    assert template.version == 1
    assert "Hello Kabo Molefe 😀" in text
    assert "UCS-2" in text
    assert "<code>😀</code>" in text
    assert "correct the error" not in text
    assert typed in text


def test_a_clinic_gets_a_text_of_its_own_and_loses_it_again(client, clinic):
    client.force_login(AdminFactory())
    given = {"key": "missed", "language": "en", "clinic": clinic.pk, "body": "We missed you."}
    client.post(reverse("admin:messaging_messagetemplate_add"), given)
    own = MessageTemplate.objects.get(clinic=clinic)
    assert own.body == "We missed you."
    step(client, own, "drop")
    assert not MessageTemplate.objects.filter(clinic=clinic).exists()


def test_the_text_for_all_clinics_cannot_be_removed(client):
    client.force_login(AdminFactory())
    step(client, shared(), "drop")
    assert shared()


# Opt-outs


def test_a_nurse_stops_a_phone_and_lifts_it_again(client, nurse):
    client.post(reverse("admin:messaging_optout_add"), {"phone": "71 234 567"})
    entry = OptOut.objects.get()
    assert (entry.phone, entry.source, entry.lifted_at) == ("+26771234567", "nurse", None)
    step(client, entry, "lift")
    entry.refresh_from_db()
    assert entry.lifted_at is not None


def test_a_phone_that_is_none_is_refused_at_the_phone(client, nurse):
    page = client.post(reverse("admin:messaging_optout_add"), {"phone": "nobody"})
    assert "phone" in page.context["adminform"].form.errors


def test_a_phone_is_stopped_once(client, nurse):
    OptOutFactory(phone="+26771234567")
    client.post(reverse("admin:messaging_optout_add"), {"phone": "71 234 567"})
    assert OptOut.objects.count() == 1


def phones_listed(client, **asked):
    page = client.get(reverse("admin:messaging_optout_changelist"), asked)
    return [entry.phone for entry in page.context["cl"].result_list]


@pytest.fixture
def texted(clinic):
    """Two phones that want no texts: one that the nurse's clinic has texted, one that another has."""
    here, elsewhere = OptOutFactory(phone="+26771234567"), OptOutFactory(phone="+26771234568")
    MessageFactory(clinic=clinic, to=here.phone)
    MessageFactory(to=elsewhere.phone)
    return here, elsewhere


def test_staff_see_the_stopped_phones_of_their_own_clinics(client, nurse, texted):
    assert phones_listed(client) == ["+26771234567"]
    assert phones_listed(client, q="2677123") == ["+26771234567"]


def test_a_part_of_a_phone_or_a_filter_finds_none_of_another_clinics(client, nurse, texted):
    assert phones_listed(client, q="1234568") == []
    assert phones_listed(client, phone__startswith="+26771234568") == []


def test_any_stopped_phone_is_found_and_lifted_by_who_types_it_in_full(client, nurse, texted):
    assert phones_listed(client, q="71 234 568") == ["+26771234568"]
    step(client, texted[1], "lift")
    texted[1].refresh_from_db()
    assert texted[1].lifted_at is not None


def test_an_admin_sees_all_stopped_phones(client, texted):
    client.force_login(AdminFactory())
    assert set(phones_listed(client)) == {"+26771234567", "+26771234568"}


# The kill switch


def test_an_admin_stops_all_texts_and_everybody_is_told(client, clinic):
    admin = AdminFactory()
    client.force_login(admin)
    client.post(SWITCH, {"sending": "off"})
    assert not SendingSwitch.objects.get().sending
    assert AuditEntry.objects.get(object_type="messaging.sendingswitch").actor_id == admin.pk
    client.force_login(ViewerFactory(clinics=[clinic]))
    assert "no patient gets a text" in client.get(reverse("admin:index")).content.decode()


def test_an_admin_sends_again(client):
    SendingSwitch.objects.create(sending=False)
    client.force_login(AdminFactory())
    client.post(SWITCH, {"sending": "on"})
    assert SendingSwitch.objects.get().sending


def test_staff_cannot_reach_the_switch(client, nurse):
    assert client.post(SWITCH, {"sending": "off"}).status_code == 403
    assert not SendingSwitch.objects.exists()


def test_looking_at_the_switch_changes_nothing(client):
    client.force_login(AdminFactory())
    assert "ON: texts are sent" in client.get(SWITCH).content.decode()
    assert not SendingSwitch.objects.exists()
