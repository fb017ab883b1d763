from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from appointments.demo import district, telling
from appointments.demo.clinics import CLINICS
from appointments.demo.seeding import seed
from common.errors import DomainError
from stock.demo import add_stock


class Command(BaseCommand):
    help = "Demo clinics, people who can sign in, appointments and stock. A second time changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--size",
            choices=["small", "large"],
            default="small",
            help="large: also a district of 20 clinics with tens of thousands of appointments",
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="also where DEBUG is off; the demo people's passwords are random there",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        if not settings.DEBUG and not options["force"]:
            raise CommandError(
                "DEBUG is off, so this may be a real site, and demo data does not belong there. "
                "Use --force if you mean it."
            )
        now = timezone.now()
        try:
            seeded = seed(settings.VAR_DIR, public=not settings.DEBUG, now=now)
            levels = add_stock([clinic.code for clinic in CLINICS], now=now)
            added = district.add(now=now) if options["size"] == "large" else 0
        except DomainError as error:
            raise CommandError(error.message) from error
        for line in [*telling.of_sample(seeded.sample), *telling.of_sign_ins(seeded.sign_ins)]:
            self.stdout.write(line)
        if levels:
            self.stdout.write(f"Stock: {levels} levels with their ledgers added.")
        if options["size"] == "large":
            self.stdout.write(f"The district: {added} appointments added.")
