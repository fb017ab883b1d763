"""`make bench`: each benchmark beside its peer and its limit, in one run. Ratios count, not seconds.

`python -m bench.run [name …]`; sizes by BENCH_ROWS (50000). Results go to bench/results/NAME.json.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.postgres import running_postgres

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"

Figures = dict[str, float]


def in_a_process(module: str, url: str, *arguments: str) -> Figures:
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
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


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


BENCHMARKS: dict[str, tuple[Callable[[], dict[str, Figures]], str, str]] = {
    # name: what runs it, the figure's unit, the figure the others are compared with
    "import": (imports, "rows/s", "import"),
}


def main(names: list[str]) -> int:
    RESULTS.mkdir(parents=True, exist_ok=True)
    for name in names or BENCHMARKS:
        run, unit, measured = BENCHMARKS[name]
        results = run()
        (RESULTS / f"{name}.json").write_text(json.dumps({"unit": unit, "results": results}, indent=2))
        for database, figures in results.items():
            print(f"\n{name} on {database} ({unit})")
            for way, figure in figures.items():
                print(f"  {way:34} {figure:12,.0f}   {figures[measured] / figure:6.2f} × of it reached")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
