"""What `make check` runs: every check, also after one has failed; the failed ones are named at the end."""

import json
import os
import re
import secrets
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTHON = sys.executable
REACH_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


# As in production, without a database: none of the checks may need one.
PRODUCTION = {
    "SECRET_KEY": secrets.token_urlsafe(64),
    "DEBUG": "off",
    "HTTPS_REQUIRED": "on",
    "ALLOWED_HOSTS": "reminders.clinic.example",
    "CSRF_TRUSTED_ORIGINS": "https://reminders.clinic.example",
    "PUBLIC_BASE_URL": "https://reminders.clinic.example",
    "DATABASE_URL": "sqlite://:memory:",
    # Stands for a real provider: `console` tells nobody, which the checks rightly mind.
    "SMS_PROVIDERS": "messaging.providers.base.Provider",
}

CHECKS = [
    Check("format", [str(BIN / "ruff"), "format", "--check", "."]),
    Check("lint", [str(BIN / "ruff"), "check", "."]),
    Check("types", [str(BIN / "mypy"), "."], PRODUCTION),
    Check("import rules", [str(BIN / "lint-imports"), "--no-cache"]),
    Check("missing migrations", [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"], PRODUCTION),
    Check("deployment", [PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
]

AUDIT = Check(
    "advisories",
    [
        *(str(BIN / "pip-audit"), "--disable-pip", "--require-hashes", "--progress-spinner=off"),
        *("--timeout=15", "-r", "requirements.txt", "-r", "requirements-dev.txt"),
    ],
)


def main() -> int:
    failed = [check.name for check in CHECKS if not passes(check)]
    if not advisories_in_reach():
        print("\n== advisories: skipped, for pypi.org gives none here ==")
    elif not passes(AUDIT):
        failed.append(AUDIT.name)
    print(f"\nFailed: {', '.join(failed)}." if failed else "\nAll checks passed.")
    return 1 if failed else 0


def passes(check: Check) -> bool:
    print(f"\n== {check.name} ==", flush=True)
    return (
        subprocess.run(
            check.command, cwd=ROOT, env={**os.environ, **check.environment}, check=False
        ).returncode
        == 0
    )


def advisories_in_reach() -> bool:
    """Whether pypi.org itself answers, and not a mirror, which has the packages but no advisories."""
    locked = re.search(r"^django==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    if locked is None:
        return False
    try:
        address = f"https://pypi.org/pypi/django/{locked[1]}/json"
        with urllib.request.urlopen(address, timeout=REACH_SECONDS) as answer:
            return "vulnerabilities" in json.load(answer)
    except (OSError, ValueError):
        return False


if __name__ == "__main__":
    sys.exit(main())
