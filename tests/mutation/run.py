"""What `make mutants` runs: small faults in the code that nobody may break unnoticed, and who notices.

python -m tests.mutation.run [GROUP …] [--most N] [--seed S] [--file FILE …] [--only FUNCTION] [--report]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VERDICTS = ROOT / "var" / "mutants"


@dataclass(frozen=True, slots=True)
class Group:
    """Files, and the tests that must notice what is wrong with them."""

    files: tuple[str, ...]
    tests: tuple[str, ...]


def _named(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}.py" for name in names)


GROUPS = {
    "booking": Group(
        _named("appointments", "services", "diary", "booking", "rules"),
        _named(
            "tests/appointments",
            *("test_services", "test_diary", "test_rules", "test_api_booking", "test_api_changing"),
            *("test_api_closures", "test_api_bulk", "test_replanning"),
        ),
    ),
    "dispatch": Group(
        _named(
            "messaging",
            *("settling", "claiming", "admission", "dispatch", "lanes", "breaker", "pace", "reconciling"),
            *("following_up", "receipts"),
        ),
        (
            # What a pass would send, which changes nothing.
            "tests/appointments/test_send_command.py",
            *_named(
                "tests/messaging",
                *("test_dispatch", "test_settling", "test_claiming", "test_admission", "test_lanes"),
                *("test_breaker", "test_pace", "test_failover", "test_reconciling", "test_following_up"),
                *("test_receipts",),
            ),
        ),
    ),
    "stock": Group(
        _named("stock", "entries", "book", "ledger", "allocation", "counting"),
        _named(
            "tests/stock",
            *("test_ledger", "test_entries", "test_allocation", "test_counting", "test_transfers"),
            *("test_orders", "test_ledger_properties"),
        ),
    ),
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make mutants")
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; without any, all")
    parser.add_argument("--most", default="0", help="so many mutants a file, chosen by chance; 0: all")
    parser.add_argument("--seed", default="1", help="of that choice")
    parser.add_argument("--file", action="append", default=[], help="only this file")
    parser.add_argument("--only", default="", help="only functions with this in their name")
    parser.add_argument("--report", action="store_true", help="only print what the last run found")
    given = parser.parse_args(arguments)
    failed = False
    for name in given.groups or GROUPS:
        files = [file for file in GROUPS[name].files if not given.file or file in given.file]
        if files and not given.report:
            failed |= _run(GROUPS[name], files, given) != 0
    _print(given)
    return 1 if failed else 0


def _run(group: Group, files: list[str], given: argparse.Namespace) -> int:
    VERDICTS.mkdir(parents=True, exist_ok=True)
    options = [f"--mutate={file}" for file in files]
    options += [
        f"--most={given.most}",
        f"--seed={given.seed}",
        f"--only={given.only}",
        f"--verdicts={VERDICTS}",
    ]
    tests = [test for test in group.tests if (ROOT / test).exists()]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.mutation.plugin"]
    memory = Path("/dev/shm")  # noqa: S108  (a database in memory that other processes find)
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        environment = {**os.environ, "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3"}
        return subprocess.run([*command, *options, *tests], cwd=ROOT, env=environment, check=False).returncode


def _print(given: argparse.Namespace) -> None:
    survivors = []
    print("\n| File | Mutants | Tried | Killed | Timeout | Survived | Unreached |")
    print("|---|---|---|---|---|---|---|")
    for file in (file for name in given.groups or GROUPS for file in GROUPS[name].files):
        path = VERDICTS / f"{file.replace('/', '.')}.jsonl"
        if not path.exists() or (given.file and file not in given.file):
            continue
        head, *verdicts = [json.loads(line) for line in path.read_text().splitlines()]
        count = Counter(told["verdict"] for told in verdicts)
        figures = [
            head["found"],
            len(verdicts),
            *(count[v] for v in ("killed", "timeout", "survived", "unreached")),
        ]
        print(f"| {file} | {' | '.join(map(str, figures))} |")
        survivors += [(file, told) for told in verdicts if told["verdict"] in ("survived", "unreached")]
    for file, told in survivors:
        print(f"\n{file}:{told['line']} {told['function']} ({told['verdict']})")
        print(f"  - {told['before']}\n  + {told['after']}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
