"""The file of the rejected rows: the cells as they came, and why. Corrected, it can be imported again."""

import csv
from collections.abc import Iterable, Sequence
from typing import TextIO

from common.spreadsheets import guard

# Reading ignores this heading, so that the column may stay when the file is imported again.
REASON = "reason"


def write_rejected(
    out: TextIO,
    header: Sequence[str],
    rows: Iterable[tuple[Sequence[str], str]],
    *,
    delimiter: str = ",",
) -> None:
    """Writes a CSV with the file's own `header` plus a column `reason`.

    `rows` gives each rejected row's raw cells and its reason. `out` is text in UTF-8, opened with
    `newline=""`; a byte order mark is written first, so that Excel sees the encoding. Cells beyond the
    header stay, after the reason.
    """
    out.write("\ufeff")
    writer = csv.writer(out, delimiter=delimiter)
    # A file that comes round again has the last time's reasons; they are written over.
    width = len(header) - 1 if header and header[-1].strip().casefold() == REASON else len(header)
    writer.writerow([*map(guard, header[:width]), REASON])
    for cells, reason in rows:
        kept = [guard(cell) for cell in cells[:width]]
        kept += [""] * (width - len(kept))
        writer.writerow([*kept, guard(reason), *map(guard, cells[len(header) :])])
