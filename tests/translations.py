"""Keeps the Setswana catalogue in step with the code: `python -m tests.translations` (`make messages`).

Every string that the code marks is written into locale/tn/LC_MESSAGES/django.po; translations are kept,
strings that have left the code are kept aside and come back with them; what has no translation stays
empty, and is shown in English. Then django.mo is written, which the site reads.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polib
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "locale" / "tn" / "LC_MESSAGES" / "django.po"
COMPILED = CATALOGUE.with_suffix(".mo")
SOURCES = ("clinic_reminders", "common", "accounts", "messaging", "appointments", "stock", "templates")
# What only those who set up, run or call the site read.
NOT_FOR_NURSES = re.compile(
    r"/api/|api_|/rest/|^templates/api|/management/|environment|checks|/providers/|settings|backtest|/local/"
    r"|^accounts/(key_admin|api_keys|registration|tasks)|health|schema|metrics|error_reports|alarm|watch"
)
HEADER = {
    "Project-Id-Version": "clinic-reminders",
    "Language": "tn",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=2; plural=(n != 1);",
}
_ONE = {"_", "gettext", "gettext_lazy", "gettext_noop"}
_SEVERAL = {"ngettext", "ngettext_lazy"}
_IN_CONTEXT = {"pgettext", "pgettext_lazy"}
_PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[-#0-9. ]*[sdrgf%](?![a-z])|\{\w*\}")


@dataclass
class Word:
    """A string that people read: `key` is (context, text); `places` are the files it stands in."""

    key: tuple[str, str]
    plural: str = ""
    places: list[str] = field(default_factory=list)

    @property
    def is_for_nurses(self) -> bool:
        return any(not NOT_FOR_NURSES.search(place) for place in self.places)


def words_of_python(source: str) -> Iterator[Word]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            texts = [text for text in texts if isinstance(text, str)]
            if name in _ONE and texts:
                yield Word(("", texts[0]))
            elif name in _SEVERAL and len(texts) > 1:
                yield Word(("", texts[0]), texts[1])
            elif name in _IN_CONTEXT and len(texts) > 1:
                yield Word((texts[0], texts[1]))


def words_of_template(source: str) -> Iterator[Word]:
    """Django makes calls of the template's tags and blanks out all else."""
    lines = io.StringIO(f"(\n{templatize(source)}\n)")
    tokens = list(tokenize.generate_tokens(lines.readline))
    for at, token in enumerate(tokens):
        if token.string in _ONE | _SEVERAL | _IN_CONTEXT and tokens[at + 1].string == "(":
            end = next(i for i in range(at, len(tokens)) if tokens[i].string == ")")
            yield from words_of_python(" ".join(part.string for part in tokens[at : end + 1]))


def files() -> Iterator[Path]:
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".html", ".txt") and "migrations" not in path.parts:
                yield path


def words_of_the_code() -> dict[tuple[str, str], Word]:
    found: dict[tuple[str, str], Word] = {}
    for path in files():
        read = words_of_python if path.suffix == ".py" else words_of_template
        place = path.relative_to(ROOT).as_posix()
        for word in read(path.read_text(encoding="utf-8")):
            known = found.setdefault(word.key, word)
            known.plural = known.plural or word.plural
            if place not in known.places:
                known.places.append(place)
    return found


def catalogue() -> polib.POFile:
    return polib.pofile(str(CATALOGUE)) if CATALOGUE.exists() else polib.POFile()


def updated(old: polib.POFile, words: dict[tuple[str, str], Word]) -> polib.POFile:
    """The catalogue of these words, with the translations of the old one, those set aside included."""
    known = {_key(entry): entry for entry in old}
    new = polib.POFile(wrapwidth=100)
    new.metadata = dict(HEADER)
    new.header = (
        "Setswana. A native speaker must read this before nurses work with it.\nUpdate: make messages"
    )
    for word in words.values():
        new.append(_entry(word, known.pop(word.key, None)))
    for left in known.values():
        if left.msgstr or any(left.msgstr_plural.values()):
            left.obsolete, left.occurrences = True, []
            new.append(left)
    return new


def _entry(word: Word, known: polib.POEntry | None) -> polib.POEntry:
    context, text = word.key
    entry = polib.POEntry(
        msgid=text, msgctxt=context or None, occurrences=[(place, "") for place in sorted(word.places)]
    )
    if _PLACEHOLDER.search(text + word.plural):
        entry.flags = ["python-format"]
    said = known.msgstr if known else ""
    if word.plural:
        entry.msgid_plural = word.plural
        forms = known.msgstr_plural if known else {}
        entry.msgstr_plural = {form: forms.get(form, said) for form in (0, 1)}
    else:
        entry.msgstr = said or (known.msgstr_plural.get(1, "") if known else "")
    return entry


def _key(entry: polib.POEntry) -> tuple[str, str]:
    return (entry.msgctxt or "", entry.msgid)


def placeholders(text: str) -> set[str]:
    return set(_PLACEHOLDER.findall(text))


def wrong_placeholders(entries: Iterable[polib.POEntry]) -> list[str]:
    """Texts whose translation lacks a placeholder, or has one too many."""
    wrong = []
    for entry in entries:
        allowed = [placeholders(entry.msgid), placeholders(entry.msgid_plural or entry.msgid)]
        said = [entry.msgstr, *entry.msgstr_plural.values()]
        if any(text and placeholders(text) not in allowed for text in said):
            wrong.append(entry.msgid)
    return wrong


def shares(entries: polib.POFile, words: dict[tuple[str, str], Word]) -> str:
    """ "Translated: 812 of 1480 (55 %); of what nurses see 800 of 850 (94 %)." """

    def told(keys: set[tuple[str, str]]) -> str:
        done = len(keys & translated)
        return f"{done} of {len(keys)} ({100 * done // max(len(keys), 1)} %)"

    translated = {_key(entry) for entry in entries if not entry.obsolete and entry.translated()}
    nurses = {key for key, word in words.items() if word.is_for_nurses}
    return f"Translated: {told(set(words))}; of what nurses see {told(nurses)}."


def main() -> int:
    words = words_of_the_code()
    new = updated(catalogue(), words)
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    new.save(str(CATALOGUE))
    new.save_as_mofile(str(COMPILED))
    for entry in new.untranslated_entries() if "--missing" in sys.argv else []:
        print(f"{', '.join(place for place, _line in entry.occurrences)}: {entry.msgid!r}")
    wrong = wrong_placeholders(new)
    for text in wrong:
        print(f"Other placeholders than in the English: {text!r}", file=sys.stderr)
    print(shares(new, words))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
