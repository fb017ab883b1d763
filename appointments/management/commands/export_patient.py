import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.audit import COMMAND
from appointments.patient_export import export_patient
from common.database import usable_database
from common.errors import DomainError


class Command(BaseCommand):
    help = "Prints all that is kept about one patient, as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("patient_id", type=UUID, metavar="ID", help="the id in the patient's address")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        with usable_database(returncode=2, afterwards="Then ask for the data again."):
            try:
                told = export_patient(options["patient_id"], reader=None, actor=COMMAND, now=timezone.now())
            except DomainError as refusal:
                raise CommandError(refusal.message) from None
        self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
