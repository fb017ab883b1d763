import re

import pytest
from django.urls import reverse

from stock.models import Movement, StockLevel
from tests.factories.accounts import ViewerFactory
from tests.factories.stock import moved, stocked

pytestmark = pytest.mark.django_db

QUICK = reverse("admin:stock_stocklevel_issue")


@pytest.fixture
def level(clinic):
    return stocked(100, clinic=clinic, item__name="Paracetamol")


def form(client, level, quantity):
    once = client.get(QUICK).context["form"]["once"].value()
    return {"once": once, "level": level.pk, "quantity": quantity}


def on_hand(level):
    return StockLevel.objects.get(pk=level.pk).on_hand


def test_an_issue_is_written_and_shown_among_the_nurses_last(client, nurse, level):
    moved(level, "issue", 33)
    page = client.post(QUICK, form(client, level, 7), follow=True)
    assert on_hand(level) == 60
    assert [row["many"] for row in page.context["last"]] == ["7 tablet"]


def test_a_form_that_is_sent_twice_issues_once(client, nurse, level):
    sent = form(client, level, 7)
    client.post(QUICK, sent)
    page = client.post(QUICK, sent, follow=True)
    assert on_hand(level) == 93
    assert "written once" in page.content.decode()


def test_the_same_issue_twice_by_two_forms_is_two_issues(client, nurse, level):
    client.post(QUICK, form(client, level, 7))
    client.post(QUICK, form(client, level, 7))
    assert on_hand(level) == 86


def test_the_last_five_are_shown_the_newest_first(client, nurse, level):
    for quantity in range(1, 8):
        client.post(QUICK, form(client, level, quantity))
    shown = [row["many"] for row in client.get(QUICK).context["last"]]
    assert shown == [f"{quantity} tablet" for quantity in (7, 6, 5, 4, 3)]


def test_an_issue_is_undone_once(client, nurse, level):
    client.post(QUICK, form(client, level, 7))
    entry = Movement.objects.get(kind="issue")
    client.post(QUICK, {"undo": str(entry.pk)})
    client.post(QUICK, {"undo": str(entry.pk)})
    assert on_hand(level) == 100
    assert Movement.objects.filter(kind="reversal").count() == 1
    assert "undone" in client.get(QUICK).content.decode()


@pytest.mark.parametrize("undo", ["x", "", "x\0"])
def test_an_undo_of_nothing_does_nothing(client, nurse, level, undo):
    assert client.post(QUICK, {"undo": undo}, follow=True).status_code == 200
    assert not Movement.objects.filter(kind="reversal").exists()


def test_what_somebody_else_issued_is_not_undone_here(client, nurse, level):
    entry = moved(level, "issue", 5)
    client.post(QUICK, {"undo": str(entry.pk)})
    assert on_hand(level) == 95


def test_what_is_not_there_is_refused_with_the_amount_that_is(client, nurse, level):
    page = client.post(QUICK, form(client, level, 101))
    assert on_hand(level) == 100
    assert re.search(r"\b100\b", " ".join(map(str, page.context["form"].errors.values())))


@pytest.mark.parametrize("once", ["", "x", "0" * 31, "0" * 32 + "\n"])
def test_a_page_without_its_mark_writes_nothing(client, nurse, level, once):
    client.post(QUICK, {**form(client, level, 5), "once": once})
    assert on_hand(level) == 100


def test_another_clinics_level_can_not_be_chosen(client, nurse):
    level = stocked(10, item__name="Elsewhere only")
    page = client.post(QUICK, form(client, level, 1))
    assert page.context["form"].errors["level"]
    assert on_hand(level) == 10
    asked = {"app_label": "stock", "model_name": "movement", "field_name": "level", "term": "Elsewhere"}
    assert client.get(reverse("admin:autocomplete"), asked).json()["results"] == []


def test_an_item_is_found_by_typing_a_part_of_its_name(client, nurse, level):
    asked = {"app_label": "stock", "model_name": "movement", "field_name": "level", "term": "aceta"}
    (found,) = client.get(reverse("admin:autocomplete"), asked).json()["results"]
    assert found["text"].startswith("Paracetamol · 100 tablet")


def test_a_viewer_issues_nothing(client, clinic, level):
    client.force_login(ViewerFactory(clinics=[clinic]))
    assert client.get(QUICK).status_code == 403
    assert client.post(QUICK, {"level": level.pk, "quantity": 1, "once": "0" * 32}).status_code == 403
    assert on_hand(level) == 100
