import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from messaging.models import Alarm, AlarmKind
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory
from tests.factories.messaging import AlarmFactory
from tests.messaging.test_admin import page_of, step

pytestmark = pytest.mark.django_db
LIST = reverse("admin:messaging_alarm_changelist")
INDEX = reverse("admin:index")


@pytest.fixture
def admin(client):
    person = AdminFactory()
    client.force_login(person)
    return person


@pytest.fixture
def nurse(client):
    person = StaffFactory(clinics=[ClinicFactory()])
    client.force_login(person)
    return person


def text(client, address):
    return client.get(address).content.decode()


def test_open_alarms_stand_before_those_that_are_over(client, admin):
    over = AlarmFactory(subject="zzz-over")
    Alarm.objects.filter(pk=over.pk).update(closed_at=over.opened_at)
    AlarmFactory(subject="aaa-open", opened_at=over.opened_at.replace(year=2020))
    page = text(client, LIST)
    assert page.index("aaa-open") < page.index("zzz-over")


def test_the_list_shows_open_alarms_alone_when_asked(client, admin):
    AlarmFactory(subject="aaa-open")
    over = AlarmFactory(subject="zzz-over")
    Alarm.objects.filter(pk=over.pk).update(closed_at=over.opened_at)
    page = text(client, LIST + "?state=open")
    assert ("aaa-open" in page, "zzz-over" in page) == (True, False)


def test_an_alarm_says_what_is_wrong_and_what_to_do(client, nurse):
    page = text(client, page_of(AlarmFactory(subject="twilio")))
    assert "twilio has not worked for more than 10 minutes" in page
    assert "Texts go to the next provider meanwhile" in page


def test_the_first_page_calls_until_somebody_looks_after_it(client, admin):
    alarm = AlarmFactory(subject="twilio")
    assert '<p class="notice danger' in text(client, INDEX)
    step(client, alarm, "acknowledge")
    page = text(client, INDEX)
    assert '<p class="notice warning' in page
    assert f"{admin.username} looks after it." in page


def test_the_first_page_is_calm_when_all_is_over(client, admin):
    alarm = AlarmFactory()
    step(client, alarm, "close")
    page = text(client, INDEX)
    assert "notice danger" not in page
    assert "notice warning" not in page
    assert AuditEntry.objects.get(object_id=alarm.pk).action == "closed"


def test_an_alarm_of_another_clinic_is_not_there_for_a_nurse(client, nurse):
    alarm = AlarmFactory(kind=AlarmKind.NONE_ARRIVES, subject="OTHER", clinic=ClinicFactory())
    assert client.get(page_of(alarm)).status_code == 404
    assert "OTHER" not in text(client, INDEX) + text(client, LIST)


def test_a_nurse_closes_no_alarm(client, nurse):
    alarm = AlarmFactory()
    step(client, alarm, "close")
    alarm.refresh_from_db()
    assert alarm.closed_at is None


def test_nobody_adds_changes_or_deletes_an_alarm(client, admin):
    alarm = AlarmFactory()
    addresses = [
        reverse("admin:messaging_alarm_add"),
        reverse("admin:messaging_alarm_delete", args=[alarm.pk]),
        page_of(alarm),
    ]
    assert [client.post(address, {"subject": "x"}).status_code for address in addresses] == [403] * 3
