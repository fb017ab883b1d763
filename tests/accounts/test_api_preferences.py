from uuid import uuid4

import pytest

from accounts.models import AuditEntry
from tests.factories.accounts import AdminFactory, StaffFactory

pytestmark = pytest.mark.django_db
USERS, ME = "/api/v1/users", "/api/v1/users/me"


def at(user):
    return f"{USERS}/{user.pk}"


def code_of(answer):
    return answer.status_code, answer.json()["error"]["code"]


def refused_at(answer):
    assert answer.status_code == 400, answer.content
    return set(answer.json()["error"]["details"])


@pytest.mark.parametrize("me", [True, False])
def test_preferences_begin_with_defaults_and_are_ones_own_to_change(api, me):
    user = StaffFactory()
    client, own = api(user), f"{ME if me else at(user)}/preferences"
    assert client.get(own).json() == {
        "language": "en",
        "time_zone": "Africa/Gaborone",
        "alert_by": ["sms", "email"],
        "digest_time": "07:30",
        "version": 1,
    }
    wanted = {
        "language": "tn",
        "time_zone": "Africa/Johannesburg",
        "alert_by": ["email"],
        "digest_time": "06:00",
    }
    assert client.put(own, wanted, format="json").status_code == 200
    assert client.get(own).json() == wanted | {"version": 2}
    assert AuditEntry.objects.get(object_id=user.pk).object_type == "accounts.preferences"


def test_an_admin_changes_anothers_preferences(api):
    user = StaffFactory()
    answer = api(AdminFactory()).patch(f"{at(user)}/preferences", {"alert_by": []}, format="json")
    assert (answer.status_code, answer.json()["alert_by"]) == (200, [])


def test_stale_preferences_overwrite_nothing(api):
    client = api(StaffFactory())
    client.patch(f"{ME}/preferences", {"language": "tn", "version": 1}, format="json")
    answer = client.patch(f"{ME}/preferences", {"language": "en", "version": 1}, format="json")
    assert code_of(answer) == (409, "VERSION_CONFLICT")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("language", v) for v in ("fr", None, 1)],
        *[("time_zone", v) for v in ("Mars", None, 2)],
        *[("alert_by", v) for v in ("sms", ["fax"], ["sms", "sms"], None, [["sms"]], [1])],
        *[("digest_time", v) for v in ("7", "25:00", None, 700, "07:30:15")],
        ("user", "x"),
    ],
)
def test_a_preference_that_cannot_be_is_refused_at_its_field(api, field, value):
    answer = api(StaffFactory()).put(f"{ME}/preferences", {field: value}, format="json")
    assert refused_at(answer) == {field}


def test_preferences_of_nobody_are_not_there(api):
    assert api(AdminFactory()).get(f"{USERS}/{uuid4()}/preferences").status_code == 404
