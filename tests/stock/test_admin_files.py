from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import AuditEntry
from stock.file_import import uploads
from stock.models import Item, Movement, StockFile, StockLevel
from stock.tasks import run_file, run_waiting_files
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.stock import ItemFactory

pytestmark = pytest.mark.django_db

ADD = reverse("admin:stock_stockfile_add")
ITEMS = "code,name,unit,pack_size\nPCM500,Paracetamol,tablet,1000\nAMX,Amoxicillin,capsule,x\n"
ENTRIES = (
    "date,clinic,item,kind,quantity\n2026-01-05,GAB01,PCM500,receipt,100\n2026-01-06,GAB01,PCM500,issue,30\n"
)


@pytest.fixture
def admin(client):
    admin = AdminFactory()
    client.force_login(admin)
    return admin


def bring(client, text, kind="items", name="items.csv"):
    content = text if isinstance(text, bytes) else text.encode()
    return client.post(ADD, {"kind": kind, "file": SimpleUploadedFile(name, content)}, follow=True)


def step(client, file, name):
    address = reverse("admin:stock_stockfile_step", args=[file.pk])
    return client.post(address, {"step": name}, follow=True)


def test_a_file_of_items_is_shown_before_anything_changes(client, admin):
    page = bring(client, ITEMS)
    file = StockFile.objects.get()
    assert (file.state, file.created, file.rejected) == ("previewed", 1, 1)
    assert "INVALID_NUMBER" in page.content.decode()
    assert not Item.objects.exists()


def test_a_confirmed_file_is_imported_once(client, admin):
    bring(client, ITEMS)
    file = StockFile.objects.get()
    step(client, file, "confirm")
    step(client, file, "confirm")
    file.refresh_from_db()
    assert (file.state, bytes(file.content)) == ("done", b"")
    assert Item.objects.get().code == "PCM500"
    assert AuditEntry.objects.filter(object_id=file.pk, action="confirmed").count() == 1


def test_entries_are_imported_and_the_same_file_again_brings_nothing(client, admin):
    ClinicFactory(code="GAB01")
    ItemFactory(code="PCM500")
    bring(client, ENTRIES, "movements")
    assert not Movement.objects.exists()
    step(client, StockFile.objects.get(), "confirm")
    assert StockLevel.objects.get().on_hand == 70
    bring(client, ENTRIES, "movements")
    again = StockFile.objects.first()
    assert (again.created, again.unchanged) == (0, 2)
    assert "confirm" not in step(client, again, "confirm").context["steps"]
    assert Movement.objects.count() == 2


def test_a_dropped_file_changes_nothing_and_is_forgotten(client, admin):
    bring(client, ITEMS)
    file = StockFile.objects.get()
    step(client, file, "discard")
    step(client, file, "confirm")
    file.refresh_from_db()
    assert (file.state, bytes(file.content), file.rejected_rows) == ("discarded", b"", [])
    assert not Item.objects.exists()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"name,unit\nx,y\n", b"\x00" * 50])
def test_a_file_that_can_not_be_read_is_refused_on_the_form(client, admin, content):
    page = bring(client, content)
    assert page.context["adminform"].form.errors
    assert not StockFile.objects.exists()


def test_a_heading_with_a_strange_character_does_no_harm(client, admin):
    bring(client, "code,name,unit,od\x00d\nPCM500,Paracetamol,tablet,1\n", name="\x01.csv")
    assert StockFile.objects.get().state == "previewed"


def test_a_long_file_is_left_to_the_worker(client, admin, monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(uploads, "AT_ONCE", 10)
    with django_capture_on_commit_callbacks(execute=True):
        page = bring(client, ITEMS)
    file = StockFile.objects.get()
    assert file.state == "waiting"
    assert "renews itself" in page.content.decode()
    assert OrmQ.objects.count() == 1
    run_file(str(file.pk))
    file.refresh_from_db()
    assert (file.state, file.created) == ("previewed", 1)
    step(client, file, "confirm")
    assert not Item.objects.exists()
    run_file(str(file.pk))
    run_file(str(file.pk))
    file.refresh_from_db()
    assert (file.state, Item.objects.count()) == ("done", 1)


def test_what_a_dead_worker_left_is_taken_up_again(client, admin, django_capture_on_commit_callbacks):
    bring(client, ITEMS)
    hours_ago = timezone.now() - timedelta(hours=2)
    StockFile.objects.update(state="running", dry_run=False, started_at=hours_ago)
    run_waiting_files()
    assert OrmQ.objects.count() == 1
    run_file(str(StockFile.objects.get().pk))
    assert StockFile.objects.get().state == "done"


def test_what_nobody_confirms_is_forgotten_after_a_day(client, admin):
    bring(client, ITEMS)
    StockFile.objects.update(uploaded_at=timezone.now() - timedelta(days=1, minutes=1))
    run_waiting_files()
    file = StockFile.objects.get()
    assert (file.state, bytes(file.content)) == ("discarded", b"")


@pytest.mark.parametrize("person", [StaffFactory, ViewerFactory])
def test_only_administrators_bring_and_see_files(client, admin, person):
    bring(client, ITEMS)
    file = StockFile.objects.get()
    client.force_login(person(clinics=[ClinicFactory()]))
    assert client.get(ADD).status_code == 403
    assert client.get(reverse("admin:stock_stockfile_changelist")).status_code == 403
    assert client.get(reverse("admin:stock_stockfile_change", args=[file.pk])).status_code == 403
    step(client, file, "confirm")
    assert not Item.objects.exists()
