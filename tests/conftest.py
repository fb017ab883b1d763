import os
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import sign_in
from accounts.api import tokens
from accounts.models import Clinic, User
from tests.clock import NOW
from tests.described import DescribedClient
from tests.factories.accounts import ClinicFactory, StaffFactory

COMMITS = {"transactional_db", "live_server", "process_environment"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        keep_what_migrations_bring(item)
        if item.get_closest_marker("postgresql") and connection.vendor != "postgresql":
            item.add_marker(pytest.mark.skip(reason="only on PostgreSQL"))


def keep_what_migrations_bring(item: pytest.Item) -> None:
    """A test that commits ends with every table empty; the next such test gets the migrations' rows back."""
    marker = item.get_closest_marker("django_db")
    options = dict(marker.kwargs) if marker else {}
    if options.get("transaction") or COMMITS & set(getattr(item, "fixturenames", ())):
        options |= {"transaction": True, "serialized_rollback": True}
        item.add_marker(pytest.mark.django_db(**options), append=False)


@pytest.fixture(autouse=True)
def begins_now(request: pytest.FixtureRequest) -> Iterator[None]:
    """Where a module counts from NOW, that is when each of its tests begins: the factories' clock agrees."""
    if getattr(request.module, "NOW", None) is not NOW:
        yield
        return
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def process_environment(transactional_db: None) -> dict[str, str]:
    """The environment in which another process (a worker, a command) works on this test's own database."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{settings['NAME']}"
    else:
        who = f"{quote(settings['USER'])}:{quote(settings['PASSWORD'])}"
        url = f"postgres://{who}@{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"
    return {**os.environ, "DATABASE_URL": url}


@pytest.fixture
def api() -> Callable[[User | None], APIClient]:
    """A caller of the API: signed in as the given person, or as nobody. Crashes come as answers.

    An answer that the API does not describe fails the test.
    """

    def caller(user: User | None = None) -> APIClient:
        client = DescribedClient(raise_request_exception=False)
        if user is not None:
            access = tokens.pair(sign_in.begin(user, now=timezone.now()))["access"]
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
        return client

    return caller


@pytest.fixture
def clinic() -> Clinic:
    return ClinicFactory()


@pytest.fixture
def nurse(client: Client, clinic: Clinic) -> User:
    """One of the clinic's staff, signed in to the admin with `client`."""
    nurse = StaffFactory(clinics=[clinic])
    client.force_login(nurse)
    return nurse


@pytest.fixture
def caller(api: Callable[[User | None], APIClient], clinic: Clinic) -> APIClient:
    """One of the clinic's staff, signed in to the API."""
    return api(StaffFactory(clinics=[clinic]))


@pytest.fixture(scope="session", autouse=True)
def nobody_holds_the_database(django_db_setup: None, django_db_blocker) -> Iterator[None]:
    """PostgreSQL drops no database in use, and a thread of a live server may hold its connection on."""
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(scope="session", autouse=True)
def tests_may_empty_the_ledger(django_db_setup: None, django_db_blocker) -> None:
    """Between tests SQLite's tables are emptied by DELETE, which the ledger refuses; PostgreSQL truncates."""
    if connection.vendor == "sqlite":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            for table in ("stock_movement", "stock_movementlot"):
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_refuses_delete")
