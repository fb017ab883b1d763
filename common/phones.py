"""Phone numbers: read in any way people write them, stored as E.164, shown masked where names are not due."""

import re
import unicodedata

import phonenumbers
from django.conf import settings
from django.utils.translation import gettext as _
from phonenumbers import PhoneNumberType

_SCIENTIFIC = re.compile(r"\+?\d+([.,]\d+)?[eE]\+?\d+")
# A stricter alphabet than libphonenumber's own: it would drop words, extensions and a second number.
_ONE_NUMBER = re.compile(r"[(\s]*[+＋]?[\d\s().\u2010-\u2015\u2212-]+")
_HAS_SMS = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


class PhoneError(ValueError):
    """Says, without the number itself, why it can't be texted.

    `code` is MISSING_PHONE, INVALID_PHONE or NOT_A_MOBILE.
    """

    def __init__(self, message: str, code: str = "INVALID_PHONE") -> None:
        super().__init__(message)
        self.code = code


def parse_mobile(raw: str, region: str | None = None) -> str:
    """E.164 of a mobile number in local or international form, or PhoneError with the reason.

    `region` (ISO country, default the setting PHONE_REGION) decides what a local number is. A foreign
    number needs its + or 00, so that a mistyped local one is never a stranger's abroad.
    """
    # Numbers copied from a phone's contacts come wrapped in invisible marks of direction.
    text = raw if raw.isascii() else "".join(c for c in raw if unicodedata.category(c) != "Cf")
    text = text.strip().lstrip("'’").strip()
    if not text:
        raise PhoneError(_("There is no phone number."), "MISSING_PHONE")
    if _SCIENTIFIC.fullmatch(text):
        raise PhoneError(
            _(
                "The spreadsheet has shortened this phone number. Format the column as text, "
                "type the number again and save the file."
            )
        )
    text = text.removesuffix(".0")
    if not _ONE_NUMBER.fullmatch(text):
        raise PhoneError(_("This is not a phone number. Write one number only, without words."))
    try:
        # "26775678901", as spreadsheets make it of "+26775678901", is read too: the region's own code.
        number = phonenumbers.parse(text, region or settings.PHONE_REGION)
    except phonenumbers.NumberParseException:
        raise PhoneError(_("This phone number does not exist. Check the digits.")) from None
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:
        raise PhoneError(_("This phone number does not exist. Check the digits."))
    if kind not in _HAS_SMS:
        raise PhoneError(_("This is not a mobile number, so it can't get texts."), "NOT_A_MOBILE")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_mobile(phone: str) -> bool:
    """Whether this is a mobile number as it is stored; a short number or a name of a sender is none."""
    try:
        return parse_mobile(phone) == phone
    except PhoneError:
        return False


def mask(phone: str) -> str:
    """The country code and the last three digits: "+267•••••567"."""
    if not phone:
        return ""
    try:
        country = f"+{phonenumbers.parse(phone).country_code}"
    except phonenumbers.NumberParseException:
        country = ""
    return country + "•" * max(len(phone) - len(country) - 3, 0) + phone[-3:]
