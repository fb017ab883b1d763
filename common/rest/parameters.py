"""The query string: what is unknown or said twice is an error, not silence."""

from collections.abc import Iterable

from django.http import QueryDict
from django.utils.translation import gettext as _

from common.errors import ValidationFailed

BEYOND_ALL = 10**18


def refuse_unknown(given: QueryDict, known: Iterable[str]) -> None:
    allowed = set(known)
    details = {name: [_("There is no such parameter here.")] for name in given if name not in allowed}
    details |= {name: [_("Give this parameter once.")] for name, values in given.lists() if len(values) > 1}
    if details:
        raise ValidationFailed(_("The query string can't be taken as it is."), details=details)


def refuse_empty(given: QueryDict, names: Iterable[str]) -> None:
    """An empty filter would let everything through, without a word."""
    said = [_("Give a value, or leave this parameter out.")]
    details = {name: said for name in names if given.get(name) == ""}
    if details:
        raise ValidationFailed(_("The query string can't be taken as it is."), details=details)


def whole_number(given: QueryDict, name: str, default: int, *, most: int | None = None) -> int:
    """A number from 1 up; a number over `most`, or anything else, is refused.

    What is larger than any number of rows is BEYOND_ALL.
    """
    text = given.get(name)
    if text is None:
        return default
    digits = text.lstrip("0")
    if not (digits and text.isascii() and text.isdigit()):
        raise ValidationFailed.on(name, _("Give a whole number from 1."))
    number = int(digits) if len(digits) <= 18 else BEYOND_ALL
    if most is not None and number > most:
        raise ValidationFailed.on(name, _("At most %(most)d.") % {"most": most})
    return number
