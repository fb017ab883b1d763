import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from stock.models import StockLevel, VisitTypeItem
from tests.factories.accounts import AdminFactory, ClinicFactory, ViewerFactory
from tests.factories.stock import ItemFactory, StockLevelFactory, VisitTypeItemFactory

pytestmark = pytest.mark.django_db

ADD = reverse("admin:stock_visittypeitem_add")
LIST = reverse("admin:stock_visittypeitem_changelist")


def page_of(use):
    return reverse("admin:stock_visittypeitem_change", args=[use.pk])


def drop(client, use):
    address = reverse("admin:stock_visittypeitem_step", args=[use.pk])
    return client.post(address, {"step": "drop", "sure": "yes"}, follow=True)


def form(item, **changes):
    return {"visit_type": "ART refill", "item": item.pk, "quantity": 2, **changes}


def test_a_use_is_written_down_and_the_figures_are_renewed(client, nurse, clinic):
    level = StockLevelFactory(clinic=clinic, figures_on="2026-01-01")
    other = StockLevelFactory(item=level.item, figures_on="2026-01-01")
    client.post(ADD, form(level.item, clinic=clinic.pk))
    use = VisitTypeItem.objects.get()
    assert (use.clinic, use.quantity) == (clinic, 2)
    assert AuditEntry.objects.get(object_id=use.pk).actor_id == nurse.pk
    stale = StockLevel.objects.filter(figures_on__isnull=True)
    assert list(stale) == [level]
    assert other not in stale


def test_a_use_is_changed_and_removed(client, nurse, clinic):
    use = VisitTypeItemFactory(clinic=clinic)
    client.post(page_of(use), {"visit_type": use.visit_type, "quantity": 5})
    use.refresh_from_db()
    assert use.quantity == 5
    drop(client, use)
    assert not VisitTypeItem.objects.exists()
    assert list(
        AuditEntry.objects.filter(object_id=use.pk).order_by("at").values_list("action", flat=True)
    ) == ["changed", "removed"]


def test_the_same_visit_type_in_other_letters_is_refused_on_its_field(client, nurse, clinic):
    use = VisitTypeItemFactory(clinic=clinic, visit_type="ART refill")
    page = client.post(ADD, form(use.item, clinic=clinic.pk, visit_type=" art  REFILL"))
    assert page.context["adminform"].form.errors["visit_type"]
    assert VisitTypeItem.objects.count() == 1


@pytest.mark.parametrize("changes", [{"quantity": 0}, {"quantity": 10**9}, {"visit_type": " "}])
def test_what_can_not_be_is_refused(client, nurse, clinic, changes):
    page = client.post(ADD, form(ItemFactory(), clinic=clinic.pk, **changes))
    assert page.context["adminform"].form.errors
    assert not VisitTypeItem.objects.exists()


def test_what_holds_for_all_clinics_is_read_by_all_and_written_by_administrators(client, nurse, clinic):
    use = VisitTypeItemFactory()
    assert client.get(page_of(use)).status_code == 200
    assert client.post(page_of(use), {"visit_type": "x", "quantity": 9}).status_code == 403
    drop(client, use)
    client.post(ADD, form(use.item, clinic=""))
    assert list(VisitTypeItem.objects.values_list("quantity", flat=True)) == [1]
    client.force_login(AdminFactory())
    client.post(ADD, form(ItemFactory(), clinic=""))
    assert VisitTypeItem.objects.filter(clinic=None).count() == 2


def test_another_clinics_use_is_not_there(client, nurse):
    use = VisitTypeItemFactory(clinic=ClinicFactory())
    assert client.get(page_of(use)).status_code == 404
    assert drop(client, use).status_code == 404
    assert list(client.get(LIST).context["cl"].result_list) == []
    client.post(ADD, form(use.item, clinic=use.clinic_id, visit_type="Mine"))
    assert VisitTypeItem.objects.count() == 1


def test_a_viewer_changes_no_use(client, clinic):
    client.force_login(ViewerFactory(clinics=[clinic]))
    use = VisitTypeItemFactory(clinic=clinic)
    assert client.get(page_of(use)).status_code == 200
    assert client.post(page_of(use), {"visit_type": "x", "quantity": 9}).status_code == 403
    assert client.get(ADD).status_code == 403
    drop(client, use)
    assert VisitTypeItem.objects.get().quantity == 1
