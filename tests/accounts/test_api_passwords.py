import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from time import time

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from accounts import password_reset, tasks
from accounts.models import AuditEntry, Preferences
from tests.factories.accounts import PASSWORD, AdminFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db
ME, LOGIN, CHANGE = "/api/v1/users/me", "/api/v1/auth/login", "/api/v1/auth/password"
RESET, CONFIRM = f"{CHANGE}/reset", f"{CHANGE}/reset/confirm"
NEW = "another-long-one"


@pytest.fixture
def mail_is_set_up(settings):
    settings.MAIL_IS_SET_UP = True
    settings.PUBLIC_BASE_URL = "https://reminders.clinic.example"


@pytest.fixture
def nurse():
    return StaffFactory(email="neo@clinic.example")


def refused_at(answer):
    assert answer.status_code == 400, answer.content
    return set(answer.json()["error"]["details"])


def signs_in(api, user, password):
    given = {"username": user.username, "password": password}
    return api().post(LOGIN, given, format="json").status_code == 200


def asked(api, email):
    return api().post(RESET, {"email": email}, format="json")


def confirmed(api, token, new=NEW):
    return api().post(CONFIRM, {"token": token, "new": new}, format="json")


def mailed_token(user):
    assert password_reset.mail(user.pk, now=timezone.now())
    return re.search(r"^\S{20,}\.\S+$", mail.outbox[-1].body, re.MULTILINE)[0]


# Changing it


def test_a_new_password_ends_every_token_and_signs_in(api, nurse):
    clients = [api(nurse), api(nurse)]
    assert clients[0].post(CHANGE, {"old": PASSWORD, "new": NEW}, format="json").status_code == 204
    assert [client.get(ME).status_code for client in clients] == [401, 401]
    assert signs_in(api, nurse, NEW)
    assert not signs_in(api, nurse, PASSWORD)
    assert AuditEntry.objects.get(object_id=nurse.pk).action == "password set"


def test_without_the_old_password_nothing_changes(api, nurse):
    client = api(nurse)
    assert refused_at(client.post(CHANGE, {"old": "wrong", "new": NEW}, format="json")) == {"old"}
    assert client.get(ME).status_code == 200
    assert signs_in(api, nurse, PASSWORD)


def test_guessing_the_old_password_with_a_stolen_token_has_to_wait(api, nurse):
    client = api(nurse)
    answers = [client.post(CHANGE, {"old": "wrong", "new": NEW}, format="json") for _ in range(6)]
    assert answers[-1].status_code == 429


@pytest.mark.parametrize("new", ["short", "12345678901", "", None, 5, ["a"]])
def test_a_weak_new_password_is_refused(api, nurse, new):
    assert refused_at(api(nurse).post(CHANGE, {"old": PASSWORD, "new": new}, format="json")) == {"new"}


# Asking for a mail


@pytest.mark.parametrize("email", ["neo@clinic.example", "nobody@clinic.example", "closed@clinic.example"])
def test_one_answer_whether_the_address_is_known_or_not(api, nurse, mail_is_set_up, email):
    StaffFactory(email="closed@clinic.example", is_active=False)
    answer = asked(api, email)
    assert (answer.status_code, answer.json()) == (
        202,
        {"message": "If an account has this address, a mail is on its way to it."},
    )
    # The same work, too.
    assert OrmQ.objects.count() == 1


def test_without_mail_the_answer_says_whom_to_ask(api, nurse):
    answer = asked(api, nurse.email)
    assert "administrator" in answer.json()["message"]
    assert OrmQ.objects.count() == 0


@pytest.mark.parametrize("email", ["", "neo", None, 7, ["neo@clinic.example"]])
def test_what_is_no_address_is_refused(api, mail_is_set_up, email):
    assert refused_at(asked(api, email)) == {"email"}


def test_the_task_knows_the_person_by_the_key_alone(api, nurse, mail_is_set_up):
    asked(api, "NEO@clinic.example")
    assert OrmQ.objects.get().task["args"] == (str(nurse.pk),)


def test_the_mail_goes_to_the_stored_address_with_link_and_code(nurse, mail_is_set_up):
    tasks.mail_password_resets(str(nurse.pk))
    (sent,) = mail.outbox
    assert sent.to == ["neo@clinic.example"]
    assert nurse.username in sent.body
    assert "https://reminders.clinic.example/password/new/?token=" in sent.body


def test_a_stranger_fills_nobodys_mailbox(nurse, mail_is_set_up):
    now = timezone.now()
    assert password_reset.mail(nurse.pk, now=now)
    assert not password_reset.mail(nurse.pk, now=now + timedelta(seconds=119))
    assert password_reset.mail(nurse.pk, now=now + timedelta(seconds=120))


def test_who_may_not_sign_in_gets_no_mail(mail_is_set_up):
    for user in (
        UserFactory(email="a@clinic.example"),
        StaffFactory(is_active=False, email="b@clinic.example"),
    ):
        assert not password_reset.mail(user.pk, now=timezone.now())
    assert mail.outbox == []


class RefusingMailServer(BaseEmailBackend):
    def send_messages(self, _messages):
        raise SMTPRecipientsRefused({"neo@clinic.example": (550, b"no such neo@clinic.example")})


def test_a_mail_server_that_refuses_fails_the_task_without_the_address(nurse, settings, caplog):
    settings.EMAIL_BACKEND = f"{__name__}.RefusingMailServer"
    with pytest.raises(RuntimeError) as failure:
        tasks.mail_password_resets(str(nurse.pk))
    assert "clinic.example" not in f"{failure.getrepr(style='long')} {caplog.text}"


def test_the_mail_is_in_the_language_of_the_persons_choice(nurse, mail_is_set_up):
    Preferences.objects.create(user=nurse, language="tn")
    assert password_reset.mail(nurse.pk, now=timezone.now())
    assert len(mail.outbox) == 1


# The new password


def test_the_code_sets_a_password_and_ends_every_sign_in(api, nurse):
    client = api(nurse)
    assert confirmed(api, mailed_token(nurse)).status_code == 204
    assert client.get(ME).status_code == 401
    assert signs_in(api, nurse, NEW)


def test_the_code_is_good_once(api, nurse):
    token = mailed_token(nurse)
    confirmed(api, token)
    assert refused_at(confirmed(api, token, "yet-another-one")) == {"token"}
    assert signs_in(api, nurse, NEW)


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_with_one_code_one_wins(api, nurse):
    token = mailed_token(nurse)

    def confirm(new):
        try:
            return confirmed(api, token, new).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(confirm, [NEW, "yet-another-one"])) == [204, 400]


@pytest.mark.parametrize(("minutes", "status"), [(59, 204), (61, 400)])
def test_the_code_is_good_for_an_hour(api, nurse, minutes, status):
    token = mailed_token(nurse)
    with time_machine.travel(time() + minutes * 60, tick=False):
        assert confirmed(api, token).status_code == status


def test_a_weak_password_does_not_use_the_code_up(api, nurse):
    token = mailed_token(nurse)
    assert refused_at(confirmed(api, token, "short")) == {"new"}
    assert confirmed(api, token).status_code == 204


def test_the_code_of_one_is_no_code_of_another(api, nurse):
    admin = AdminFactory(email="boss@clinic.example")
    key, _, _ = mailed_token(admin).partition(".")
    _, _, proof = mailed_token(nurse).partition(".")
    assert refused_at(confirmed(api, f"{key}.{proof}")) == {"token"}


def test_a_code_is_no_good_when_the_account_is_closed_meanwhile(api, nurse):
    token = mailed_token(nurse)
    type(nurse).objects.update(is_active=False)
    assert refused_at(confirmed(api, token)) == {"token"}


@pytest.mark.parametrize("token", ["", ".", "x", "é.é", "AAAA.BBBB", "//8.x-y", None, 7, [], "a" * 501])
def test_what_is_no_code_is_refused(api, token):
    assert refused_at(confirmed(api, token)) == {"token"}


def test_who_was_locked_out_signs_in_with_the_new_password(api, nurse):
    for _ in range(5):
        signs_in(api, nurse, "wrong")
    confirmed(api, mailed_token(nurse))
    assert signs_in(api, nurse, NEW)


# The page that the link opens


def test_the_link_leads_to_a_page_that_sets_the_password(api, client, nurse):
    page = client.get("/password/new/", {"token": mailed_token(nurse)})
    assert (page.status_code, page.headers["Location"]) == (302, "/password/new/")
    assert client.get("/password/new/").context["validlink"]
    done = client.post("/password/new/", {"new_password1": NEW, "new_password2": NEW})
    assert done.headers["Location"] == "/admin/login/"
    assert signs_in(api, nurse, NEW)
    assert AuditEntry.objects.get(object_id=nurse.pk).action == "password set"


@pytest.mark.parametrize("token", ["", "x", "x.y", "AAAA.", "//8.x-y"])
def test_a_link_that_is_no_good_says_so(client, token):
    page = client.get("/password/new/", {"token": token})
    assert page.status_code == 200
    assert not page.context["validlink"]
