from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.audit import COMMAND
from appointments.erasure import erase
from common.database import usable_database
from common.errors import DomainError


class Command(BaseCommand):
    help = "Erases all that says who a patient was, for ever; what stays is told in docs/privacy.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("patient_id", type=UUID, metavar="ID", help="the id in the patient's address")
        parser.add_argument(
            "--cancel-visits", action="store_true", help="cancel the visits still to come, without a text"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        if not options["yes"] and input("This can't be taken back. Type ERASE: ") != "ERASE":
            raise CommandError("Nothing was erased.")
        with usable_database(returncode=2, afterwards="Then ask for the erasure again."):
            try:
                erase(
                    options["patient_id"],
                    cancel_visits=options["cancel_visits"],
                    actor=COMMAND,
                    now=timezone.now(),
                )
            except DomainError as refusal:
                raise CommandError(refusal.message) from None
        self.stdout.write("Erased.")
