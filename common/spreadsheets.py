"""Cells as spreadsheets write and read them: blanks of all kinds, formulas and what guards them."""

import re
from typing import Any

# The full-width signs are formulas too in some spreadsheets; blanks before a sign are ignored by others.
_FORMULA = r"(?:\s*[=+\-@＝＋－＠]|[\t\r\n])"
_RISKY = re.compile(_FORMULA)
_GUARDED = re.compile(rf"(?:\s*')+(?={_FORMULA})")

# Marks that nobody sees, brought along by copying: zero-width, of direction, a stray BOM.
_INVISIBLE = dict.fromkeys([0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, 0xFEFF])


def guard(cell: str) -> str:
    """The cell with an apostrophe in front if a spreadsheet might run it as a formula."""
    return "'" + cell if _RISKY.match(cell) else cell


def cell(value: Any) -> str | int | float:
    """As it stands in a CSV: nothing for None; a number stays one, also below zero."""
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return guard(str(value))


def unguard(cell: str) -> str:
    """The cell without a guarding apostrophe: `unguard(guard(cell)) == unguard(cell)`.

    All apostrophes before a formula go, so that a cell that was guarded twice comes back too.
    """
    match = _GUARDED.match(cell) if "'" in cell else None
    return cell[match.end() :] if match else cell


def tidy(cell: str) -> str:
    """Blanks of all kinds and line breaks as single blanks, none at the ends; no guarding apostrophe."""
    plain = cell if cell.isascii() else cell.translate(_INVISIBLE)
    return " ".join(unguard(plain).split())


def bare(cell: str) -> str:
    """Tidy, and without the apostrophe that makes a spreadsheet take a number or a date as text."""
    return tidy(cell).lstrip("'").strip()


def is_blank(cell: str) -> bool:
    """Whether a cell shows nothing: no-break spaces and invisible marks count as blanks."""
    return not cell or cell.isspace() or (not cell.isascii() and not tidy(cell))
