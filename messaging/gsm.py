"""What a text costs and what a phone can show: the GSM-7 alphabet of 3GPP TS 23.038, and UCS-2 beyond it."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each of these is sent as an escape and a character.
_EXTENSION = frozenset("\f^{}[]~\\|€")
_GSM_7 = _BASIC | _EXTENSION

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛‹›′‵ʹʻʼʽˈ`´", "'"),
        **dict.fromkeys("“”„‟«»″‶", '"'),
        **dict.fromkeys("‐‑‒–—―⁃−﹘﹣－", "-"),
        "‥": "..",
        "…": "...",
        **dict.fromkeys(
            "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
            " ",
        ),
        "\u2028": "\n",
        "\u2029": "\n\n",
        # Nothing to see: soft hyphens, zero-width spaces, marks of direction, a byte order mark.
        **dict.fromkeys(
            "\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
            "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufeff",
            "",
        ),
    }
)
# A joiner has work to do inside an emoji or an Arabic word only, never beside a plain character.
_IDLE_JOINERS = re.compile(
    "(?:^|(?<=[{gsm}]))[\u200c\u200d]+|[\u200c\u200d]+(?=[{gsm}]|\\Z)".format(
        gsm=re.escape("".join(sorted(_GSM_7)))
    )
)
_UNSENDABLE_CATEGORIES = frozenset({"Cc", "Cs", "Co", "Cn"})


@dataclass(frozen=True, slots=True)
class Measure:
    """`units` are septets in GSM-7 and UTF-16 code units in UCS-2. `segments`, the parts that are paid for,
    is at least 1. `costly` are the characters that force UCS-2, `double` those that count two in this
    encoding; each character is listed once, in the order of the text.
    """

    encoding: Literal["GSM-7", "UCS-2"]
    segments: int
    units: int
    costly: list[str]
    double: list[str]


def measure(text: str) -> Measure:
    """The text as it stands: fold it first if it will be folded before it is sent."""
    costly = _each_once(c for c in text if c not in _GSM_7)
    if costly:
        double = _each_once(c for c in text if ord(c) > 0xFFFF)
        units, segments = _count(text, double, single=70, part=67)
        return Measure("UCS-2", segments, units, costly, double)
    double = _each_once(c for c in text if c in _EXTENSION)
    units, segments = _count(text, double, single=160, part=153)
    return Measure("GSM-7", segments, units, costly, double)


def _each_once(characters: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(characters))


def _count(text: str, double: list[str], *, single: int, part: int) -> tuple[int, int]:
    widths = [2 if c in double else 1 for c in text]
    units = sum(widths)
    if units <= single:
        return units, 1
    segments, used = 1, 0
    for width in widths:
        # A character that counts two is not split, so a part may stay one unit short.
        if used + width > part:
            segments, used = segments + 1, 0
        used += width
    return units, segments


def fold(text: str, *, keep_diacritics: bool = False) -> str:
    """The same words in characters that cost less.

    Typographic quotes, dashes, ellipses and blanks become plain, and what can't be seen goes. Letters
    that GSM-7 lacks lose their accents (ê, ô, š become e, o, s) unless `keep_diacritics`. What has no
    plain form, such as an emoji, stays.
    """
    text = unicodedata.normalize("NFC", text).translate(_PLAIN)
    # Again: what was taken out may have stood between a letter and its accent.
    text = unicodedata.normalize("NFC", text)
    if not keep_diacritics:
        text = _without_accents(text)
    return _IDLE_JOINERS.sub("", text)


def _without_accents(text: str) -> str:
    folded: list[str] = []
    for c in text:
        if c in _GSM_7:
            folded.append(c)
        elif unicodedata.combining(c) and folded and folded[-1] in _GSM_7 and folded[-1].isalpha():
            continue
        else:
            folded.append(_base_letter(c))
    return "".join(folded)


def _base_letter(c: str) -> str:
    # Letters only: ≠ decomposes too, and must not become =.
    if not c.isalpha():
        return c
    base = unicodedata.normalize("NFD", c)[0]
    return base if base in _GSM_7 else c


def unsendable(text: str) -> list[str]:
    """The characters, each once, that no text message can carry.

    Control characters but line breaks, halves of surrogate pairs, private use, and code points that
    Python's Unicode tables don't know.
    """
    return _each_once(
        c for c in text if c not in "\n\r" and unicodedata.category(c) in _UNSENDABLE_CATEGORIES
    )
