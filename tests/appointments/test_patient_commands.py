import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEntry
from common.ids import new_id
from tests.factories.appointments import AppointmentFactory, PatientFactory

pytestmark = pytest.mark.django_db


def run(*arguments):
    said = StringIO()
    call_command(*map(str, arguments), stdout=said)
    return said.getvalue()


def test_a_command_prints_all_data_of_a_patient():
    patient = PatientFactory(name="Neo")
    assert json.loads(run("export_patient", patient.pk))["patient"]["name"] == "Neo"
    assert AuditEntry.objects.get(object_id=patient.pk).actor_kind == "command"


def test_a_command_erases_a_patient():
    patient = PatientFactory(name="Neo")
    assert run("erase_patient", patient.pk, "--yes") == "Erased.\n"
    patient.refresh_from_db()
    assert patient.erased_at is not None


def test_visits_to_come_are_cancelled_only_when_the_command_says_so():
    visit = AppointmentFactory()
    with pytest.raises(CommandError, match="1 visit is still to come"):
        run("erase_patient", visit.patient_id, "--yes")
    run("erase_patient", visit.patient_id, "--yes", "--cancel-visits")
    visit.refresh_from_db()
    assert visit.status == "cancelled"


def test_without_the_word_nothing_is_erased(monkeypatch):
    patient = PatientFactory()
    monkeypatch.setattr("builtins.input", lambda _question: "yes")
    with pytest.raises(CommandError, match="Nothing was erased"):
        run("erase_patient", patient.pk)
    patient.refresh_from_db()
    assert patient.erased_at is None


@pytest.mark.parametrize("command", [("export_patient",), ("erase_patient", "--yes")])
def test_a_patient_who_is_not_there_is_said_to_be_none(command):
    with pytest.raises(CommandError, match="no such patient"):
        run(*command, new_id())
