"""What the end of a text says beyond the text itself: of its phone's number, its provider, its words."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils import timezone

from accounts.models import Clinic
from messaging import numbers
from messaging.alarms import Finding, raise_all
from messaging.models import AlarmKind, Message
from messaging.providers import provider_class
from messaging.providers.base import Provider, Result


def learn(messages: Sequence[Message], results: Iterable[Result] | None = None, *, now: datetime) -> None:
    """Takes note of the messages as they have just become, with what the provider's answer was to each.

    In the transaction that wrote them. Without `results` the error codes say what it was. Alarms are raised
    once the transaction is committed, so that none of its rows is held for theirs.
    """
    numbers.learn(messages, now=now)
    results = map(_meaning, messages) if results is None else results
    troubled = [(m, result) for m, result in zip(messages, results, strict=True) if m.error_code]
    findings = {(f.kind, f.subject): f for f in _findings(troubled)}
    if findings:
        those = [findings[key] for key in sorted(findings)]
        transaction.on_commit(partial(_raise, those), robust=True)


def _raise(findings: Sequence[Finding]) -> None:
    raise_all(findings, now=timezone.now())


def _meaning(message: Message) -> Result:
    if not message.error_code:
        return Result.ACCEPTED
    return _class_of(message.provider).result_of(message.error_code)


def _class_of(name: str) -> type[Provider]:
    try:
        return provider_class(name)
    except ImportError:
        return Provider


def _findings(troubled: Sequence[tuple[Message, Result]]) -> Iterator[Finding]:
    filtered = []
    for message, result in troubled:
        provider, code = _class_of(message.provider), message.error_code
        facts = {"provider": message.provider, "code": code}
        if code in provider.account_codes:
            yield Finding(AlarmKind.ACCOUNT_CLOSED, message.provider, facts)
        elif code in provider.text_codes:
            filtered.append(message)
        elif result is Result.CONFIGURATION:
            yield Finding(AlarmKind.SET_UP_WRONG, f"{message.provider} {code}", facts)
    keys = {message.clinic_id for message in filtered if message.clinic_id}
    clinics = Clinic.objects.in_bulk(keys) if keys else {}
    for message in filtered:
        # A word to staff may be of several clinics, and then of none.
        of_clinic = f"{clinics[message.clinic_id].code} " if message.clinic_id else ""
        yield Finding(
            AlarmKind.FILTERED,
            f"{of_clinic}{message.purpose}",
            {"provider": message.provider, "code": message.error_code, "purpose": message.purpose},
            message.clinic_id,
        )
