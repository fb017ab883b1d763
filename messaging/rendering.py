"""From a template and a visit to the text of one message."""

import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from common.dates import MONTHS, WEEKDAYS
from common.errors import ValidationFailed
from messaging.gsm import fold, unsendable

PLACEHOLDERS = ("name", "clinic", "clinic_phone", "date", "time", "weekday")
# What providers take at most, in characters.
MAX_BODY_LENGTH = 1600

_TOKEN = re.compile(r"\{([^{}]*)\}|[{}]")


class TemplateError(ValueError):
    """A template that can't be filled in; the words name the placeholder, never a value."""


def check_body(body: str) -> None:
    """ValidationFailed on "body", with every reason why this template can't be saved or sent."""
    problems = _placeholder_problems(body) + text_problems(body)
    if problems:
        raise ValidationFailed(problems[0], details={"body": problems})


def text_problems(text: str) -> list[str]:
    """Every reason why a finished text can't be sent; braces are characters like others here."""
    problems = []
    if not fold(text).strip():
        problems.append(_("The text is empty."))
    # Folding can lengthen: an ellipsis leaves as three dots.
    length = max(len(text), len(fold(text)))
    if length > MAX_BODY_LENGTH:
        problems.append(
            _("The text has %(length)d characters. It can have %(limit)d at most.")
            % {"length": length, "limit": MAX_BODY_LENGTH}
        )
    unwanted = unsendable(text)
    if unwanted:
        problems.append(
            _("The text has characters that can't be sent: %(codes)s. Delete them.")
            % {"codes": ", ".join(f"U+{ord(c):04X}" for c in unwanted[:5])}
        )
    return problems


def known_placeholders(text: str) -> list[str]:
    """Those that stand in it, in braces, whatever else does."""
    return [f"{{{name}}}" for name in PLACEHOLDERS if f"{{{name}}}" in text]


def placeholders(body: str) -> set[str]:
    """The placeholders that the template uses. TemplateError for one that is unknown or badly written."""
    problems = _placeholder_problems(body)
    if problems:
        raise TemplateError(problems[0])
    return {match[1] for match in _TOKEN.finditer(body)}


def _placeholder_problems(body: str) -> list[str]:
    problems = {}
    for match in _TOKEN.finditer(body):
        if match[1] is None:
            problems[match[0]] = _(
                "There is a %(brace)s that belongs to no placeholder. Write placeholders like {name}."
            ) % {"brace": match[0]}
        elif match[1] not in PLACEHOLDERS:
            problems[match[0]] = _("%(placeholder)s is not a placeholder. Use only %(known)s.") % {
                "placeholder": _cleaned(match[0])[:40],
                "known": " ".join(f"{{{name}}}" for name in PLACEHOLDERS),
            }
    return list(problems.values())


def render(body: str, context: Mapping[str, str]) -> str:
    """The text with its values in place, blanks collapsed, line breaks kept; not folded yet.

    `context` maps placeholders to values, which are never read as a template themselves. A blank value
    takes the blank or comma before it along; a value that is missing is a TemplateError.
    """
    used = placeholders(body)
    missing = sorted(used - context.keys())
    if missing:
        raise TemplateError(_("There is no value for {%(name)s}.") % {"name": missing[0]})
    values = {name: _cleaned(context[name]) for name in used}
    text = _without_blanks(_collapsed(body), {name for name, value in values.items() if not value})
    return _collapsed(_TOKEN.sub(lambda match: values[match[1]], text))


def _cleaned(value: str) -> str:
    """On one line, without what can't be sent or seen."""
    line = " ".join(fold(value, keep_diacritics=True).split())
    unwanted = unsendable(line)
    return " ".join("".join(c for c in line if c not in unwanted).split())


def _collapsed(text: str) -> str:
    lines = "\n".join(" ".join(line.split()) for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip()


def _without_blanks(text: str, blank: set[str]) -> str:
    """Placeholders without a value go so that no reader notices: "Dumela {name}, …" is "Dumela, …"."""
    if not blank:
        return text
    one = "(?:" + "|".join(rf"\{{{name}\}}" for name in sorted(blank)) + ")"
    gap = rf"{one}(?: ?{one})*"
    return re.sub(
        rf"^{gap}[ ,.;:!?-]*"  # at the start of a line the punctuation after it goes too
        rf"|[ ,]*{gap}(?=[,.;:!?]|$)"
        rf"| ?{gap}(?=[ )])"
        rf"|{gap}",
        "",
        text,
        flags=re.MULTILINE,
    )


def visit_words(starts_at: datetime, zone: ZoneInfo, language: str) -> dict[str, str]:
    """`date` ("1 December"), `time` ("09:30") and `weekday`, on the clinic's clock, in "en" or "tn".

    The patient's language, not that of whoever is signed in. `starts_at` must be aware: ValueError
    otherwise. KeyError for another language.
    """
    if starts_at.utcoffset() is None:
        raise ValueError("starts_at has no time zone")
    local = starts_at.astimezone(zone)
    return {
        "date": f"{local.day} {MONTHS[language][local.month - 1]}",
        "time": f"{local:%H:%M}",
        "weekday": WEEKDAYS[language][local.weekday()],
    }


def longest_visit_words(language: str) -> dict[str, str]:
    """The same for the longest that any visit can bring."""
    return {
        "date": f"30 {max(MONTHS[language], key=len)}",
        "time": "09:30",
        "weekday": max(WEEKDAYS[language], key=len),
    }
