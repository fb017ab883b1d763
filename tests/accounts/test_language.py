import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import AuditEntry, Preferences
from accounts.preferences import change_preferences
from tests.factories.accounts import PASSWORD, ClinicFactory, StaffFactory, ViewerFactory

pytestmark = pytest.mark.django_db

HOME = reverse("admin:index")
SIGN_IN = reverse("admin:login")
SWITCH = reverse("set_language")


def who_prefers(language, factory=StaffFactory):
    person = factory(clinics=[ClinicFactory()])
    change_preferences(person.pk, language=language, actor=Actor.of(person), now=timezone.now())
    return person


def said_to(person, *, cookie="", **headers):
    client = Client(headers=headers)
    client.force_login(person)
    if cookie:
        client.cookies["django_language"] = cookie
    return client.get(HOME)


@pytest.mark.parametrize("factory", [StaffFactory, ViewerFactory])
def test_a_person_who_prefers_setswana_is_spoken_to_in_it(factory):
    page = said_to(who_prefers("tn", factory), accept_language="en")
    assert page["Content-Language"] == "tn"
    assert '<html lang="tn"' in page.content.decode()
    assert "Dipeeletso" in page.content.decode()


def test_a_person_who_prefers_english_gets_it_from_a_setswana_browser():
    page = said_to(who_prefers("en"), accept_language="tn", cookie="tn")
    assert page["Content-Language"] == "en"
    assert "Dipeeletso" not in page.content.decode()


def test_who_has_chosen_nothing_gets_what_the_browser_asks_for():
    person = StaffFactory(clinics=[ClinicFactory()])
    assert said_to(person)["Content-Language"] == "en"
    assert said_to(person, accept_language="tn")["Content-Language"] == "tn"


def test_the_language_costs_a_page_no_query(django_assert_num_queries):
    person = who_prefers("tn")
    client = Client()
    client.force_login(person)
    with django_assert_num_queries(2) as asked:
        client.get(reverse("admin:jsi18n"))
    assert "accounts_preferences" in asked.captured_queries[-1]["sql"]
    assert "accounts_user" in asked.captured_queries[-1]["sql"]


def test_the_sign_in_page_offers_both_languages(client):
    page = client.get(SIGN_IN).content.decode()
    assert 'id="language-form"' in page
    assert "English" in page
    assert "Setswana" in page


def test_the_switch_on_the_sign_in_page_turns_it_to_setswana(client):
    answer = client.post(SWITCH, {"language": "tn", "next": SIGN_IN})
    assert answer["Location"] == SIGN_IN
    page = client.get(SIGN_IN).content.decode()
    assert "Leina la modirisi" in page
    assert "Tsena" in page


def test_a_wrong_password_is_told_in_the_language_that_was_chosen(client):
    client.post(SWITCH, {"language": "tn", "next": SIGN_IN})
    page = client.post(SIGN_IN, {"username": "nobody", "password": "nothing-of-the-kind"})
    assert "lefoko la sephiri tse di siameng" in page.content.decode()


def test_the_switch_in_the_menu_is_kept_for_the_next_computer(client):
    person = StaffFactory(clinics=[ClinicFactory()])
    client.force_login(person)
    assert f'action="{SWITCH}"' in client.get(HOME).content.decode()
    client.post(SWITCH, {"language": "tn", "next": HOME})
    assert Preferences.of(person).language == "tn"
    assert said_to(person)["Content-Language"] == "tn"
    assert AuditEntry.objects.get(object_type="accounts.preferences").actor_id == person.pk


@pytest.mark.parametrize("language", ["fr", "", "tn\0", "e" * 500])
def test_a_language_that_there_is_not_changes_nothing(client, language):
    person = who_prefers("tn")
    client.force_login(person)
    client.post(SWITCH, {"language": language, "next": HOME})
    assert Preferences.of(person).language == "tn"


def test_the_switch_leads_nowhere_else(client):
    answer = client.post(SWITCH, {"language": "tn", "next": "https://example.com/"})
    assert answer["Location"] == "/"


def test_the_switch_wants_a_form_of_our_own():
    client = Client(enforce_csrf_checks=True)
    assert client.post(SWITCH, {"language": "tn"}).status_code == 403


def test_who_signs_in_after_switching_is_spoken_to_in_that_language(client):
    person = StaffFactory(clinics=[ClinicFactory()])
    client.post(SWITCH, {"language": "tn", "next": SIGN_IN})
    client.post(SIGN_IN, {"username": person.username, "password": PASSWORD, "next": HOME})
    assert client.get(HOME)["Content-Language"] == "tn"
