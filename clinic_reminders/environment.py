"""Reads settings by their type. What is wrong is noted for a check; its default holds meanwhile."""

import re
from collections.abc import Mapping
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from sentry_sdk.utils import BadDsn, Dsn

ON = {"on", "true", "yes", "1"}
OFF = {"off", "false", "no", "0"}
_PRICE = re.compile(r"([\w.]{1,100})\s*=\s*(\d{1,6}(?:\.\d{1,6})?) +([A-Z]{3})", re.ASCII)
_RATE = re.compile(r"([0-9]{1,9}) */ *([0-9]{0,5}) *(s|sec|second|m|min|minute|h|hour|d|day)s?")
_PORT = r"(?::\d{1,5})?"
# A star stands for any name in front of the host's.
_ORIGIN = re.compile(rf"https?://(?:(?:\*\.)?[\w.-]+|\[[0-9a-fA-F:]+\]){_PORT}", re.ASCII)
_ADDRESS = re.compile(rf"https?://(?:[\w.-]+|\[[0-9a-fA-F:]+\]){_PORT}(?:/[^?#\s]*)?", re.ASCII)
DATABASES = ("sqlite", "postgres", "postgresql", "psql", "pgsql")


class Environment:
    """`problems` holds what is wrong with each variable, and the mend; never the value, which may be secret.

    An empty variable is one that is left out, except where it is said.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.problems: list[tuple[str, str]] = []

    def switch(self, name: str, *, default: bool) -> bool:
        word = self._text(name).lower()
        if word and word not in ON | OFF:
            self._note(f"{name} is neither on nor off.", f"Set {name}=on or {name}=off, or leave it out.")
        return word in ON if word in ON | OFF else default

    def whole_number(self, name: str, default: int, *, at_least: int) -> int:
        text = self._text(name)
        if not text:
            return default
        if not (text.isascii() and text.isdigit() and at_least <= int(text[:18]) and len(text) <= 9):
            self._note(
                f"{name} is no whole number from {at_least} up.", f"Set {name}={default}, or leave it out."
            )
            return default
        return int(text)

    def words(self, name: str, default: list[str]) -> list[str]:
        """Separated by commas. An empty variable is an empty list."""
        text = self._variables.get(name)
        return default if text is None else [word for word in map(str.strip, text.split(",")) if word]

    def origins(self, name: str) -> list[str]:
        """Of other sites: scheme and host, perhaps a port."""
        found = self.words(name, [])
        if not all(map(_ORIGIN.fullmatch, found)):
            self._note(
                f"{name} holds what is no origin.", f"Set {name}=https://other.example, without a path."
            )
            return []
        return found

    def web_address(self, name: str) -> str:
        """Empty, or scheme and host, perhaps with a port and a path; without a slash at its end."""
        address = self._text(name).rstrip("/")
        if address and not _ADDRESS.fullmatch(address):
            self._note(f"{name} is no web address.", f"Set {name}=https://reminders.clinic.example")
            return ""
        return address

    def rates(self, name: str) -> dict[str, float]:
        """Numbers by name: `twilio=10,smsgate=0.5`."""
        found: dict[str, float] = {}
        for part in filter(None, (part.strip() for part in self._text(name).split(","))):
            key, _, number = (word.strip() for word in part.partition("="))
            if not key or key in found or not re.fullmatch(r"\d{1,6}(\.\d{1,3})?", number, re.ASCII):
                self._note(f"{name} can't be read.", f"Set {name}=twilio=10,smsgate=1, or leave it out.")
                return {}
            found[key] = float(number)
        return found

    def prices(self, name: str) -> dict[str, tuple[Decimal, str]]:
        """`twilio=0.05 USD,smsgate=0.2 BWP`: an amount and its currency by name."""
        prices: dict[str, tuple[Decimal, str]] = {}
        for part in filter(None, map(str.strip, self._text(name).split(","))):
            found = _PRICE.fullmatch(part)
            if found is None or found[1] in prices:
                self._note(f"{name} holds what is no price.", f"Set {name}=twilio=0.05 USD, or leave it out.")
                return {}
            prices[found[1]] = (Decimal(found[2]), found[3])
        return prices

    def database(self, name: str, *, default: Path, home: Path) -> dict[str, Any]:
        """Django's settings of the database. An SQLite file's folder is made, for its owner alone."""
        url = self._variables.get(name, f"sqlite:///{default}").strip()
        found = _database(url)
        if found is None:
            self._note(
                f"{name} is empty." if not url else f"{name} names no database that can be used.",
                f"Set {name}=postgres://user:password@host:5432/name, or leave it out for SQLite.",
            )
        elif found["ENGINE"] == "django.db.backends.sqlite3" and found["NAME"] != ":memory:":
            # A relative path means the home's, wherever a command is started from.
            file = home / found["NAME"]
            try:
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError:
                self._note(
                    f"{name} names a file in a folder that can't be made.",
                    f"Make the folder, or leave {name} out.",
                )
                return _in_memory()
            found["NAME"] = str(file)
        return found or _in_memory()

    def mail(self, name: str) -> dict[str, Any]:
        """Django's settings of mail; empty when there is none, or none that can be used."""
        url = self._text(name)
        if not url:
            return {}
        try:
            found: dict[str, Any] = environ.Env.email_url_config(url)
        except (ImproperlyConfigured, ValueError):
            found = {}
        if not found or (found["EMAIL_BACKEND"].endswith("smtp.EmailBackend") and not found["EMAIL_HOST"]):
            self._note(
                f"{name} names no mail server that can be used.",
                f"Set {name}=smtp+tls://user:password@host:587, or leave it out.",
            )
            return {}
        if found["EMAIL_FILE_PATH"]:
            # filemail:///srv/mails means what it says, wherever a command is started from.
            found["EMAIL_FILE_PATH"] = "/" + found["EMAIL_FILE_PATH"].lstrip("/")
        return {key: value for key, value in found.items() if value not in (None, "")}

    def rate(self, name: str, default: str) -> str | None:
        """ "100/m": so many a second (s), minute, hour or day; "5/10m" a longer time. None for "0"."""
        text = self._text(name).lower() or default
        if text == "0":
            return None
        found = _RATE.fullmatch(text)
        if found is None or (found[2] and not int(found[2])):
            self._note(f"{name} is no rate.", f"Set {name}={default}, another number a s, m, h or d, or 0.")
            return default
        return f"{int(found[1])}/{found[2]}{found[3][0]}" if int(found[1]) else None

    def networks(self, name: str) -> list[IPv4Network | IPv6Network]:
        """Addresses and networks with commas between them."""
        found = []
        for text in filter(None, map(str.strip, self._text(name).split(","))):
            try:
                found.append(ip_network(text, strict=False))
            except ValueError:
                self._note(
                    f"{name} holds what is no address and no network.",
                    f"Set {name}=10.0.0.5,10.1.0.0/16: the proxies' own addresses. Or leave it out.",
                )
        return found

    def redis(self, name: str) -> str:
        """The address of a Redis; empty for none."""
        url = self._text(name)
        try:
            parts = urlsplit(url)
            usable = parts.scheme == "unix" or (parts.hostname and (parts.port or 1))
        except ValueError:
            usable = False
        if not url or (usable and parts.scheme in {"redis", "rediss", "unix"}):
            return url
        self._note(f"{name} names no Redis.", f"Set {name}=redis://host:6379/0, or leave it out.")
        return ""

    def sentry(self, name: str) -> str:
        """Where errors are reported; empty for nowhere."""
        dsn = self._text(name)
        try:
            if dsn:
                Dsn(dsn)
        except (BadDsn, ValueError):
            self._note(f"{name} is no DSN.", f"Copy {name} from your project in Sentry, or leave it out.")
            return ""
        return dsn

    def _text(self, name: str) -> str:
        return self._variables.get(name, "").strip()

    def _note(self, problem: str, mend: str) -> None:
        self.problems.append((problem, mend))


def _database(url: str) -> dict[str, Any] | None:
    # Asked first: the reader warns of a scheme that it does not know, and quotes the password.
    if url.partition("://")[0] not in DATABASES or "://" not in url:
        return None
    try:
        found: dict[str, Any] = environ.Env.db_url_config(url)
    except ValueError:
        return None
    return found if found["NAME"] else None


def _in_memory() -> dict[str, Any]:
    """Stands in until the checks have stopped the process: nothing is kept in it."""
    return _database("sqlite://") or {}
