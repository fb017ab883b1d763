"""What `make coverage` runs: all tests on SQLite, and how much of the product they pass through.

Arguments are passed on to pytest. Processes that tests start are measured as well.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "var" / "coverage.json"
# Percent.
STATEMENTS, BRANCHES = 95, 90
SHOWN = 15


def main(arguments: list[str]) -> int:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    RESULT.parent.mkdir(exist_ok=True)
    report = ["--cov", "--cov-report=html:var/coverage", f"--cov-report=json:{RESULT}"]
    workers = ["--numprocesses=auto", "--maxprocesses=4"]
    command = [sys.executable, "-m", "pytest", *workers, *report, *arguments]
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    if not RESULT.exists():
        return code or 1
    return told(json.loads(RESULT.read_text())) or code


def told(result: dict[str, Any]) -> int:
    """1 where the tests pass through too little."""
    files = {name: file["summary"] for name, file in result["files"].items()}
    lacking = sorted(files.items(), key=lambda pair: -_lacking(pair[1]))
    print("\nLeast covered: statements, branches missed")
    for name, summary in lacking[:SHOWN]:
        print(f"{summary['missing_lines']:5}{summary['missing_branches']:5}  {name}")
    statements, branches = _percent(result["totals"])
    print(f"\nStatements {statements:.1f} %, at least {STATEMENTS} % wanted.")
    print(f"Branches   {branches:.1f} %, at least {BRANCHES} % wanted.")
    print("Line by line: var/coverage/index.html")
    return int(statements < STATEMENTS or branches < BRANCHES)


def _lacking(summary: dict[str, int]) -> int:
    return summary["missing_lines"] + summary["missing_branches"]


def _percent(totals: dict[str, int]) -> tuple[float, float]:
    return (
        100 * totals["covered_lines"] / totals["num_statements"],
        100 * totals["covered_branches"] / totals["num_branches"],
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
