import smsutil
from hypothesis import example, given, settings
from hypothesis import strategies as st

from messaging.gsm import fold, measure, unsendable
from messaging.models import Encoding

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
DOUBLE = "^{}\\[~]|€\f"
BEYOND = "êôšÊÔŠçáő’“–…中文д\u00a0\u200b😀👩🏽"

gsm_texts = st.text(st.sampled_from(BASIC + DOUBLE * 4), min_size=1, max_size=700)
mixed_texts = st.text(st.sampled_from(BASIC + DOUBLE + BEYOND * 4), min_size=1, max_size=300)
any_texts = st.text(max_size=200)


def test_160_plain_characters_are_one_part_and_161_are_two():
    assert measure("a" * 160).segments == 1
    assert measure("a" * 161).segments == 2


def test_longer_plain_texts_have_153_characters_a_part():
    assert measure("a" * 306).segments == 2
    assert measure("a" * 307).segments == 3


def test_70_characters_with_one_from_outside_are_one_part_and_71_are_two():
    assert measure("ê" + "a" * 69).segments == 1
    assert measure("ê" + "a" * 70).segments == 2


def test_longer_texts_with_one_character_from_outside_have_67_a_part():
    assert measure("ê" + "a" * 133).segments == 2
    assert measure("ê" + "a" * 134).segments == 3


def test_brackets_and_the_euro_sign_count_two():
    measured = measure("^{}\\[~]|€\f")

    assert (measured.encoding, measured.units) == ("GSM-7", 20)
    assert measured.double == list("^{}\\[~]|€\f")


def test_a_character_that_counts_two_is_not_split_between_parts():
    # 152 + 2 don't fit into the first part; without the rule 306 septets would fit into two.
    assert measure("a" * 152 + "€" + "a" * 152).segments == 3
    assert measure("a" * 151 + "€" + "a" * 153).segments == 2


def test_an_emoji_counts_two_and_is_not_split_between_parts():
    assert measure("😀" * 35).segments == 1
    assert measure("ê" * 66 + "😀" + "ê" * 66).segments == 3
    assert measure("ê" * 65 + "😀" + "ê" * 67).segments == 2


def test_the_characters_that_make_a_text_dear_are_named_once_in_order():
    measured = measure("Tlhôkômêlô 😀 [š] 😀")

    assert measured.encoding == "UCS-2"
    assert measured.costly == ["ô", "ê", "😀", "š"]
    assert measured.double == ["😀"]


def test_an_empty_text_is_one_part():
    # smsutil calls it UCS-2, though nothing in it needs that.
    assert (measure("").encoding, measure("").segments, measure("").units) == ("GSM-7", 1, 0)


def test_the_escape_character_is_no_text():
    # smsutil takes ESC for a character of GSM-7; on the air it only announces one of the extension.
    assert measure("\x1b").costly == ["\x1b"]


def test_encodings_have_the_names_that_messages_are_stored_with():
    assert [measure("a").encoding, measure("ê").encoding] == Encoding.values


@settings(deadline=None)
@given(gsm_texts | mixed_texts)
@example("a" * 152 + "€" * 80)
@example("ê" * 66 + "😀" * 34)
def test_parts_and_units_agree_with_another_implementation(text):
    other = smsutil.split(text)
    plain = other.encoding == "gsm0338"

    measured = measure(text)

    assert (measured.encoding == "GSM-7") is plain
    assert measured.segments == len(other.parts)
    assert measured.units == (other.total_bytes if plain else other.total_bytes // 2)


def test_setswana_letters_that_a_phone_charges_extra_for_become_plain():
    assert fold("Tlhôkômêlô ya šopo, ÊÔŠ") == "Tlhokomelo ya sopo, EOS"


def test_a_clinic_may_keep_its_diacritics():
    assert fold("Tlhôkômêlô “ya” šopo", keep_diacritics=True) == 'Tlhôkômêlô "ya" šopo'


def test_letters_that_every_phone_has_stay_as_they_are():
    letters = "éèàùìòñöüäåøæÉÑÖÜÄÅØÆÇß¿¡£€"

    assert fold(letters) == letters


def test_accented_letters_that_gsm_lacks_lose_their_accents():
    assert fold("áíóúçãőžťệÁÍÓ") == "aioucaozteAIO"


def test_a_letter_and_a_separate_accent_are_read_as_one_letter():
    assert fold("Re\u0301ne\u0302, s\u030copo, m\u0302") == "Réne, sopo, m"


def test_typographic_quotes_dashes_and_dots_become_plain():
    assert fold("‘a’ ‚b‛ “c” „d‟ «e» ‹f› `g´ – — ‑ − …") == "'a' 'b' \"c\" \"d\" \"e\" 'f' 'g' - - - - ..."


def test_blanks_of_all_kinds_become_plain_blanks():
    assert fold("a\u00a0b\u2007c\u2009d\u202fe\u3000f") == "a b c d e f"


def test_characters_that_cannot_be_seen_go():
    assert fold("\ufeffDu\u00adme\u200bla\u200d \u200e\u2060Mpho\u200c") == "Dumela Mpho"


def test_what_has_no_plain_form_stays():
    assert fold("Dumela 😀 中文 Привет ≠ 1️⃣") == "Dumela 😀 中文 Привет ≠ 1️⃣"


def test_an_emoji_made_of_several_stays_whole():
    assert fold("a 👩‍👩‍👧") == "a 👩‍👩‍👧"


@settings(deadline=None)
@given(any_texts | mixed_texts, st.booleans())
def test_folding_twice_is_folding_once(text, keep):
    once = fold(text, keep_diacritics=keep)

    assert fold(once, keep_diacritics=keep) == once


@settings(deadline=None)
@given(any_texts | mixed_texts)
def test_folding_never_makes_a_question_mark(text):
    assert fold(text).count("?") == text.count("?")


@settings(deadline=None)
@given(gsm_texts)
def test_folding_leaves_what_every_phone_has_alone(text):
    assert fold(text) == text


def test_control_characters_but_line_breaks_cannot_be_sent():
    assert unsendable("a\nb\r\nc\td\x00e\x1bf\x07g\x07") == ["\t", "\x00", "\x1b", "\x07"]


def test_halves_of_characters_private_ones_and_unassigned_ones_cannot_be_sent():
    assert unsendable("\ud83dx\ue000\uffff\U0010ffff\u0378") == [
        "\ud83d",
        "\ue000",
        "\uffff",
        "\U0010ffff",
        "\u0378",
    ]


def test_words_accents_and_emoji_can_be_sent():
    assert unsendable("Dumela Tlhôkô 中文 😀 👩‍👩‍👧 €") == []
