import pytest

from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db
USERS = "/api/v1/users"


def names(answer):
    assert answer.status_code == 200, answer.content
    return [row["username"] for row in answer.json()["results"]]


def test_users_are_found_by_role_clinic_activity_and_words(api):
    clinic = ClinicFactory()
    admin = AdminFactory(username="boss")
    StaffFactory(username="neo", first_name="Neo", last_name="Molefe", clinics=[clinic, ClinicFactory()])
    StaffFactory(username="old", email="old@clinic.example", is_active=False)
    UserFactory(username="root", is_superuser=True)
    client = api(admin)

    def found(**query):
        return names(client.get(USERS, query))

    assert found() == ["boss", "neo", "old", "root"]
    assert found(role="admin") == ["boss", "root"]
    assert found(role="staff", sort="-username") == ["old", "neo"]
    assert found(clinic_id=str(clinic.pk)) == ["neo"]
    assert found(is_active="false") == ["old"]
    assert found(is_active="true", role="staff") == ["neo"]
    assert found(search="mole neo") == ["neo"]
    assert found(search="old@clinic") == ["old"]
    assert found(cursor="", limit=2) == ["boss", "neo"]


@pytest.mark.parametrize(
    "query", [{"role": "boss"}, {"is_active": "perhaps"}, {"clinic_id": "x"}, {"town": "x"}]
)
def test_a_filter_that_cannot_be_is_refused(api, query):
    answer = api(AdminFactory()).get(USERS, query)
    assert (answer.status_code, set(answer.json()["error"]["details"])) == (400, set(query))


def test_a_list_costs_the_same_whatever_its_length(api, django_assert_max_num_queries):
    client = api(AdminFactory())
    StaffFactory.create_batch(12, clinics=[ClinicFactory(), ClinicFactory()])
    with django_assert_max_num_queries(5):
        assert len(names(client.get(USERS))) == 13
