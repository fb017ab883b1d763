from argparse import ArgumentParser
from dataclasses import fields
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from accounts.clinic_codes import clinic_of_code
from common.database import usable_database
from common.errors import NotFound
from stock.backtest.comparing import compare
from stock.backtest.simulation import Score
from stock.models import StockLevel

_HEADINGS = {
    "fill": "fill, units",
    "level_fill": "fill, levels",
    "out_days": "days out",
    "stock_days": "stock-days",
    "unit_stock_days": "stock-days, units",
    "expired": "expired",
    "pinball": "pinball",
}
_SHARES = {"fill", "level_fill", "out_days", "expired"}


class Command(BaseCommand):
    help = (
        "Runs the reorder rule over the ledger as if it had decided every order, beside the average monthly "
        "consumption. Changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--clinic", metavar="CODE", help="only this clinic's levels")
        parser.add_argument("--seeds", type=int, default=3, help="how many runs with other delivery times")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        with usable_database():
            levels = StockLevel.objects.select_related("item", "clinic").order_by("pk")
            if options["clinic"]:
                try:
                    levels = levels.filter(clinic=clinic_of_code(options["clinic"]))
                except NotFound as refusal:
                    raise CommandError(refusal.message) from None
            result = compare(list(levels), seeds=range(max(options["seeds"], 1)))
        if result is None:
            raise CommandError(
                "The ledger is too short: a year of entries is needed, with issues to its end."
            )
        self.stdout.write(
            f"{result.levels} levels, {result.days} days from {result.first}, {result.runs} runs\n"
        )
        width = max(map(len, result.scores))
        self.stdout.write(" " * width + "".join(f"{text:>19}" for text in _HEADINGS.values()))
        for name, score in result.scores.items():
            self.stdout.write(f"{name:<{width}}" + "".join(map(_cell, _values(score))))
        ratio = result.stock_ratio
        if ratio is not None:
            self.stdout.write(
                f"\nFor the same fill the average holds {1 / ratio:.2f} times the stock; "
                f"the rule needs {ratio:.0%} of it."
            )


def _values(score: Score) -> list[tuple[str, float]]:
    return [(field.name, getattr(score, field.name)) for field in fields(score)]


def _cell(value: tuple[str, float]) -> str:
    name, number = value
    text = f"{number:.1%}" if name in _SHARES else f"{np.round(number, 1):.1f}"
    return f"{text:>19}"
