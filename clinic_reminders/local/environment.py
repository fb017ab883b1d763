"""What the site's settings read, set for the processes of one `make run` before any of them reads it."""

import os
import re
import secrets
from collections.abc import MutableMapping
from pathlib import Path

from clinic_reminders.local.address import Address

_SECRET_KEY_LINE = re.compile(r"^\s*(?:export\s+)?SECRET_KEY\s*=[ \t]*(?P<value>.*?)\s*$", re.MULTILINE)


def ensure_secret_key(env_file: Path, environment: MutableMapping[str, str]) -> bool:
    """Writes a random SECRET_KEY to `.env` if neither it nor the environment has one; says if it did.

    The rest of the file stays. From then on its owner alone can read it.
    """
    if environment.get("SECRET_KEY"):
        return False
    # An empty variable would hide the one in the file.
    environment.pop("SECRET_KEY", None)
    env_file = env_file.resolve()
    text = env_file.read_text(encoding="utf-8") if env_file.exists() else ""
    lines = list(_SECRET_KEY_LINE.finditer(text))
    if lines and lines[0]["value"].strip("'\""):
        return False
    kept = _SECRET_KEY_LINE.sub("", text).rstrip("\n") if lines else text.rstrip("\n")
    kept = f"{kept}\n" if kept else ""
    draft = env_file.with_name(f"{env_file.name}.new")
    draft.unlink(missing_ok=True)
    env_file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(f"{kept}SECRET_KEY={secrets.token_urlsafe(50)}\n")
    draft.replace(env_file)
    return True


def settings_for(address: Address, environment: MutableMapping[str, str]) -> dict[str, str]:
    """The variables that `make run` decides, over whatever `.env` or the environment says."""
    given = [name.strip() for name in environment.get("ALLOWED_HOSTS", "").split(",")]
    hosts = [*address.names(), *(name for name in given if name and name != "*")]
    return {
        "DJANGO_SETTINGS_MODULE": "clinic_reminders.settings",
        "DEBUG": "on" if address.is_loopback else "off",
        # There is no certificate here: a redirect to HTTPS would lead nowhere.
        "HTTPS_REQUIRED": "off",
        "ALLOWED_HOSTS": ",".join(dict.fromkeys(hosts)),
        "LOG_LEVEL": environment.get("LOG_LEVEL") or "WARNING",
        # What the worker prints is seen at once.
        "PYTHONUNBUFFERED": "1",
    }
