"""The Setswana catalogue is in step with the code; what has no translation is counted, and is English."""

import gettext
from datetime import date
from pathlib import Path

import django
import polib
import pytest
import unfold
from django.contrib import admin, auth
from django.utils import translation
from django.utils.dateformat import format as formatted

from common.dates import MONTHS, WEEKDAYS
from tests import translations
from tests.translations import Word, words_of_python, words_of_template


@pytest.fixture(scope="module")
def words():
    return translations.words_of_the_code()


@pytest.fixture(scope="module")
def catalogue():
    return translations.catalogue()


def current(catalogue):
    return {(entry.msgctxt or "", entry.msgid): entry for entry in catalogue if not entry.obsolete}


def test_each_string_of_the_code_is_in_the_catalogue_and_no_other(words, catalogue):
    known = current(catalogue)
    print(translations.shares(catalogue, words))
    assert set(words) - set(known) == set(), "make messages"
    assert set(known) - set(words) == set(), "make messages"
    plurals = {key: word.plural for key, word in words.items()}
    assert {key for key, entry in known.items() if entry.msgid_plural != plurals[key]} == set()


def test_a_translation_has_the_placeholders_of_its_english(catalogue):
    assert translations.wrong_placeholders(catalogue) == []


def test_what_the_site_reads_says_what_the_catalogue_says(catalogue):
    with translations.COMPILED.open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for (context, text), entry in current(catalogue).items():
        if not entry.translated():
            continue
        if entry.msgid_plural:
            said = [compiled.ngettext(text, entry.msgid_plural, n) for n in (1, 2)]
            assert said == [entry.msgstr_plural[0], entry.msgstr_plural[1]]
        else:
            assert (compiled.pgettext(context, text) if context else compiled.gettext(text)) == entry.msgstr


def test_what_the_site_reads_holds_nothing_that_the_catalogue_does_not(catalogue):
    compiled = {(entry.msgctxt or "", entry.msgid) for entry in polib.mofile(str(translations.COMPILED))}
    assert compiled == {key for key, entry in current(catalogue).items() if entry.translated()}


def test_days_and_months_have_one_name_on_pages_and_in_texts():
    with translation.override("tn"):
        days = [formatted(date(2026, 6, day), "l") for day in range(1, 8)]
        months = [formatted(date(2026, month, 1), "F") for month in range(1, 13)]
        short = [formatted(date(2026, month, 1), "N") for month in range(1, 13)]
    assert tuple(days) == WEEKDAYS["tn"]
    assert tuple(months) == MONTHS["tn"]
    assert short == [name[:3] for name in MONTHS["tn"]]


def test_each_word_that_is_borrowed_is_still_one_of_django_or_the_theme(words):
    theirs = set()
    for package in (Path(django.__file__).parent / "conf", *(Path(m.__path__[0]) for m in (admin, auth))):
        theirs |= {entry.msgid for entry in polib.pofile(str(package / "locale/en/LC_MESSAGES/django.po"))}
    for path in Path(unfold.__path__[0]).rglob("*"):
        if path.suffix in (".html", ".py"):
            read = words_of_template if path.suffix == ".html" else words_of_python
            theirs |= {word.key[1] for word in read(path.read_text(encoding="utf-8"))}
    borrowed = [w for w in words.values() if w.places == ["clinic_reminders/borrowed_words.py"]]
    assert len(borrowed) > 100
    assert {word.key[1] for word in borrowed} - theirs == set()


def test_strings_are_found_in_python_and_in_templates():
    python = '_("One " "two")\nngettext("%(n)d a", "%(n)d b", n)\npgettext_lazy("c", "d")'
    template = """{% load i18n %}<p class="x">{% translate "It's here" %}</p>
    {% blocktranslate count n=n with w=w %}{{ n }} of {{ w }}{% plural %}{{ n }} (all){% endblocktranslate %}
    {{ a|default:_("None") }}"""
    assert list(words_of_python(python)) == [
        Word(("", "One two")),
        Word(("", "%(n)d a"), "%(n)d b"),
        Word(("c", "d")),
    ]
    assert list(words_of_template(template)) == [
        Word(("", "It's here")),
        Word(("", "%(n)s of %(w)s"), "%(n)s (all)"),
        Word(("", "None")),
    ]


def entry(text, said, **more):
    return polib.POEntry(msgid=text, msgstr=said, **more)


def of(*entries):
    catalogue = polib.POFile()
    catalogue.extend(entries)
    return catalogue


def test_an_update_keeps_translations_and_marks_what_has_none():
    words = {key: Word(key, places=["a.py"]) for key in (("", "Old"), ("", "New"))}
    updated = translations.updated(of(entry("Old", "Kgale")), words)
    assert {e.msgid: e.msgstr for e in updated} == {"Old": "Kgale", "New": ""}


def test_a_string_that_leaves_the_code_comes_back_with_its_translation():
    gone = translations.updated(of(entry("Old", "Kgale")), {})
    assert [e.obsolete for e in gone] == [True]
    back = translations.updated(gone, {("", "Old"): Word(("", "Old"), places=["a.py"])})
    assert [(e.msgstr, bool(e.obsolete)) for e in back] == [("Kgale", False)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("%(n)d rows", "mela"),
        ("%(n)d rows", "mela %(n)s"),
        ("Write {name}", "Kwala {leina}"),
        ("%(rate).4g a day", "%(rate)s ka letsatsi"),
    ],
)
def test_a_placeholder_that_is_lost_or_spoilt_is_found(text, said):
    assert translations.wrong_placeholders([entry(text, said)]) == [text]
