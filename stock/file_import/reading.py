"""From the bytes of a stock file to its records. Knows no database."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from appointments.file_import.decoding import text_encoding
from appointments.file_import.errors import UnreadableFile
from appointments.file_import.lines import read_rows
from common.spreadsheets import tidy

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 200_000
_DELIMITERS = (",", ";", "\t")

# Our name of a column: what files may call it.
ITEM_COLUMNS = {
    "code": ("code", "item", "item code"),
    "name": ("name", "item name", "description"),
    "unit": ("unit", "unit of issue"),
    "pack_size": ("pack size", "pack", "units per pack"),
    "vital": ("vital",),
    "shelf_life_days": ("shelf life days", "shelf life"),
}
MOVEMENT_COLUMNS = {
    "date": ("date", "day", "occurred on"),
    "clinic": ("clinic", "clinic code", "facility"),
    "item": ("item", "item code", "code"),
    "kind": ("kind", "type", "movement"),
    "quantity": ("quantity", "qty", "units"),
    "lot": ("lot", "batch", "lot number", "batch number"),
    "expires_on": ("expires on", "expiry", "expiry date", "expires"),
    "reason": ("reason", "remark", "remarks", "note"),
}
Columns = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Record:
    """`row` counts from the header as 1, blank lines left out; `line` is where it starts in the file."""

    row: int
    line: int
    cells: dict[str, str]
    problem: tuple[str, str] | None = None


class StockFile:
    """A table as text: UTF-8, UTF-16 or Windows-1252; comma, semicolon or tab."""

    def __init__(self, content: bytes, columns: Columns, required: Sequence[str]) -> None:
        """UnreadableFile when it is no such table, lacks a column of `required` or is too large."""
        if len(content) > MAX_BYTES:
            raise UnreadableFile(_("This file is larger than 20 MB. Split it."), code="PAYLOAD_TOO_LARGE")
        self._content = content
        self._encoding = text_encoding(content)
        first = next(self._lines(), "")
        self.delimiter = max(_DELIMITERS, key=first.count)
        header = next(iter(read_rows(self._lines(), self.delimiter)), None)
        headings = [] if header is None else [tidy(cell) for cell in header.cells]
        names = {spelling: name for name, spellings in columns.items() for spelling in spellings}
        self._names = [names.get(_plain(heading)) for heading in headings]
        self.ignored_columns = [
            heading for heading, name in zip(headings, self._names, strict=True) if not name and heading
        ]
        missing = [name for name in required if name not in self._names]
        if missing:
            raise UnreadableFile(
                _("These columns are missing in the first line: %(columns)s.")
                % {"columns": ", ".join(missing)}
            )

    def records(self) -> Iterator[Record]:
        """All rows but the header; UnreadableFile past MAX_ROWS."""
        for number, row in enumerate(read_rows(self._lines(), self.delimiter), start=1):
            if number == 1:
                continue
            if number > MAX_ROWS + 1:
                raise UnreadableFile(
                    _("This file has more than 200,000 rows. Split it."), code="PAYLOAD_TOO_LARGE"
                )
            cells = {name: tidy(cell) for name, cell in zip(self._names, row.cells, strict=False) if name}
            yield Record(number, row.line, cells, row.problem)

    def _lines(self) -> Iterator[str]:
        return iter(io.TextIOWrapper(io.BytesIO(self._content), encoding=self._encoding, newline=""))


def _plain(heading: str) -> str:
    return " ".join(heading.replace("_", " ").casefold().split())
