import csv
import json
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder

from accounts.clinic_codes import clinic_of_code
from common.database import usable_database
from common.errors import NotFound
from common.spreadsheets import cell
from stock.models import LOW_STATUSES, StockLevel, StockStatus
from stock.report import COLUMNS, row

_SHOWN = {
    "clinic_code": "clinic",
    "item_code": "item",
    "item_name": "name",
    "status": "status",
    "usable": "usable",
    "on_order": "on order",
    "daily_usage": "a day",
    "days_of_stock": "days",
    "runs_out_on": "runs out",
    "suggested_order": "order",
    "suggested_packs": "packs",
}
_NUMBERS = {"usable", "on_order", "daily_usage", "days_of_stock", "suggested_order", "suggested_packs"}
_LONGEST_NAME = 40


class Command(BaseCommand):
    help = "What is out of stock, critical or low, the most urgent first; or what has another status."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--clinic", metavar="CODE", help="this clinic only")
        parser.add_argument(
            "--status", choices=StockStatus.values, help=f"instead of {', '.join(LOW_STATUSES)}"
        )
        parser.add_argument("--format", choices=["table", "csv", "json"], default="table")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        with usable_database(returncode=2, afterwards="Then ask for the report again."):
            rows = map(row, self._levels(options["clinic"], options["status"]).iterator(chunk_size=1000))
            write = {"table": self._table, "csv": self._csv, "json": self._json}[options["format"]]
            write(rows)

    def _levels(self, clinic_code: str | None, status: str | None) -> Any:
        levels: Any = StockLevel.objects.select_related("clinic", "item")
        if clinic_code:
            try:
                levels = levels.filter(clinic=clinic_of_code(clinic_code))
            except NotFound as refusal:
                raise CommandError(refusal.message) from None
        if status is None or status in LOW_STATUSES:
            levels = levels.low()
            return levels.filter(status=status) if status else levels
        return levels.filter(status=status).order_by("clinic__code", "item__name", "pk")

    def _table(self, rows: Iterable[dict[str, Any]]) -> None:
        cells = [[_told(shown[name]) for name in _SHOWN] for shown in rows]
        if not cells:
            self.stdout.write("Nothing to report.")
            return
        widths = [max(len(line[n]) for line in [list(_SHOWN.values()), *cells]) for n in range(len(_SHOWN))]
        for line in [list(_SHOWN.values()), *cells]:
            self.stdout.write(_aligned(line, widths))
        self.stdout.write(f"{len(cells)} in all.")

    def _csv(self, rows: Iterable[dict[str, Any]]) -> None:
        writer = csv.writer(self.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        for shown in rows:
            writer.writerow([cell(shown[name]) for name in COLUMNS])

    def _json(self, rows: Iterable[dict[str, Any]]) -> None:
        self.stdout.write(json.dumps(list(rows), cls=DjangoJSONEncoder, indent=2, ensure_ascii=False))


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    cells = zip(_SHOWN, line, widths, strict=True)
    return "  ".join(
        text.rjust(width) if name in _NUMBERS else text.ljust(width) for name, text, width in cells
    ).rstrip()


def _told(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.1f}"
    return str(value)[:_LONGEST_NAME]
