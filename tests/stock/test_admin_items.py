import pytest
from django.urls import reverse

from tests.factories.accounts import AdminFactory
from tests.factories.stock import ItemFactory, stocked

pytestmark = pytest.mark.django_db


@pytest.fixture
def level(clinic):
    return stocked(100, clinic=clinic, item__name="Paracetamol", item__pack_size=10)


def test_items_are_the_administrators_to_change(client, nurse):
    item = ItemFactory(name="Amoxicillin")
    address = reverse("admin:stock_item_change", args=[item.pk])
    form = {"name": "Amoxicillin 250", "unit": "capsule", "pack_size": 100, "version": 1}
    assert client.get(address).status_code == 200
    assert client.post(address, form).status_code == 403
    client.force_login(AdminFactory())
    client.post(address, form)
    item.refresh_from_db()
    assert (item.name, item.pack_size) == ("Amoxicillin 250", 100)


def test_a_code_that_is_taken_is_refused_on_its_field(client):
    client.force_login(AdminFactory())
    ItemFactory(code="PCM500")
    add = reverse("admin:stock_item_add")
    page = client.post(add, {"code": "PCM500", "name": "x", "unit": "tablet", "pack_size": 1})
    assert page.context["adminform"].form.errors["code"]


def test_an_item_shows_only_the_stock_of_the_persons_clinics(client, nurse, level):
    stocked(7, item=level.item, clinic__name="Elsewhere")
    text = client.get(reverse("admin:stock_item_change", args=[level.item_id])).content.decode()
    assert "100 tablet" in text
    assert "Elsewhere" not in text
