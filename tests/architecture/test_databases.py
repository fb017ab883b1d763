"""What the fixtures promise to all other tests."""

import socket
import subprocess
import sys

import pytest
from django.db import connection
from django.urls import reverse

from accounts.models import Clinic
from messaging.models import MessageTemplate
from tests.architecture.house import ROOT
from tests.factories.accounts import (
    PASSWORD,
    AdminFactory,
    ClinicFactory,
    StaffFactory,
    ViewerFactory,
)
from tests.factories.appointments import ReminderFactory
from tests.factories.messaging import MessageFactory, MessageTemplateFactory, OptOutFactory
from tests.postgres import Server, find_binaries, running_postgres

FIND_CLINIC = "from accounts.models import Clinic; print(Clinic.objects.get().code)"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "made_by", [ReminderFactory, MessageFactory, MessageTemplateFactory, OptOutFactory, ClinicFactory]
)
def test_what_a_factory_makes_is_valid(made_by):
    made = made_by()
    required = [field.name for field in made._meta.fields if not (field.blank or field.null)]
    made.full_clean(exclude={field.name for field in made._meta.fields} - set(required))


@pytest.mark.django_db
@pytest.mark.parametrize("made_by", [AdminFactory, StaffFactory, ViewerFactory])
def test_a_person_of_any_role_signs_in(made_by, client):
    person = made_by(clinics=[ClinicFactory()])
    client.post(reverse("admin:login"), {"username": person.username, "password": PASSWORD})
    assert client.get(reverse("admin:index")).status_code == 200


@pytest.mark.django_db
def test_a_reminder_is_of_its_patients_clinic():
    reminder = ReminderFactory(appointment__patient__clinic__code="GAB01")
    assert reminder.appointment.clinic.code == "GAB01"


@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.django_db(transaction=True)
def test_what_the_migrations_bring_is_there_in_every_test(turn):
    assert MessageTemplate.objects.exists()
    MessageTemplate.objects.all().delete()


def test_another_process_works_on_the_tests_own_database(process_environment):
    clinic = ClinicFactory()
    command = [sys.executable, "manage.py", "shell", "--command", FIND_CLINIC]
    said = subprocess.run(
        command, cwd=ROOT, env=process_environment, capture_output=True, text=True, check=True
    )
    assert clinic.code in said.stdout.splitlines()


@pytest.mark.django_db
def test_a_test_starts_without_anyone_elses_clinics():
    assert not Clinic.objects.exists()


@pytest.mark.postgresql
@pytest.mark.django_db
def test_a_test_marked_for_postgresql_runs_there_only():
    assert connection.vendor == "postgresql"


def test_no_test_reaches_another_machine():
    with (
        pytest.warns(UserWarning, match="tried to use socket"),
        pytest.raises(RuntimeError, match="tried to use socket"),
        socket.socket() as outward,
    ):
        outward.connect(("192.0.2.1", 80))


def fail_with_a_server(seen: list[Server]) -> None:
    with running_postgres() as server:
        socket.create_connection((server.host, server.port)).close()
        seen.append(server)
        raise ConnectionAbortedError


@pytest.mark.skipif(find_binaries() is None, reason="no PostgreSQL on this machine")
def test_a_postgresql_of_ones_own_is_gone_after_a_failure():
    seen: list[Server] = []
    with pytest.raises(ConnectionAbortedError):
        fail_with_a_server(seen)
    assert not seen[0].directory.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((seen[0].host, seen[0].port))
