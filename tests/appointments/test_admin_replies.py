import pytest
from django.urls import reverse

from appointments.models import AppointmentStatus
from messaging.models import OptOut, Reply, ReplyState
from tests.factories.accounts import AdminFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory
from tests.factories.messaging import MessageFactory, ReplyFactory

pytestmark = pytest.mark.django_db

LIST = reverse("admin:messaging_reply_changelist")
PHONE = "+26771234567"


@pytest.fixture
def visit(clinic):
    return AppointmentFactory(patient=PatientFactory(clinic=clinic, phone=PHONE, name="Neo Kgosi"))


@pytest.fixture
def reply(clinic, visit):
    return about(visit, body="Can I come at ten?")


def about(visit, **fields):
    fields = {"phone": visit.patient.phone, "clinic": visit.clinic, **fields}
    return ReplyFactory(subject_type="appointments.appointment", subject_id=visit.pk, **fields)


def page_of(reply):
    return reverse("admin:messaging_reply_change", args=[reply.pk])


def step(client, reply, name):
    url = reverse("admin:messaging_reply_step", args=[reply.pk])
    return client.post(url, {"step": name, "sure": "yes"}, follow=True)


def offered(client, reply):
    return [step.name for step in client.get(page_of(reply)).context["steps"]]


def listed(client, **asked):
    return {reply.pk for reply in client.get(LIST, asked).context["cl"].result_list}


def state_of(reply):
    return Reply.objects.get(pk=reply.pk).state


# The list


def test_the_list_shows_what_waits_with_its_words_patient_and_visit(client, nurse, reply, visit):
    ReplyFactory(clinic=reply.clinic, state=ReplyState.ANSWERED)
    page = client.get(LIST)
    text = page.content.decode()
    assert listed(client) == {reply.pk}
    assert "Replies to read" in text
    assert "Can I come at ten?" in text
    assert "Neo Kgosi" in text
    assert reverse("admin:appointments_appointment_change", args=[visit.pk]) in text


def test_the_list_is_narrowed_by_state_meaning_and_clinic(client, nurse, clinic, reply):
    done = ReplyFactory(clinic=clinic, state=ReplyState.DONE, meaning="stop")
    assert listed(client, state="all") == {reply.pk, done.pk}
    assert listed(client, state="done") == {done.pk}
    assert listed(client, state="all", meaning="stop") == {done.pk}
    assert listed(client, state="nonsense") == set()


def test_another_clinics_replies_and_those_of_no_clinic_are_not_there(client, nurse, reply):
    others = [ReplyFactory(), ReplyFactory(clinic=None)]
    assert listed(client, state="all") == {reply.pk}
    assert {client.get(page_of(other)).status_code for other in others} == {404}
    assert {step(client, other, "done").status_code for other in others} == {404}


def test_an_administrator_reads_the_replies_of_no_clinic(client):
    client.force_login(AdminFactory())
    nobodys = ReplyFactory(clinic=None)
    assert listed(client) == {nobodys.pk}
    assert client.get(page_of(nobodys)).status_code == 200


def test_a_visit_of_another_clinic_is_not_named(client, nurse, clinic):
    other = AppointmentFactory(patient__name="Somebody Else", patient__phone=PHONE)
    reply = about(other, clinic=clinic)
    text = client.get(page_of(reply)).content.decode() + client.get(LIST).content.decode()
    assert "Somebody Else" not in text


def test_the_list_costs_the_same_for_many(client, nurse, clinic, django_assert_max_num_queries):
    for _number in range(20):
        about(AppointmentFactory(patient__clinic=clinic))
    with django_assert_max_num_queries(15):
        client.get(LIST)


def test_a_reply_is_found_by_its_phone(client, nurse, reply):
    ReplyFactory(clinic=reply.clinic)
    assert listed(client, q="71 234 567") == {reply.pk}


# Viewers


@pytest.fixture
def viewer(client, clinic):
    client.force_login(ViewerFactory(clinics=[clinic]))


def test_a_viewer_sees_neither_the_phone_nor_the_words(client, viewer, reply):
    MessageFactory(clinic=reply.clinic, to=PHONE, body="Hello Neo")
    for url in (LIST, page_of(reply)):
        text = client.get(url).content.decode()
        assert PHONE not in text
        assert "Can I come at ten?" not in text
        assert "567" in text


def test_a_viewer_has_no_buttons(client, viewer, reply):
    assert offered(client, reply) == []
    step(client, reply, "done")
    assert state_of(reply) == ReplyState.WAITING


# The page and its buttons


def test_a_page_shows_the_visits_and_texts_of_the_phone(client, nurse, reply, visit):
    MessageFactory(clinic=reply.clinic, to=PHONE, body="Please come on Tuesday")
    MessageFactory(to=PHONE, body="Of another clinic")
    text = client.get(page_of(reply)).content.decode()
    assert "Please come on Tuesday" in text
    assert "Of another clinic" not in text
    assert "Neo Kgosi" in text


def test_done_takes_it_from_the_list(client, nurse, reply):
    answer = step(client, reply, "done")
    assert answer.redirect_chain[-1][0] == LIST
    assert listed(client) == set()
    assert Reply.objects.get().done_by == nurse.username


def test_each_visit_of_the_family_has_its_own_button(client, nurse, reply, clinic, visit):
    child = AppointmentFactory(patient=PatientFactory(clinic=clinic, phone=PHONE, name="Lesedi"))
    AppointmentFactory(patient=PatientFactory(phone=PHONE))
    confirms = {name for name in offered(client, reply) if name.startswith("confirm")}
    assert confirms == {f"confirm-{visit.pk}", f"confirm-{child.pk}"}
    step(client, reply, f"confirm-{child.pk}")
    child.refresh_from_db()
    visit.refresh_from_db()
    assert (child.status, visit.status) == (AppointmentStatus.CONFIRMED, AppointmentStatus.BOOKED)
    assert (state_of(reply), Reply.objects.get().subject_id) == (ReplyState.DONE, child.pk)


def test_a_visit_that_is_not_offered_is_not_confirmed(client, nurse, reply):
    other = AppointmentFactory(patient=PatientFactory(phone=PHONE))
    for name in (f"confirm-{other.pk}", "confirm-", "confirm-x", "nonsense"):
        step(client, reply, name)
    other.refresh_from_db()
    assert (other.status, state_of(reply)) == (AppointmentStatus.BOOKED, ReplyState.WAITING)


def test_texts_to_the_phone_are_stopped_and_allowed_again(client, nurse, clinic, reply):
    assert step(client, reply, "stop").status_code == 200
    assert OptOut.objects.get().phone == PHONE
    again = ReplyFactory(phone=PHONE, clinic=clinic)
    assert offered(client, again)[-1] == "allow"
    step(client, again, "allow")
    assert OptOut.objects.get().lifted_at is not None


def test_stopping_is_asked_first(client, nurse, reply):
    url = reverse("admin:messaging_reply_step", args=[reply.pk])
    assert b"Nobody who shares this phone" in client.post(url, {"step": "stop"}).content
    assert not OptOut.objects.exists()


def test_a_sender_without_a_number_can_only_be_marked_done(client, clinic, nurse):
    assert offered(client, ReplyFactory(clinic=clinic, phone="ORANGE")) == ["done"]


def test_what_is_done_has_no_buttons(client, nurse, clinic):
    assert offered(client, ReplyFactory(clinic=clinic, state=ReplyState.DONE)) == []


def test_hostile_words_are_shown_as_words(client, nurse, clinic):
    reply = ReplyFactory(clinic=clinic, body="<script>alert(1)</script>")
    for url in (LIST, page_of(reply)):
        assert "<script>alert(1)" not in client.get(url).content.decode()
