"""Pages and lists of the admin cost as many queries in a district of 200 appointments as in one of 20."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import time_machine
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from accounts.access import STAFF_MAY
from tests import admin_pages
from tests.admin_pages import PlainClient
from tests.factories.district import District, make_district

FEW, MANY = 20, 200
# A Wednesday, ten in the morning at the clinics.
NOW = datetime(2026, 11, 18, 8, 10, tzinfo=UTC)
# A page with one button.
NO_LISTS = {"messaging.sendingswitch"}
# A nurse has one clinic, and it has its templates, whatever the district's size.
OF_ONE_CLINIC = {"accounts.clinic", "messaging.messagetemplate"}


@dataclass
class Costs:
    """Queries by page, and how many rows each list shows."""

    client: PlainClient = field(default_factory=PlainClient)
    queries: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def ask(self, name: str, address: str) -> HttpResponse:
        with CaptureQueriesContext(connection) as queries:
            answer = self.client.get(address)
        if answer.status_code == 200:
            self.queries[name] = len(queries)
            shown = (getattr(answer, "context_data", None) or {}).get("cl")
            if shown is not None:
                self.rows[name] = len(shown.result_list)
        else:
            # What this person may not see.
            assert answer.status_code == 403, name
        return answer

    def ask_in_every_way(self, name: str, address: str) -> None:
        listed = self.ask(name, address)
        if listed.status_code == 200 and name not in NO_LISTS:
            more = admin_pages.filters(name, listed) | admin_pages.searches(name)
            for way, narrower in more.items():
                self.ask(way, narrower)


def as_nurse(district: District) -> Costs:
    """Each list plain, searched and with each of its filters."""
    costs = Costs()
    costs.client.force_login(district.nurse)
    for name, address in admin_pages.lists().items():
        costs.ask_in_every_way(name, address)
    for name, address in admin_pages.pages(district).items():
        costs.ask(name, address)
    return costs


def as_admin(district: District) -> Costs:
    """In every way what a nurse doesn't see, and the visits, for all clinics' filters."""
    costs, hers = Costs(), STAFF_MAY.keys() - {"appointments.appointment"}
    costs.client.force_login(district.admin)
    for name, address in admin_pages.lists().items():
        costs.ask(name, address) if name in hers else costs.ask_in_every_way(name, address)
    for name, address in admin_pages.pages(district).items():
        costs.ask(name, address)
    return costs


@pytest.mark.django_db
@pytest.mark.parametrize("measure", [as_admin, as_nurse])
def test_pages_cost_as_many_queries_with_ten_times_the_appointments(measure):
    # Kept by each process from the first page on.
    ContentType.objects.get_for_models(*admin.site._registry)
    found = []
    with time_machine.travel(NOW):
        for size in (FEW, MANY):
            with transaction.atomic():
                found.append(measure(make_district(size)))
                transaction.set_rollback(True)
    few, many = found
    lists = admin_pages.lists().keys() & few.queries.keys() - NO_LISTS
    assert {name for name in lists if not 0 < few.rows[name] < many.rows[name]} <= OF_ONE_CLINIC
    different = {name for name in few.queries if few.queries[name] != many.queries[name]}
    assert {name: (few.queries[name], many.queries[name]) for name in different} == {}
