"""What `make faults` does: the whole suite at full size on both databases, and one table of its figures.

The table is printed and written to tests/faults/results/table.md. FAULT_MESSAGES says another size; arguments
are passed on to pytest: ARGS="-k receipts".
"""

import os
import sys
from pathlib import Path

import django

from tests import run

RESULTS = Path(__file__).resolve().parent / "results"


def main(arguments: list[str]) -> int:
    RESULTS.mkdir(exist_ok=True)
    rows, written = RESULTS / "figures.jsonl", RESULTS / "table.md"
    rows.unlink(missing_ok=True)
    os.environ["FAULT_RESULTS"] = str(rows)
    os.environ.setdefault("FAULT_MESSAGES", "10000")
    # One after another: each has the machine to itself.
    code = run.main(["tests/faults", "--numprocesses=0", "-s", *arguments])
    if rows.exists():
        text = _table(rows)
        written.write_text(text + "\n")
        print(f"\n{text}\n\nWritten to {written}.")
    return code


def _table(rows: Path) -> str:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    from tests.faults import figures

    return figures.table(figures.read(rows))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
