import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.models import Meaning
from messaging.reading_replies import LONGEST_TEXT, PHRASES, POLITE, meaning_of

CONFIRMS = r"""
YES|yes|Yes.|yes!|Yes please|yes, thank you|YESSS|y|Y.|ok|OK|Ok thanks|okay|Okay sir|k|1|1.| 1 |"1"
confirm|CONFIRMED|I will come|I'll come|I’ll come|yes i will come|Yes, I am coming|ok i will be there
sure|Sharp|yebo|Alright|YES YES|ee|EE|Ee rra|ee mma|Ee, mma.|eee|Eeeee|eya|go siame|Go siame mma|GOSIAME
ee, ke tla tla|Ke tlaa tla|ke tla tla rra|KE TLA TLA|ke a tla|Dumela, ee|Ee ke a leboga
ke tla bo ke le teng|Ke a dumela|Ee 👍|👍|👍🏾|✅|yes 🙏|𝐘𝐄𝐒|ＹＥＳ|1️⃣|ée|Yes nurse, thank you|hello yes
ok\nthanks
"""
RESCHEDULES = """
NO|no|No.|Noooo|n|2|2.|Reschedule|RESCHEDULE please|please reschedule|change|Change date please
another day|I can't come|i cant come|I cannot come|Can’t make it|not coming|No, I can't come
another time please|postpone|nnyaa|Nnyaa rra|nnyaa, mma|nyaa|fetola|FETOLA tswee-tswee
Tswee-tswee fetola letsatsi|letsatsi le lengwe|ga ke kgone
"""
STOPS = """
STOP|stop|Stop.|STOP!!!|stop please|Please stop|STOPALL|stop all|UNSUBSCRIBE|end|QUIT|opt out|opt-out
OPTOUT|stoppp|Stop texting me|Please stop sending me messages|don't text me|no more texts|emisa|EMISA
Tlogela|emisa melaetsa|tswee tswee emisa|“STOP”|'stop'|STOP 🛑|Emisa, rra|stop stop
"""
STARTS = "START|start|Start please|UNSTOP|unstop.|simolola|Simolola gape|subscribe"
HELPS = "HELP|help|Help!|help?|INFO|info please|please help|thusa|THUSA|ke kopa thuso|Information"
UNCLEAR = """
not ok|Not OK.|yes but not Tuesday|yes but what time|Yes?|ok?|Stop?|no?|yes no|no yes|1 2|1/2|12|10|111
1.5|+1|$1|3|cancel|Cancel please|CANCEL my appointment|khansela|yes cancel|no stop|stop yes|ok stop
start stop|yes please change|thanks|Thank you|Ke a leboga|no thanks|No, thank you|hello|Dumela|please|mma
no problem|👎|yes 👎|❌|🙂|😡|.|?|???|||I will not stop|don't stop|can't stop coming|I am fine now
I can come on Thursday|yes at 10|ok see you on Monday|who is this|wrong number|help me|Nthuse
I need help with my medicine|stop the pain|my stop is far|the start is when|Neo|Emma|yes Neo
ke tla tla ka Labobedi|ga ke a tla|ee mme ga ke kgone|nnyaa ke a leboga|ke a lwala|yes or no|y/n
Liked “Hello Neo, please come to the clinic”|call me|when|sorry|Y e s|My child is sick
STOP sending me to that clinic
"""


def examples(text):
    return [body.replace("\\n", "\n") for line in text.strip("\n").split("\n") for body in line.split("|")]


def all_examples():
    rows = {
        Meaning.CONFIRM: examples(CONFIRMS),
        Meaning.RESCHEDULE: examples(RESCHEDULES),
        Meaning.STOP: examples(STOPS),
        Meaning.START: examples(STARTS),
        Meaning.HELP: examples(HELPS),
        Meaning.UNCLEAR: examples(UNCLEAR),
    }
    return [
        pytest.param(body, meaning, id=f"{meaning}: {body}") for meaning in rows for body in rows[meaning]
    ]


@pytest.mark.parametrize(("body", "meaning"), all_examples())
def test_a_reply_means(body, meaning):
    assert meaning_of(body) == meaning


@pytest.mark.parametrize("phrase", [phrase for phrases in PHRASES.values() for phrase in phrases])
def test_each_phrase_of_the_table_means_what_its_row_says_in_capitals_and_with_a_please(phrase):
    [meaning] = [meaning for meaning, phrases in PHRASES.items() if phrase in phrases]
    assert (
        meaning_of(phrase)
        == meaning_of(f" {phrase.upper()}. ")
        == meaning_of(f"{phrase}, please!")
        == meaning
    )


@pytest.mark.parametrize("words", POLITE)
def test_politeness_alone_answers_nothing(words):
    assert meaning_of(words) == Meaning.UNCLEAR


@pytest.mark.parametrize("meaning", [m for m in Meaning if m != Meaning.UNCLEAR])
@pytest.mark.parametrize("other", [m for m in Meaning if m != Meaning.UNCLEAR])
def test_two_meanings_in_one_text_are_for_a_person(meaning, other):
    said = meaning_of(f"{PHRASES[meaning][0]}, {PHRASES[other][0]}")
    assert said == (meaning if meaning == other else Meaning.UNCLEAR)


def test_a_long_text_is_for_a_person():
    assert meaning_of("yes " * (LONGEST_TEXT // 4)) == Meaning.CONFIRM
    assert meaning_of("yes " * LONGEST_TEXT) == Meaning.UNCLEAR


@given(st.text())
def test_no_text_is_too_odd_to_be_read(body):
    assert meaning_of(body) in Meaning


ALPHABET = sorted({word for phrases in PHRASES.values() for phrase in phrases for word in phrase.split()})


@given(st.lists(st.sampled_from([*ALPHABET, "not", "but", "never", "Tuesday"]), max_size=8))
def test_a_text_with_a_word_that_is_not_known_is_never_acted_on(words):
    known = not {"not", "but", "never", "Tuesday"} & set(words)
    assert known or meaning_of(" ".join([*words, "never"])) == Meaning.UNCLEAR


@given(st.sampled_from([m for m in Meaning if m != Meaning.UNCLEAR]), st.data())
def test_but_and_not_take_the_meaning_from_every_phrase(meaning, data):
    phrase = data.draw(st.sampled_from(PHRASES[meaning]))
    assert meaning_of(f"not {phrase}") == Meaning.UNCLEAR or phrase == "coming"
    assert meaning_of(f"{phrase} but not Tuesday") == Meaning.UNCLEAR
