"""A POST that is sent again gets the first answer and does nothing more."""

import json
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import timedelta
from itertools import islice
from uuid import uuid4

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.test import APIClient

from accounts.models import Clinic
from common import idempotency
from common.errors import DomainError
from common.models import IdempotencyKey
from common.rest.reading import FileParser
from common.rest.serializers import Body
from common.rest.views import ApiView
from common.tasks import forget_idempotency_keys
from tests.factories.accounts import ClinicFactory, StaffFactory

CLINICS, FILES, OPTED_OUT = "/api/v1/made", "/api/v1/files", "/api/v1/opted-out"
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class Given(Body):
    name = serializers.CharField(max_length=80)
    fail = serializers.CharField(required=False)
    number = serializers.IntegerField(required=False)


class Made(ApiView):
    """Makes a clinic, and may fail afterwards."""

    permission_classes = ()
    serializer_class = Given

    def post(self, request):
        given = self.body(request)
        made = ClinicFactory(name=given["name"])
        if given.get("fail") == "crash":
            raise RuntimeError
        if "fail" in given:
            raise DomainError("No.", code=given["fail"])
        return Response({"id": made.pk, "name": made.name}, status=201)


class MadeElsewhere(Made):
    takes_idempotency_key = False


class Files(ApiView):
    permission_classes = ()
    parser_classes = (FileParser,)
    largest_file = 1000

    def post(self, request):
        ClinicFactory(name=request.data["file"].read().decode())
        return Response(status=204)


urlpatterns = [
    path("api/v1/made", Made.as_view()),
    path("api/v1/other", Made.as_view()),
    path("api/v1/opted-out", MadeElsewhere.as_view()),
    path("api/v1/files", Files.as_view()),
]


def post(caller, body=None, key="key-1", address=CLINICS):
    headers = {} if key is None else {"Idempotency-Key": key}
    return caller.post(address, {"name": "Kopong"} if body is None else body, format="json", headers=headers)


def code_of(answer):
    return answer.status_code, answer.json()["error"]["code"]


def test_a_repeat_gets_the_first_answer_and_nothing_is_done_again(api):
    caller = api(StaffFactory())
    first, second = post(caller), post(caller)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert second.headers["Content-Type"] == first.headers["Content-Type"]
    assert Clinic.objects.count() == 1


def test_a_repeat_says_that_it_is_one(api):
    caller = api(StaffFactory())
    assert "Idempotency-Replayed" not in post(caller).headers
    assert post(caller).headers["Idempotency-Replayed"] == "true"


def test_without_a_key_each_request_is_a_new_one(api):
    caller = api(StaffFactory())
    post(caller, key=None)
    post(caller, key=None)
    assert Clinic.objects.count() == 2
    assert not IdempotencyKey.objects.exists()


def test_the_order_of_fields_and_the_form_of_the_address_make_no_other_request(api):
    caller = api(StaffFactory())
    headers = {"Idempotency-Key": "key-1"}
    for address, body in [
        ("/api/v1/made", '{"name": "Kopong", "number": 1}'),
        ("/api/made/", '{ "number": 1, "name": "Kopong" }'),
    ]:
        caller.generic("POST", address, body, content_type="application/json", headers=headers)
    assert Clinic.objects.count() == 1


def test_another_body_is_refused_and_the_first_answer_stays(api):
    caller = api(StaffFactory())
    first = post(caller)
    assert code_of(post(caller, {"name": "Mmathubudukwane"})) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert post(caller).content == first.content


def test_another_callers_key_and_another_address_are_others(api):
    caller = api(StaffFactory())
    post(caller)
    post(caller, address="/api/v1/other")
    post(api(StaffFactory()))
    post(api())
    assert Clinic.objects.count() == 4


def test_the_key_belongs_to_the_person_and_not_to_the_sign_in(api):
    person = StaffFactory()
    assert post(api(person)).content == post(api(person)).content


@pytest.mark.parametrize(
    ("body", "kind", "status"), [("{", "application/json", 400), ("Kopong", "text/plain", 415)]
)
def test_what_could_not_be_read_is_kept_too(api, body, kind, status):
    caller, headers = api(StaffFactory()), {"Idempotency-Key": "key-1"}
    first, second = (
        caller.generic("POST", CLINICS, body, content_type=kind, headers=headers) for _time in range(2)
    )
    assert (first.status_code, second.content) == (status, first.content)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert code_of(post(caller)) == (409, "IDEMPOTENCY_KEY_REUSED")


def test_a_refusal_is_kept_too(api):
    caller = api(StaffFactory())
    refused = post(caller, {"name": "Kopong", "fail": "STATE_CONFLICT"})
    again = post(caller, {"name": "Kopong", "fail": "STATE_CONFLICT"})
    assert code_of(refused) == (409, "STATE_CONFLICT")
    assert again.content == refused.content
    assert again.headers["Content-Type"] == "application/json"
    assert not Clinic.objects.exists()


@pytest.mark.parametrize(
    "fail", ["NOT_AUTHENTICATED", "PERMISSION_DENIED", "RATE_LIMITED", "SERVICE_UNAVAILABLE", "crash"]
)
def test_what_may_go_better_the_next_time_is_not_kept_and_leaves_nothing_done(api, fail):
    caller = api(StaffFactory())
    post(caller, {"name": "Kopong", "fail": fail})
    assert not IdempotencyKey.objects.exists()
    assert not Clinic.objects.exists()
    assert post(caller).status_code == 201


def test_a_view_may_take_no_keys(api):
    caller = api(StaffFactory())
    post(caller, address=OPTED_OUT)
    post(caller, address=OPTED_OUT)
    assert Clinic.objects.count() == 2


def upload(caller, content, name="a.csv", **more):
    form = {"file": SimpleUploadedFile(name, content), **more}
    return caller.post(FILES, form, format="multipart", headers={"Idempotency-Key": "key-1"})


def test_an_uploads_body_is_what_its_file_holds(api):
    caller = api(StaffFactory())
    answers = [upload(caller, b"Kopong"), upload(caller, b"Kopong", name="b.csv")]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert Clinic.objects.get().name == "Kopong"
    assert code_of(upload(caller, b"Moshupa")) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert code_of(upload(caller, b"Kopong", dry_run="true")) == (409, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "a\tb", "é", "😀"])
def test_a_key_that_is_none_is_refused_by_name(api, key):
    answer = post(api(StaffFactory()), key=key)
    assert code_of(answer) == (400, "VALIDATION_ERROR")
    assert list(answer.json()["error"]["details"]) == ["Idempotency-Key"]
    assert not Clinic.objects.exists()


@pytest.mark.parametrize("key", ["x", "x" * 255, '"0190a5b0-0000-7000-8000-000000000000"'])
def test_any_other_key_is_taken(api, key):
    assert post(api(StaffFactory()), key=key).status_code == 201


def test_after_24_hours_a_key_is_new_again(api):
    caller = api(person := StaffFactory())
    with time_machine.travel(timezone.now(), tick=False) as clock:
        post(caller)
        clock.shift(timedelta(hours=23, minutes=59))
        post(caller := api(person))
        assert Clinic.objects.count() == 1
        clock.shift(timedelta(minutes=1))
        assert post(caller, {"name": "Moshupa"}).status_code == 201
    assert Clinic.objects.count() == 2


def test_what_is_kept_is_removed_after_24_hours(api):
    person = StaffFactory()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        post(api(person))
        clock.shift(timedelta(hours=12))
        post(api(person), key="key-2")
        clock.shift(timedelta(hours=12))
        forget_idempotency_keys()
    assert IdempotencyKey.objects.count() == 1


def test_neither_key_nor_body_can_be_read_from_what_is_kept(api):
    caller = api(StaffFactory())
    post(caller, {"name": "Kopong", "fail": "STATE_CONFLICT"}, key="secret-key")
    kept = IdempotencyKey.objects.values().get()
    assert "secret-key" not in str(kept)
    assert "Kopong" not in str(kept)


def leave_a_dead_turn(api, person):
    """What a process leaves that is killed before it commits."""
    post(api(person))
    Clinic.objects.all().delete()
    turn = idempotency.Turn(IdempotencyKey.objects.get().pk, uuid4())
    ends = timezone.now() + idempotency.TURN
    IdempotencyKey.objects.update(status=None, body=b"", turn=turn.token, turn_ends_at=ends)
    return turn


def test_a_process_that_died_blocks_its_key_only_for_a_while(api):
    person = StaffFactory()
    leave_a_dead_turn(api, person)
    with time_machine.travel(timezone.now() + idempotency.TURN, tick=False):
        assert post(api(person)).status_code == 201
    assert Clinic.objects.count() == 1


def test_who_comes_while_the_first_runs_waits_and_not_for_ever(api, monkeypatch):
    person = StaffFactory()
    leave_a_dead_turn(api, person)
    monkeypatch.setattr(idempotency, "SHORT_WAIT", 0.05)
    monkeypatch.setattr(idempotency, "LONGEST_WAIT", 0.1)
    answer = post(api(person))
    assert code_of(answer) == (503, "SERVICE_UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) > 0


def test_who_lost_the_turn_meanwhile_leaves_nothing_done(api):
    person = StaffFactory()
    lost = leave_a_dead_turn(api, person)
    with time_machine.travel(timezone.now() + idempotency.TURN, tick=False):
        post(api(person))
    with pytest.raises(DomainError):
        idempotency.keep(lost, idempotency.Answer(201, b"{}"))
    idempotency.give_up(lost)
    assert json.loads(bytes(IdempotencyKey.objects.get().body))["name"] == "Kopong"


def in_a_thread_of_its_own(caller):
    asking = APIClient()
    asking.credentials(**caller._credentials)
    try:
        return post(asking)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_after_a_first_that_died_only_two_go_on_waiting(api, monkeypatch):
    monkeypatch.setattr(idempotency, "SHORT_WAIT", 0.1)
    caller = api(person := StaffFactory())
    turn = leave_a_dead_turn(api, person)
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(in_a_thread_of_its_own, caller) for _ in range(6)]
        refused = list(islice(as_completed(asked), 4))
        waiting = [each for each in asked if each not in refused]
        assert not any(each.done() for each in waiting)
        idempotency.keep(turn, idempotency.Answer(201, b"{}"))
    for each in refused:
        assert code_of(each.result()) == (503, "SERVICE_UNAVAILABLE")
        assert each.result().headers["Retry-After"] == "2"
    assert [each.result().status_code for each in waiting] == [201, 201]


@pytest.mark.django_db(transaction=True)
def test_of_50_repeats_at_once_one_is_done_and_all_get_its_answer(api):
    caller = api(StaffFactory())
    with ThreadPoolExecutor(50) as pool:
        found = pool.map(in_a_thread_of_its_own, [caller] * 50)
        answers = {(answer.status_code, answer.content) for answer in found}
    assert Clinic.objects.count() == 1
    ((status, body),) = answers
    assert status == 201
    assert json.loads(body)["id"] == str(Clinic.objects.get().pk)
