"""What a template had better not say. It warns and never refuses: people know their patients better.

The Setswana words are to be read, and added to, by a native speaker.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

# A word with * at its end stands for all that begin so. Short names of programmes may be dotted: H.I.V.
_TELLING_WORDS = """
    abortion*, aids, alcohol*, anc, antenatal, antiretroviral*, art, arv, arvs, asthma, blood pressure,
    cancer, cd4, cervical, chemo*, chlamydia, circumcision, contracept*, covid*, depress*, diabet*, dialysis,
    epilep*, family planning, gonorrh*, hepatitis, herpes, hiv, hpv, hypertension, idcc, infectious, insulin,
    kaposi*, leprosy, malaria, masa, mdr, mental, methadone, oncolog*, palliative, pap smear, pep, pmtct,
    pregnan*, prep, psychiatr*, retroviral, rifampicin, schizophren*, sexual*, smc, std, stds, sti, stis,
    suicid*, syphilis, tb, test result*, tumor*, tumour*, tuberculosis, viral load,

    baimana, boimana, bolwetse jwa sukiri, bolwetse jwa tlhaloganyo, diritibatsi, kankere, kgotlholo,
    kgotlholo e tona, madi a a kwa godimo, madi a matona, malwetse a dikobo, malwetse a thobalano, mogare,
    moimana, phamokate, segajaja, sukiri, thibela pelegi, thibelo pelegi
"""
_NO_LETTER = r"[^\W_]"


def _pattern(word: str) -> str:
    stem = word.removesuffix("*")
    letters = r"\.?".join(stem) if len(stem) <= 5 and " " not in stem else stem.replace(" ", r"[\W_]+")
    return letters + (rf"{_NO_LETTER}*" if word.endswith("*") else "")


_PATTERNS = [_pattern(" ".join(word.split())) for word in _TELLING_WORDS.split(",")]
# The longest first: "kgotlholo e tona" rather than the first of its words.
_ANY = "|".join(sorted(_PATTERNS, key=len, reverse=True))
_TELLING = re.compile(rf"(?<!{_NO_LETTER})(?:{_ANY})(?!{_NO_LETTER})")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_LINK = re.compile(
    r"(?:https?://|www\.)\S+"
    r"|(?<![\w@.])(?:[a-z0-9-]+\.)+(?:com|org|net|info|bw|za|ly|me|app|link|io|page|site)(?:/\S*)?(?![\w-])",
    re.IGNORECASE,
)
_PHONE = re.compile(r"(?<!\w)\+?\d(?:[ -]?\d){6,}(?!\w)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d\d?-\d\d?-\d{4}")


@dataclass(frozen=True, slots=True)
class Caution:
    """`code` is TELLING_WORD, LINK, PHONE_NUMBER or SEVERAL_PARTS; `words` are the text's own."""

    code: str
    message: str
    words: list[str]


def lint(body: str, *, filled: str, longest_parts: int = 1) -> list[Caution]:
    """Cautions on a template: `filled` is the text a patient reads, with the clinic's own name in it.

    `longest_parts` is what it costs with long names filled in.
    """
    own = _PLACEHOLDER.sub(" ", body)
    found = [*lint_text(filled), *_numbers(own)]
    if longest_parts > 1:
        found.append(
            Caution(
                "SEVERAL_PARTS",
                _("With long names it is sent as %(parts)d parts, and paid for as many times.")
                % {"parts": longest_parts},
                [],
            )
        )
    return found


def lint_text(text: str) -> list[Caution]:
    """Cautions on a finished text."""
    found = []
    if words := _each_once(text[m.start() : m.end()] for m in _TELLING.finditer(_plain(text))):
        said = _("Families share phones, and people show these texts to others. Better without: %s")
        found.append(Caution("TELLING_WORD", said % ", ".join(words), words))
    if links := _each_once(match[0].rstrip(".,;:!?)") for match in _LINK.finditer(text)):
        said = _("Networks hold back texts with links, and patients fear fraud. Better without: %s")
        found.append(Caution("LINK", said % ", ".join(links), links))
    return found


def _numbers(body: str) -> Iterator[Caution]:
    numbers = _each_once(m[0] for m in _PHONE.finditer(body) if not _DATE.fullmatch(m[0]))
    if numbers:
        said = _("A number in the text goes stale. Write {clinic_phone} instead of: %s")
        yield Caution("PHONE_NUMBER", said % ", ".join(numbers), numbers)


def _each_once(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _plain(text: str) -> str:
    """As long as the text, character for character: without case and accents."""
    return "".join(unicodedata.normalize("NFD", c)[0].lower()[:1] or c for c in text)
