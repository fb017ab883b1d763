"""A page of many rows costs as many queries as a page of few: every list of the API."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import api_keys
from accounts.audit import SYSTEM
from appointments.models import Closure
from common.rest.door import BASE
from messaging.models import TemplateKey
from stock.models import StockLevel
from stock.orders import place_order
from stock.transfers import transfer_out
from tests.described import operations
from tests.factories.accounts import AdminFactory, ClinicFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory, ReminderFactory, morning_in
from tests.factories.messaging import MessageFactory, MessageTemplateFactory
from tests.factories.stock import ItemFactory, StockAlertFactory, moved, stocked


def visit(clinic, number):
    """Of a patient who agreed to nothing, so that they are to be phoned."""
    found = AppointmentFactory(
        patient__clinic=clinic, patient__consent=False, starts_at=morning_in(1 + number % 5, clinic)
    )
    ReminderFactory(appointment=found, message=MessageFactory(clinic=clinic))


def key(clinic, number):
    options = {"expires_at": None, "made_by": None, "actor": SYSTEM, "now": timezone.now()}
    api_keys.issue(name=f"Key {number}", role="staff", clinics=[clinic], **options)


def closure(clinic, number):
    day = morning_in(1 + number, clinic).date()
    Closure.objects.create(clinic=clinic, date=day, reason="", created_at=timezone.now())
    AppointmentFactory(patient__clinic=clinic, starts_at=morning_in(1 + number, clinic))


def template(clinic, number):
    keys = [(key, language) for key in TemplateKey.values for language in ("en", "tn")]
    key, language = keys[number % len(keys)]
    MessageTemplateFactory(clinic=ClinicFactory(), key=key, language=language)


def level(clinic, _number):
    stocked(1, clinic=clinic, reorder_level=5)


def of_one_level(clinic):
    return StockLevel.objects.filter(clinic=clinic).first() or stocked(0, clinic=clinic)


def entry(clinic, _number):
    moved(of_one_level(clinic), "receipt", 1)


def order_of_level(clinic, _number):
    place_order(level_id=of_one_level(clinic).pk, quantity=1, actor=SYSTEM, now=timezone.now())


def order(clinic, _number):
    place_order(level_id=stocked(0, clinic=clinic).pk, quantity=1, actor=SYSTEM, now=timezone.now())


def transfer(clinic, _number):
    sent = {"quantity": 1, "actor": SYSTEM, "now": timezone.now()}
    transfer_out(level_id=stocked(5, clinic=clinic).pk, to_clinic=ClinicFactory(), **sent)


# What one more row of each list is. A list that is not here fails.
ROWS = {
    "api-keys": key,
    "appointments": visit,
    "appointments/call-list": visit,
    "appointments/upcoming": visit,
    "audit": key,
    "clinics": lambda _clinic, _number: ClinicFactory(),
    "clinics/{clinic_id}/closures": closure,
    "items": lambda _clinic, _number: ItemFactory(),
    "patients": visit,
    "reports/stock": level,
    "stock": level,
    "stock/low": level,
    "stock/orders": order,
    "stock/transfers": transfer,
    "stock/{level_id}/movements": entry,
    "stock/{level_id}/orders": order_of_level,
    "sms/queue": lambda clinic, _number: MessageFactory(clinic=clinic),
    "stock/alerts": lambda clinic, _number: StockAlertFactory(level__clinic=clinic),
    "templates": template,
    "users": lambda clinic, _number: ViewerFactory(clinics=[clinic]),
}


def lists():
    return {
        path.removeprefix(f"{BASE}/")
        for method, path, said in operations()
        if method == "GET" and "cursor" in {given["name"] for given in said.get("parameters", [])}
    }


def test_every_list_is_here():
    assert lists() == set(ROWS)


def cost(client, address):
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
    assert answer.status_code == 200
    return len(answer.json()["results"]), len(queries)


@pytest.mark.django_db
@pytest.mark.parametrize("pages", ["limit=100", "limit=100&cursor="])
@pytest.mark.parametrize("path", sorted(ROWS))
def test_a_page_of_twenty_rows_costs_as_many_queries_as_one_of_two(api, path, pages):
    clinic = ClinicFactory()
    client = api(AdminFactory())
    for number in range(2):
        ROWS[path](clinic, number)
    keys = {"clinic_id": clinic.pk}
    if "level_id" in path:
        keys["level_id"] = of_one_level(clinic).pk
    address = f"{BASE}/{path.format(**keys)}?{pages}"
    few, cheap = cost(client, address)
    for number in range(2, 20):
        ROWS[path](clinic, number)
    many, dear = cost(client, address)
    assert few >= 2
    assert many >= few + 18
    assert dear == cheap
