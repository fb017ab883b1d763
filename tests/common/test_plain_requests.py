import pytest
from django.urls import reverse

from tests.factories.accounts import AdminFactory

pytestmark = pytest.mark.django_db

LISTS = ["appointments_appointment", "appointments_patient", "messaging_message", "accounts_auditentry"]


@pytest.mark.parametrize("parameter", ["q", "day", "clinic", "status__exact", "o", "other"])
@pytest.mark.parametrize("name", LISTS)
def test_a_nul_in_any_parameter_of_a_list_is_a_bad_request(client, name, parameter):
    client.force_login(AdminFactory())
    address = reverse(f"admin:{name}_changelist")
    assert client.get(f"{address}?{parameter}=a%00b").status_code == 400


def test_a_nul_in_a_parameters_name_is_a_bad_request(client):
    client.force_login(AdminFactory())
    assert client.get(reverse(f"admin:{LISTS[0]}_changelist") + "?%00=1").status_code == 400


def test_a_nul_in_a_path_is_a_bad_request(client):
    client.force_login(AdminFactory())
    assert client.get("/admin/appointments/patient/a%00b/change/").status_code == 400


def test_what_only_looks_like_a_nul_is_searched_for(client):
    client.force_login(AdminFactory())
    assert client.get(reverse(f"admin:{LISTS[1]}_changelist") + "?q=%2500").status_code == 200


def test_a_nul_is_what_is_said_to_be_wrong_with_the_address(client):
    assert "character" in client.get("/admin/?q=%00").content.decode()


def test_under_another_name_the_site_says_that_its_address_is_wrong(client, settings):
    settings.ALLOWED_HOSTS = ["clinic.example"]
    answer = client.get("/admin/", headers={"Host": "other.example"})
    said = answer.content.decode()
    assert answer.status_code == 400
    assert "ALLOWED_HOSTS" in said
    assert "character" not in said
    assert "clinic.example" not in said
    assert "other.example" not in said
