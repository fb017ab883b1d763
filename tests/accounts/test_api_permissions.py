import pytest
from django.urls import path
from rest_framework.response import Response

from common.rest.views import ApiView
from tests.factories.accounts import AdminFactory, StaffFactory, ViewerFactory


class Answers(ApiView):
    def get(self, _request):
        return Response({})

    def post(self, _request):
        return Response({})


class Patients(Answers):
    kind = "appointments.patient"

    def delete(self, _request):
        return Response({})


class Cancelled(Patients):
    actions = {"DELETE": "change"}


urlpatterns = [
    path("api/v1/forgotten", Answers.as_view()),
    path("api/v1/patients", Patients.as_view()),
    path("api/v1/cancelled", Cancelled.as_view()),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.mark.parametrize("made_by", [AdminFactory, StaffFactory, ViewerFactory])
def test_a_call_that_does_not_say_what_it_is_about_is_closed_to_everyone(api, made_by):
    assert api(made_by()).get("/api/v1/forgotten").status_code == 403


@pytest.mark.parametrize(
    ("made_by", "method", "status"),
    [
        (ViewerFactory, "get", 200),
        (ViewerFactory, "post", 403),
        (StaffFactory, "get", 200),
        (StaffFactory, "post", 200),
        (StaffFactory, "delete", 403),
        (AdminFactory, "post", 200),
        (AdminFactory, "delete", 403),
    ],
)
def test_the_role_decides_what_may_be_done_to_a_kind_of_thing(api, made_by, method, status):
    assert getattr(api(made_by()), method)("/api/v1/patients").status_code == status


@pytest.mark.parametrize(("made_by", "status"), [(ViewerFactory, 403), (StaffFactory, 200)])
def test_a_call_may_say_what_its_method_does(api, made_by, status):
    assert api(made_by()).delete("/api/v1/cancelled").status_code == status


def test_a_method_that_is_not_there_is_no_question_of_the_role(api):
    assert api(ViewerFactory()).put("/api/v1/patients").status_code == 405


def test_who_is_not_signed_in_is_asked_to_before_anything_else(api):
    assert api().put("/api/v1/patients").status_code == 401
