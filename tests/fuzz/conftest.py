"""Clinics with something of each kind in them, for invented requests to hit."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.utils import timezone

from accounts import api_keys, sign_in
from accounts.api import tokens
from accounts.audit import SYSTEM
from accounts.models import User
from appointments.models import Closure, FileImport
from common.tasks import beat
from messaging.models import MessageTemplate
from stock.orders import place_order
from stock.transfers import transfer_out
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.appointments import AppointmentFactory, ReminderFactory, morning_in
from tests.factories.messaging import MessageFactory, MessageTemplateFactory
from tests.factories.stock import StockAlertFactory, moved, stocked

TRIED = "invented requests"
PEOPLE = {"admin": AdminFactory, "staff": StaffFactory, "viewer": ViewerFactory}


@dataclass(frozen=True, slots=True)
class World:
    """`ids` are of things that are there, by the start of the path, or the field, that names them."""

    headers: dict[str, str]
    ids: dict[str, list[UUID]]


def populated(clinic: Any, person: User) -> dict[str, list[UUID]]:
    visits = [AppointmentFactory(patient__clinic=clinic, starts_at=morning_in(d, clinic)) for d in (1, 2, 3)]
    ReminderFactory(appointment=visits[0], message=MessageFactory(clinic=clinic))
    texts = [MessageFactory(clinic=clinic).pk for _number in range(3)]
    shared = MessageTemplate.objects.filter(clinic=None)[0]
    closure = Closure.objects.create(
        clinic=clinic, date=morning_in(30, clinic).date(), reason="", created_at=timezone.now()
    )
    upload = FileImport.objects.create(
        clinic=clinic,
        uploaded_by=person,
        uploaded_at=timezone.now(),
        filename="a.csv",
        content=b"",
        state=FileImport.State.DONE,
    )
    return {
        "appointments/uploads": [upload.pk],
        "appointments": [visit.pk for visit in visits],
        "patients": [visit.patient_id for visit in visits],
        "closures": [closure.pk],
        "clinics": [clinic.pk],
        "sms": texts,
        "templates": [MessageTemplateFactory(clinic=clinic).pk, shared.pk],
        **in_stock(clinic),
    }


def in_stock(clinic: Any) -> dict[str, list[UUID]]:
    levels = [stocked(40, clinic=clinic, reorder_level=20), stocked(0, clinic=clinic)]
    done: dict[str, Any] = {"actor": SYSTEM, "now": timezone.now()}
    sent = transfer_out(level_id=levels[0].pk, quantity=1, to_clinic=ClinicFactory(), **done)
    coming = transfer_out(level_id=stocked(5, item=levels[0].item).pk, quantity=2, to_clinic=clinic, **done)
    orders = [place_order(level_id=level.pk, quantity=10, **done) for level in levels]
    return {
        "stock": [level.pk for level in levels],
        "items": [level.item_id for level in levels],
        "stock/orders": [order.pk for order in orders],
        "stock/movements": [moved(levels[0], "issue", 1).pk, sent.pk, coming.pk],
        "stock/alerts": [StockAlertFactory(level=levels[1], clinic=clinic).pk],
    }


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Iterator[list[Any]]:
    """The invented requests of one test; how many they were stands at the end of the run."""
    cases: list[Any] = []
    yield cases
    record_property(TRIED, len(cases))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [r for found in terminalreporter.stats.values() for r in found if hasattr(r, "user_properties")]
    number = sum(
        value for r in reports for name, value in r.user_properties if name == TRIED and r.when == "teardown"
    )
    if number:
        terminalreporter.write_line(f"{number} invented requests")


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """A request closes connections where it begins and ends; a test's transaction must outlive it."""
    edges = (request_started, request_finished)
    for edge in edges:
        edge.disconnect(close_old_connections)
    yield
    for edge in edges:
        edge.connect(close_old_connections)


@pytest.fixture
def world(role: str, db: None) -> World:
    """Somebody of this role, signed in, with a clinic of their own and another."""
    # Where no worker has ever run, the site says that it is not ready.
    beat()
    clinic, other = ClinicFactory(), ClinicFactory()
    person = PEOPLE[role](clinics=[clinic])
    someone = ViewerFactory(clinics=[clinic])
    key, _secret = api_keys.issue(
        name="Laboratory",
        role="staff",
        clinics=[clinic],
        expires_at=None,
        made_by=None,
        actor=SYSTEM,
        now=timezone.now(),
    )
    ids, others = populated(clinic, person), populated(other, person)
    ids = {name: [*found, *others[name]] for name, found in ids.items()}
    ids |= {"users": [person.pk, someone.pk], "api-keys": [key.pk]}
    access = tokens.pair(sign_in.begin(person, now=timezone.now()))["access"]
    return World({"Authorization": f"Bearer {access}", "Accept-Encoding": "identity"}, ids)
