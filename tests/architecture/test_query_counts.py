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
from tests.described import operations
from tests.factories.accounts import AdminFactory, ClinicFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory, ReminderFactory, morning_in
from tests.factories.messaging import MessageFactory, MessageTemplateFactory
from tests.factories.stock import StockAlertFactory


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


# What one more row of each list is. A list that is not here fails.
ROWS = {
    "api-keys": key,
    "appointments": visit,
    "appointments/call-list": visit,
    "appointments/upcoming": visit,
    "audit": key,
    "clinics": lambda _clinic, _number: ClinicFactory(),
    "clinics/{clinic_id}/closures": closure,
    "patients": visit,
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
    address = f"{BASE}/{path.replace('{clinic_id}', str(clinic.pk))}?{pages}"
    for number in range(2):
        ROWS[path](clinic, number)
    few, cheap = cost(client, address)
    for number in range(2, 20):
        ROWS[path](clinic, number)
    many, dear = cost(client, address)
    assert few >= 2
    assert many >= few + 18
    assert dear == cheap
