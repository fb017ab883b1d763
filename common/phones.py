"""Phone numbers: read in any way people write them, stored as E.164, shown masked where names are not due."""

import re

import phonenumbers
from django.conf import settings
from django.utils.translation import gettext as _
from phonenumbers import PhoneNumber, PhoneNumberType

_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d+")
_HAS_SMS = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


class PhoneError(ValueError):
    """Says, without the number itself, why it can't be texted."""


def parse_mobile(raw: str, region: str | None = None) -> str:
    """E.164 of a mobile number in local or international form, or PhoneError with the reason.

    `region` (ISO country, default the setting PHONE_REGION) decides what a local number is.
    """
    text = raw.strip().lstrip("'").strip()
    if not text:
        raise PhoneError(_("There is no phone number."))
    if _SCIENTIFIC.fullmatch(text):
        raise PhoneError(
            _("The spreadsheet has shortened this phone number. Format the column as text and save again.")
        )
    text = text.removesuffix(".0")
    if not any(c.isdigit() for c in text):
        raise PhoneError(_("This is not a phone number."))
    number = _read(text, region or settings.PHONE_REGION)
    if number is None:
        raise PhoneError(_("This phone number does not exist. Check the digits."))
    if phonenumbers.number_type(number) not in _HAS_SMS:
        raise PhoneError(_("This is not a mobile number, so it can't get texts."))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _read(text: str, region: str) -> PhoneNumber | None:
    # "26775678901" is an international number that lost its plus, as spreadsheets make them.
    for attempt in (text, "+" + text):
        try:
            number = phonenumbers.parse(attempt, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return number
    return None


def mask(phone: str) -> str:
    """The country code and the last three digits: "+267•••••567"."""
    if not phone:
        return ""
    try:
        country = f"+{phonenumbers.parse(phone).country_code}"
    except phonenumbers.NumberParseException:
        country = ""
    return country + "•" * max(len(phone) - len(country) - 3, 0) + phone[-3:]
