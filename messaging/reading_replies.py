"""What a text from a patient means, in English and Setswana: a table to be read, and how it is applied.

Only a text that consists of known words alone, all of one meaning, has that meaning. Anything else is
unclear, and a person reads it: better one text too many on the list than one patient misunderstood.
"""

import re
import unicodedata

from messaging.models import Meaning

# Spelt as people type; case, accents, punctuation and apostrophes are folded away on both sides.
PHRASES: dict[Meaning, tuple[str, ...]] = {
    Meaning.CONFIRM: (
        *("1", "yes", "y", "yeah", "yea", "yep", "yup", "yebo", "ya", "yah", "sure", "confirm", "confirmed"),
        *(
            "ok",
            "okay",
            "okey",
            "oky",
            "okie",
            "k",
            "kk",
            "fine",
            "alright",
            "all right",
            "sharp",
            "👍",
            "✅",
        ),
        *("i confirm", "i agree", "i will", "i will come", "i'll come", "will come", "coming", "i am coming"),
        *("i'm coming", "i will be there", "i'll be there", "will be there", "i can come", "see you then"),
        *("ee", "e e", "eya", "eyaa", "ehe", "eng", "erra", "eerra", "eemma", "go siame", "gosiame", "siame"),
        *("ke tla tla", "ke tlaa tla", "ketla tla", "ketlatla", "ke tlatla", "ke tlaatla", "ke a tla"),
        *("ke tla bo ke le teng", "ke tlaa bo ke le teng", "ke tla nna teng", "ke tlaa nna teng", "ke teng"),
        *("ke a dumela", "ke a dumalana", "ke a netefatsa", "netefatsa", "ke a tiisa", "ke a tlhomamisa"),
    ),
    # "No" to a reminder is no to the time, not to texts.
    Meaning.RESCHEDULE: (
        *("2", "no", "n", "nope", "nah", "reschedule", "change", "postpone", "move", "not coming"),
        *("change date", "change the date", "change time", "change the time", "change day", "change my date"),
        *("another day", "another date", "another time", "different day", "different date", "different time"),
        *("new date", "new time", "i can't come", "can't come", "cannot come", "i cannot come"),
        *("i can not come", "i will not come", "i won't come", "won't come", "i am not coming"),
        *("i'm not coming", "i can't make it", "can't make it", "cannot make it", "i cannot make it"),
        *("nnyaa", "nyaa", "nnya", "nya", "nnyaya", "aowa", "fetola", "fetola letsatsi", "fetola nako"),
        *("fetolang", "ke kopa go fetola", "ke kopa go fetola letsatsi", "letsatsi le lengwe"),
        *("letsatsi le sele", "nako e nngwe", "ga ke tle", "ga ke ka ke ka tla", "ga nke ke tla"),
        *("ga nkake ka tla", "ga ke kgone", "ga ke kgone go tla", "sutisa"),
    ),
    Meaning.STOP: (
        *(
            "stop",
            "stop all",
            "stopall",
            "unsubscribe",
            "unsub",
            "end",
            "quit",
            "revoke",
            "opt out",
            "optout",
        ),
        *("stop texts", "stop texting", "stop texting me", "stop messages", "stop sms", "stop smses"),
        *("stop sending", "stop sending me messages", "stop sending messages", "stop sending texts"),
        *("stop sending me texts", "stop messaging me", "no more texts", "no more messages", "no more sms"),
        *("don't text me", "do not text me", "don't send me messages", "do not send me messages"),
        *("remove me", "emisa", "emisang", "emisa melaetsa", "emisang melaetsa", "tlogela", "tlogelang"),
        *("ga ke batle melaetsa", "ga ke tlhole ke batla melaetsa"),
    ),
    Meaning.START: (
        *("start", "unstop", "subscribe", "resume", "start again", "start texts", "start messages"),
        *("simolola", "simololang", "simolola gape", "simolola melaetsa"),
    ),
    Meaning.HELP: ("help", "info", "information", "thusa", "thusang", "thuso", "kopa thuso", "ke kopa thuso"),
    # Known, and for a person: of the visit or of the texts? a decline or thanks? somebody in need?
    Meaning.UNCLEAR: (
        *("cancel", "khansela", "phimola", "no thanks", "no thank you", "nnyaa ke a leboga", "no problem"),
        *("help me", "nthusa", "nthuse", "nthuseng", "wrong number", "👎", "❌", "🚫", "⛔"),
    ),
}

# What may stand around an answer without changing it.
POLITE = (
    *("please", "pls", "plz", "plse", "kindly", "thanks", "thank you", "thankyou", "thank u", "thx", "tnx"),
    *("many thanks", "sir", "madam", "maam", "mam", "nurse", "sister", "doctor", "dr", "hi", "hello", "hey"),
    *("good morning", "good day", "good afternoon", "good evening", "morning", "bye", "dumela", "dumelang"),
    *("rra", "mma", "borra", "bomma", "tswee tswee", "tsweetswee", "tswe tswe", "ke a leboga", "kea leboga"),
    *("ke lebogile", "re a leboga", "ke itumetse"),
)

# A longer text says more than a word of the table.
LONGEST_TEXT = 100

# A thumb up is a word here, and so is a thumb down; all other emoji are decoration.
_SPOKEN = frozenset("👍👎✅❌🚫⛔")
_APOSTROPHES = frozenset("'’‘ʼ`´")
_DRAWN_OUT = re.compile(r"([^\W\d])\1{2,}")
_QUESTIONS = frozenset("?？؟⁇")


def _words(text: str) -> tuple[str, ...]:
    """The text's words, folded. A sign that is no punctuation ("+", "$") stays, and makes a word unknown."""
    folded = []
    for char in unicodedata.normalize("NFKD", text).casefold():
        kind = unicodedata.category(char)
        if char in _SPOKEN:
            folded.append(f" {char} ")
        elif char in _APOSTROPHES or kind[0] == "M" or kind == "Cf":
            continue
        elif kind[0] in "PZC" or kind in ("So", "Sk"):
            folded.append(" ")
        else:
            folded.append(char)
    return tuple("".join(folded).split())


_MEANINGS: dict[tuple[str, ...], Meaning | None] = {
    **{_words(phrase): None for phrase in POLITE},
    **{_words(phrase): meaning for meaning, phrases in PHRASES.items() for phrase in phrases},
}
_KNOWN_WORDS = frozenset(word for phrase in _MEANINGS for word in phrase)
_LONGEST_PHRASE = max(map(len, _MEANINGS))


def meaning_of(body: str) -> Meaning:
    """The one meaning of a whole text; UNCLEAR for everything that a person should read. Never raises."""
    if len(body) > LONGEST_TEXT:
        return Meaning.UNCLEAR
    meanings = _parts(tuple(map(_spelt, _words(body))))
    if meanings is None or len(meanings) != 1:
        return Meaning.UNCLEAR
    [meaning] = meanings
    if meaning != Meaning.HELP and not _QUESTIONS.isdisjoint(body):
        return Meaning.UNCLEAR
    return meaning


def _parts(words: tuple[str, ...]) -> set[Meaning] | None:
    """The meanings of the phrases that the text is made of; None where one is not known."""
    meanings = set()
    place = 0
    while place < len(words):
        for length in range(min(_LONGEST_PHRASE, len(words) - place), 0, -1):
            phrase = words[place : place + length]
            if phrase in _MEANINGS:
                break
        else:
            return None
        if (meaning := _MEANINGS[phrase]) is not None:
            meanings.add(meaning)
        place += length
    return meanings


def _spelt(word: str) -> str:
    """ "yesss" is "yes" and "eeee" is "ee"; digits are left as they are."""
    if word in _KNOWN_WORDS:
        return word
    twice, once = _DRAWN_OUT.sub(r"\1\1", word), _DRAWN_OUT.sub(r"\1", word)
    return twice if twice in _KNOWN_WORDS else once
