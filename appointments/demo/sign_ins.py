"""The demo people's passwords: well known on a machine of one's own, random where others can reach it."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

from django.db import transaction

from accounts.audit import COMMAND, Change, record
from accounts.models import User
from appointments.demo.clinics import PEOPLE, DemoPerson, add_person

WELL_KNOWN = "dumela-demo"
# Without letters and digits that look alike: people copy them from a screen.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class PasswordState(Enum):
    NEW = "new"
    KEPT = "kept"
    REPLACED = "replaced"  # the well-known one no longer holds
    OWN = "own"  # somebody has set another, which nobody here knows


@dataclass(frozen=True, slots=True)
class SignIn:
    """`password` is empty when it is not known here."""

    username: str
    password: str
    role: str
    clinics: list[str]
    state: PasswordState
    is_active: bool = True


def ensure_sign_ins(path: Path, *, public: bool, now: datetime) -> list[SignIn]:
    """Makes the demo people that are missing and says how each can sign in.

    `public`: others can reach the site, so passwords are random and well-known ones are replaced. The
    random ones are kept in the file at `path`, readable by its owner only.
    """
    book = PasswordBook(path)
    with transaction.atomic():
        return [_ensure(person, book, public=public, now=now) for person in PEOPLE]


def _ensure(person: DemoPerson, book: "PasswordBook", *, public: bool, now: datetime) -> SignIn:
    user = User.objects.filter(username=person.username).first()
    if user is None:
        password = book.new(person.username) if public else WELL_KNOWN
        return _sign_in(add_person(person, password, now=now), password, PasswordState.NEW)
    if user.check_password(WELL_KNOWN):
        if not public:
            return _sign_in(user, WELL_KNOWN, PasswordState.KEPT)
        password = book.new(person.username)
        user.set_password(password)
        user.version += 1
        user.save(update_fields=["password", "version"])
        record(COMMAND, [Change("password replaced", "accounts.user", user.pk, None)], now=now)
        return _sign_in(user, password, PasswordState.REPLACED)
    remembered = book.passwords.get(person.username)
    if remembered and user.check_password(remembered):
        return _sign_in(user, remembered, PasswordState.KEPT)
    return _sign_in(user, "", PasswordState.OWN)


def _sign_in(user: User, password: str, state: PasswordState) -> SignIn:
    clinics = list(user.clinics.order_by("code").values_list("code", flat=True))
    return SignIn(user.username, password, user.role, clinics, state, user.is_active)


class PasswordBook:
    """The random passwords in a file. Each is on disk before anybody gets it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.passwords: Mapping[str, str] = {}
        if path.exists():
            self.passwords = json.loads(path.read_text(encoding="utf-8"))

    def new(self, username: str) -> str:
        password = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
        self.passwords = {**self.passwords, username: password}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            json.dump(self.passwords, out, indent=2)
        draft.replace(self._path)
        return password
