from uuid import uuid4

import pytest

from accounts.models import AuditEntry
from messaging.models import MessageTemplate
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.messaging import MessageTemplateFactory

pytestmark = pytest.mark.django_db
TEMPLATES = "/api/v1/templates"
FIELDS = {
    *("id", "key", "language", "clinic_id", "body", "keep_diacritics", "segments", "encoding", "version"),
    "warnings",
}


@pytest.fixture
def nurse(clinic):
    return StaffFactory(clinics=[clinic])


@pytest.fixture
def caller(api, nurse):
    return api(nurse)


@pytest.fixture
def own(clinic):
    return MessageTemplateFactory(clinic=clinic)


def shared():
    return MessageTemplate.objects.get(clinic=None, key="reminder", language="en")


def page_of(template):
    return f"{TEMPLATES}/{template.pk}"


def listed(caller, **query):
    answer = caller.get(TEMPLATES, {"limit": 100, **query})
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def code_of(answer):
    return answer.status_code, answer.json()["error"]["code"]


def test_the_texts_for_all_clinics_and_ones_own_are_listed(caller, own):
    MessageTemplateFactory()
    clinics = {template["clinic_id"] for template in listed(caller)}
    assert clinics == {None, str(own.clinic_id)}
    assert {template["key"] for template in listed(caller, language="tn")} >= {"reminder", "missed"}
    assert [t["id"] for t in listed(caller, clinic_id=str(own.clinic_id))] == [str(own.pk)]
    assert all(set(template) == FIELDS for template in listed(caller))


def test_filters_narrow_the_list(caller, own):
    found = listed(caller, key="reminder", language="en")
    assert {template["id"] for template in found} == {str(own.pk), str(shared().pk)}


def test_another_clinics_texts_are_asked_for_in_vain(caller):
    other = MessageTemplateFactory()
    assert listed(caller, clinic_id=str(other.clinic_id)) == []
    assert code_of(caller.get(page_of(other))) == (404, "NOT_FOUND")
    for method in ("put", "patch", "delete"):
        answer = getattr(caller, method)(page_of(other), {"body": "Mine"}, format="json")
        assert code_of(answer) == (404, "NOT_FOUND")


def test_a_text_tells_its_price(caller, clinic):
    template = MessageTemplateFactory(clinic=clinic, body="😀 " + "a" * 70)
    shown = caller.get(page_of(template)).json()
    assert (shown["segments"], shown["encoding"]) == (2, "UCS-2")


def test_a_text_that_names_an_illness_says_so(caller, clinic):
    template = MessageTemplateFactory(clinic=clinic, body="Come to the HIV clinic.")
    [warning] = caller.get(page_of(template)).json()["warnings"]
    assert (warning["code"], warning["words"]) == ("TELLING_WORD", ["HIV"])


def test_the_number_of_texts_does_not_change_the_number_of_queries(api, django_assert_max_num_queries):
    for _ in range(10):
        MessageTemplateFactory()
    caller = api(AdminFactory())
    with django_assert_max_num_queries(4):
        assert len(listed(caller)) > 20


# Changing


def test_staff_change_their_clinics_own_text(caller, nurse, own):
    answer = caller.put(page_of(own), {"body": "Come on {date}.", "version": 1}, format="json")
    assert answer.status_code == 200
    assert (answer.json()["body"], answer.json()["version"]) == ("Come on {date}.", 2)
    assert AuditEntry.objects.get(object_id=own.pk).actor_id == nurse.pk


def test_the_object_can_be_sent_back_as_it_came(caller, own):
    shown = caller.get(page_of(own)).json()
    assert caller.put(page_of(own), shown, format="json").json() == shown


def test_what_cannot_be_changed_is_left_as_it_is(caller, own):
    given = {"body": "Come.", "key": "missed", "clinic_id": str(uuid4()), "language": "tn"}
    shown = caller.put(page_of(own), given, format="json").json()
    assert (shown["key"], shown["clinic_id"], shown["language"]) == ("reminder", str(own.clinic_id), "en")


def test_a_part_is_changed_alone(caller, own):
    shown = caller.patch(page_of(own), {"keep_diacritics": True}, format="json").json()
    assert (shown["keep_diacritics"], shown["body"]) == (True, own.body)


def test_a_stale_version_overwrites_nothing(caller, own):
    for method in (caller.put, caller.patch):
        method(page_of(own), {"body": "First"}, format="json")
        answer = method(page_of(own), {"body": "Second", "version": 1}, format="json")
        assert code_of(answer) == (409, "VERSION_CONFLICT")
    own.refresh_from_db()
    assert own.body == "First"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "body"),
        ({"body": ""}, "body"),
        ({"body": None}, "body"),
        ({"body": ["a"]}, "body"),
        ({"body": {"en": "a"}}, "body"),
        ({"body": "Hello {nmae}"}, "body"),
        ({"body": "Hello {"}, "body"),
        ({"body": "bell \x07"}, "body"),
        ({"body": "a\x00"}, "body"),
        ({"body": "a" * 1601}, "body"),
        ({"body": "a", "version": "x"}, "version"),
        ({"body": "a", "version": 10**30}, "version"),
        ({"body": "a", "version": None}, "version"),
        ({"body": "a", "keep_diacritics": "perhaps"}, "keep_diacritics"),
        ({"body": "a", "price": 1}, "price"),
    ],
)
def test_what_cannot_be_sent_is_not_saved(caller, own, given, field):
    answer = caller.put(page_of(own), given, format="json")
    assert code_of(answer) == (400, "VALIDATION_ERROR")
    assert field in answer.json()["error"]["details"]
    own.refresh_from_db()
    assert own.version == 1


def test_staff_read_the_text_for_all_clinics_and_do_not_change_it(caller):
    assert caller.get(page_of(shared())).status_code == 200
    for method in ("put", "patch", "delete"):
        answer = getattr(caller, method)(page_of(shared()), {"body": "Mine"}, format="json")
        assert code_of(answer) == (403, "PERMISSION_DENIED")


def test_an_administrator_changes_the_text_for_all_clinics(api):
    answer = api(AdminFactory()).put(page_of(shared()), {"body": "Come to {clinic}."}, format="json")
    assert answer.status_code == 200
    assert shared().body == "Come to {clinic}."


def test_a_viewer_reads_and_writes_nothing(api, clinic, own):
    viewer = api(ViewerFactory(clinics=[clinic]))
    assert viewer.get(page_of(own)).status_code == 200
    new = {"key": "missed", "language": "en", "body": "Mine"}
    answers = [
        viewer.put(page_of(own), {"body": "Mine"}, format="json"),
        viewer.delete(page_of(own)),
        viewer.post(TEMPLATES, new, format="json"),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]


# A clinic's own

NEW = {"key": "missed", "language": "en", "body": "We missed you, {name}."}


def test_staff_give_their_clinic_a_text_of_its_own(caller, clinic):
    answer = caller.post(TEMPLATES, NEW, format="json")
    assert answer.status_code == 201
    assert (answer.json()["clinic_id"], answer.json()["version"]) == (str(clinic.pk), 1)


def test_a_clinic_has_one_text_of_a_kind(caller):
    caller.post(TEMPLATES, NEW, format="json")
    answer = caller.post(TEMPLATES, NEW, format="json")
    assert code_of(answer) == (400, "VALIDATION_ERROR")
    assert list(answer.json()["error"]["details"]) == ["clinic_id"]
    assert MessageTemplate.objects.filter(clinic__isnull=False).count() == 1


def test_nobody_writes_another_clinics_text(caller):
    answer = caller.post(TEMPLATES, {**NEW, "clinic_id": str(ClinicFactory().pk)}, format="json")
    assert "clinic_id" in answer.json()["error"]["details"]
    assert not MessageTemplate.objects.filter(clinic__isnull=False).exists()


@pytest.mark.parametrize("missing", ["key", "language", "body"])
def test_a_new_text_needs_all_that_it_is(caller, missing):
    given = {name: value for name, value in NEW.items() if name != missing}
    answer = caller.post(TEMPLATES, given, format="json")
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, [missing])


def test_a_clinics_own_text_is_removed(caller, own, nurse):
    answer = caller.delete(page_of(own))
    assert (answer.status_code, answer.content) == (204, b"")
    assert not MessageTemplate.objects.filter(pk=own.pk).exists()
    assert AuditEntry.objects.get(object_id=own.pk).actor_id == nurse.pk


def test_the_text_for_all_clinics_cannot_be_removed(api):
    assert code_of(api(AdminFactory()).delete(page_of(shared()))) == (409, "STATE_CONFLICT")
    assert shared()
