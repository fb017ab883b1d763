"""What a text becomes before anyone sends it: filled in, counted, priced, looked over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings

from accounts.models import Clinic
from messaging import gsm
from messaging.rendering import check_body, longest_visit_words, render, text_problems, visit_words
from messaging.template_lint import Caution, lint, lint_text

NAME, CLINIC, CLINIC_PHONE = "Kabo Molefe", "Gaborone Main Clinic", "395 1234"
# As long as long names are.
LONG_NAME, LONG_CLINIC, LONG_PHONE = "Gaolathe-Mmapula Kgôsi", "Francistown Nyangabgwe B", "+267 390 1234"


@dataclass(frozen=True, slots=True)
class Price:
    """What one text costs at one provider."""

    provider: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Preview:
    """A finished text as it would leave, and what it costs."""

    language: str
    text: str
    measure: gsm.Measure
    # Characters that are sent in a cheaper form, each with that form.
    replaced: list[tuple[str, str]]
    # Characters that no text can carry, as U+0007, and all reasons why this one would be refused.
    unsendable: list[str]
    problems: list[str]
    cautions: list[Caution]

    @property
    def prices(self) -> list[Price]:
        """At each provider whose price is known."""
        return prices_of(self.measure.segments)


def prices_of(parts: int) -> list[Price]:
    return [
        Price(provider, amount * parts, currency)
        for provider, (amount, currency) in settings.SMS_PRICE_PER_PART.items()
    ]


def preview_text(body: str, *, language: str, keep_diacritics: bool = False) -> Preview:
    """A text as somebody wrote it."""
    return _preview(body, language, lint_text(body), keep_diacritics=keep_diacritics)


def preview_template(
    body: str,
    *,
    language: str,
    clinic: Clinic | None,
    keep_diacritics: bool,
    now: datetime,
    context: Mapping[str, str] | None = None,
) -> Preview:
    """A template with an invented patient, or with what `context` says of one.

    Raises TemplateError for a placeholder that is unknown or badly written.
    """
    filled = render(body, {**_invented(language, clinic, now), **(context or {})})
    longest = render(body, _longest(language, clinic))
    parts = gsm.measure(gsm.fold(longest, keep_diacritics=keep_diacritics)).segments
    cautions = lint(body, filled=filled, longest_parts=parts)
    return _preview(filled, language, cautions, keep_diacritics=keep_diacritics)


def preview_to_save(
    body: str, *, language: str, clinic: Clinic | None, keep_diacritics: bool, now: datetime
) -> Preview:
    """The same; ValidationFailed on "body" for a template that could not be saved."""
    check_body(body)
    return preview_template(body, language=language, clinic=clinic, keep_diacritics=keep_diacritics, now=now)


def _preview(filled: str, language: str, cautions: list[Caution], *, keep_diacritics: bool) -> Preview:
    text = gsm.fold(filled, keep_diacritics=keep_diacritics)
    each = {c: gsm.fold(c, keep_diacritics=keep_diacritics) for c in filled if not c.isspace()}
    return Preview(
        language=language,
        text=text,
        measure=gsm.measure(text),
        replaced=[(c, plain) for c, plain in each.items() if plain != c],
        unsendable=[f"U+{ord(c):04X}" for c in gsm.unsendable(filled)],
        problems=text_problems(filled),
        cautions=cautions,
    )


def _invented(language: str, clinic: Clinic | None, now: datetime) -> dict[str, str]:
    zone = clinic.zone if clinic else ZoneInfo(settings.TIME_ZONE)
    visit = (now + timedelta(days=7)).astimezone(zone).replace(hour=9, minute=30)
    return {
        "name": NAME,
        "clinic": clinic.name if clinic else CLINIC,
        "clinic_phone": clinic.phone if clinic else CLINIC_PHONE,
        **visit_words(visit, zone, language),
    }


def _longest(language: str, clinic: Clinic | None) -> dict[str, str]:
    return {
        "name": LONG_NAME,
        "clinic": clinic.name if clinic else LONG_CLINIC,
        "clinic_phone": clinic.phone if clinic else LONG_PHONE,
        **longest_visit_words(language),
    }


@dataclass(frozen=True, slots=True)
class Cost:
    """What a template costs in one language, with its diacritics kept or folded."""

    language: str
    keeps_diacritics: bool
    measure: gsm.Measure
    # Whether that is what the template's own switch says.
    stands: bool

    @property
    def prices(self) -> list[Price]:
        return prices_of(self.measure.segments)


def costs(
    body: str, *, language: str, clinic: Clinic | None, keep_diacritics: bool, now: datetime
) -> list[Cost]:
    """Folded and kept, where that makes a difference; the way it stands alone where it makes none."""
    found = {
        keeps: preview_template(body, language=language, clinic=clinic, keep_diacritics=keeps, now=now)
        for keeps in (False, True)
    }
    same = found[False].text == found[True].text
    return [
        Cost(language, keeps, preview.measure, stands=keeps == keep_diacritics)
        for keeps, preview in found.items()
        if not same or keeps == keep_diacritics
    ]
