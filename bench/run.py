"""`make bench`: each benchmark beside its peer and its limit, in one run. Ratios count, not seconds.

`python -m bench.run [name …]`; sizes by BENCH_ROWS (50000), BENCH_MESSAGES (10000),
BENCH_LEVELS (50000), BENCH_MOVEMENTS (5000000), BENCH_VISITS (10000,1000000,10000000 for `plan`),
BENCH_LISTED (1000000; BENCH_CALLS calls of each list, 100) and BENCH_DISTRICTS (20,200,200000 appointments).
Results go to bench/results/NAME.json.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.postgres import running_postgres

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"

Figures = dict[str, float]
# How often each page is asked for.
PAGE_CALLS = "15"


def in_a_process(module: str, url: str, *arguments: str) -> Any:
    """What the module prints as JSON, working on a database of its own."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "clinic_reminders.settings",
        "DATABASE_URL": url,
        "SECRET_KEY": "only-for-benchmarks-0123456789-0123456789-0123456789",
        "DEBUG": "off",
        "ALLOWED_HOSTS": "localhost",
    }
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def on_both_databases(module: str, *arguments: str) -> dict[str, Figures]:
    with tempfile.TemporaryDirectory(prefix="clinic-reminders-bench-") as directory:
        figures = {"SQLite": in_a_process(module, f"sqlite:///{directory}/db.sqlite3", *arguments)}
    # With fsync, as in earnest.
    with running_postgres(durable=True) as server:
        figures["PostgreSQL"] = in_a_process(module, server.url("postgres"), *arguments)
    return figures


def imports() -> dict[str, Figures]:
    rows = int(os.environ.get("BENCH_ROWS", "50000"))
    return on_both_databases("bench.imports", str(rows), str(min(rows, 5000)))


def dispatching() -> dict[str, Figures]:
    messages = int(os.environ.get("BENCH_MESSAGES", "10000"))
    return on_both_databases("bench.dispatch", str(messages), str(min(messages, 300)))


def on_many_rows(module: str, *arguments: str) -> Any:
    """On PostgreSQL. Rows are made in minutes, without fsync."""
    options = {"shared_buffers": "512MB", "maintenance_work_mem": "512MB", "max_wal_size": "4GB"}
    with running_postgres(options) as server:
        return in_a_process(module, server.url("postgres"), *arguments)


def low_stock() -> dict[str, Figures]:
    levels = os.environ.get("BENCH_LEVELS", "50000")
    movements = os.environ.get("BENCH_MOVEMENTS", "5000000")
    return {"PostgreSQL": on_many_rows("bench.low", levels, movements)}


def planning() -> dict[str, Figures]:
    figures: Figures = {}
    sizes = os.environ.get("BENCH_VISITS", "10000,1000000,10000000").split(",")
    passes = {size: on_many_rows("bench.passes", size) for size in sizes}
    for name, first in passes[sizes[0]].items():
        figures |= {f"{name} | among {int(size):,}": passes[size][name] for size in sizes}
        figures[f"{name} | times the first"] = passes[sizes[-1]][name] / first
    return {"PostgreSQL": figures}


def listing() -> dict[str, Figures]:
    return {"PostgreSQL": on_many_rows("bench.lists", os.environ.get("BENCH_LISTED", "1000000"))}


def pages() -> dict[str, Figures]:
    """A district of each size, on each of BENCH_DATABASES, made without fsync: only reading is measured."""
    sizes = os.environ.get("BENCH_DISTRICTS", "20,200,200000").split(",")
    found: dict[str, Figures] = {}
    for database in os.environ.get("BENCH_DATABASES", "PostgreSQL,SQLite").split(","):
        figures = found.setdefault(database, {})
        for size in sizes:
            for page, costs in _district(database, size).items():
                figures |= {f"{page} | {what} at {size}": figure for what, figure in costs.items()}
    return found


def _district(database: str, size: str) -> dict[str, Any]:
    if database == "SQLite":
        with tempfile.TemporaryDirectory(prefix="clinic-reminders-bench-") as directory:
            return in_a_process("bench.pages", f"sqlite:///{directory}/db.sqlite3", size, PAGE_CALLS)
    with running_postgres({"shared_buffers": "256MB", "maintenance_work_mem": "128MB"}) as server:
        return in_a_process("bench.pages", server.url("postgres"), size, PAGE_CALLS)


BENCHMARKS: dict[str, tuple[Callable[[], dict[str, Figures]], str, str]] = {
    # name: what runs it, the figure's unit, the figure the others are compared with, if any
    "import": (imports, "rows/s", "import"),
    "dispatch": (dispatching, "messages/s", "dispatch"),
    "low": (low_stock, "ms", "all clinics, page, p95"),
    "plan": (planning, "ms; statements", ""),
    "list": (listing, "ms", ""),
    "pages": (pages, "queries; ms", ""),
}


def _compared(measured: float, figure: float, unit: str) -> str:
    if unit == "ms":
        return f"{figure / measured:6.2f} × as long"
    return f"{measured / figure:6.2f} × of it reached"


def _print_table(figures: Figures) -> None:
    """A line for what stands before the bar in a figure's name, a column for what stands after it."""
    lines: dict[str, dict[str, float]] = {}
    for name, figure in figures.items():
        line, _bar, column = name.partition(" | ")
        lines.setdefault(line, {})[column] = figure
    for line, columns in lines.items():
        print(f"  {line:60}", "; ".join(f"{column} {figure:,.1f}" for column, figure in columns.items()))


def main(names: list[str]) -> int:
    RESULTS.mkdir(parents=True, exist_ok=True)
    for name in names or BENCHMARKS:
        run, unit, measured = BENCHMARKS[name]
        results = run()
        (RESULTS / f"{name}.json").write_text(json.dumps({"unit": unit, "results": results}, indent=2))
        for database, figures in results.items():
            print(f"\n{name} on {database} ({unit})")
            if not measured:
                _print_table(figures)
                continue
            for way, figure in figures.items():
                print(f"  {way:34} {figure:12,.1f}   {_compared(figures[measured], figure, unit)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
