"""From the bytes of an appointment file to its records. Knows no database and no patient."""

import io
import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Protocol

from django.utils.translation import gettext as _

from appointments.file_import.columns import Columns, find_columns, known
from appointments.file_import.decoding import is_workbook, text_encoding
from appointments.file_import.errors import UnreadableFile
from appointments.file_import.lines import Row, read_rows
from common.spreadsheets import is_blank

__all__ = ["MAX_BYTES", "MAX_ROWS", "AppointmentFile", "Record", "UnreadableFile", "open_file"]

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 200_000
MAX_CELL_LENGTH = 2_000

_DELIMITERS = (",", ";", "\t")
# Excel's own way to name the delimiter, on a line before the headings.
_SEP_LINE = re.compile(r'"?sep=([,;|\t])"?[,;|\t]*\s*', re.IGNORECASE)

Problem = tuple[str, str]


class Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a file.

    `row` is its number with the header as 1 and blank lines not counted; `line` the line of the file on
    which it starts. `cells` maps our column names to the text as it came; columns that the file or the row
    lacks are absent. `raw` has all cells in the file's order. `problem` (code, message) is set when the
    row itself is malformed.
    """

    row: int
    line: int
    cells: dict[str, str]
    raw: list[str]
    problem: Problem | None = None


class AppointmentFile:
    """An opened file. `header` is as it came; `columns` are our names that were found in it;
    `ignored_columns` are headings that mean none of ours."""

    def __init__(self, content: bytes, encoding: str) -> None:
        self._content = content
        self._encoding = encoding
        self._prefix_lines, self.delimiter = self._find_delimiter()
        header = next(self._rows(), None)
        if header is None:
            raise UnreadableFile(_("This file is empty."))
        if header.problem:
            raise UnreadableFile(header.problem[1])
        self.header = header.cells
        self._columns: Columns = find_columns(self.header)
        self.columns = list(self._columns.found)
        self.ignored_columns = self._columns.ignored

    def records(self) -> Iterator[Record]:
        """The rows under the header, in order; a new pass over the file at each call."""
        rows = self._rows(set(self._columns.found.values()), self._columns.width)
        next(rows)
        for number, row in enumerate(rows, start=2):
            cells = {
                column: row.cells[position]
                for column, position in self._columns.found.items()
                if position < len(row.cells)
            }
            yield Record(number, row.line, cells, row.cells, row.problem or self._problem(row, cells))

    def _problem(self, row: Row, cells: dict[str, str]) -> Problem | None:
        if len(row.cells) > self._columns.width and not all(map(is_blank, row.cells[self._columns.width :])):
            message = _(
                "This row has more cells than there are headings. "
                "Put quotation marks around a cell that holds a comma, or remove what is too much."
            )
            return "TOO_MANY_CELLS", message
        for cell in cells.values():
            if len(cell) > MAX_CELL_LENGTH:
                return "CELL_TOO_LONG", _("A cell of this row is too long.")
            if "\0" in cell:
                return "INVALID_CHARACTER", _("This row holds a character that can't be read. Type it again.")
        return None

    def _rows(self, watched: Set[int] = frozenset(), width: int = 0) -> Iterator[Row]:
        lines = self._lines()
        for _line in range(self._prefix_lines):
            next(lines)
        return read_rows(
            lines, self.delimiter, first_line=self._prefix_lines + 1, watched=watched, width=width
        )

    def _lines(self) -> Iterator[str]:
        return iter(io.TextIOWrapper(io.BytesIO(self._content), encoding=self._encoding, newline=""))

    def _find_delimiter(self) -> tuple[int, str]:
        """How many lines come before the table, and the delimiter that gives most known headings."""
        first = next(self._lines(), "")
        if named := _SEP_LINE.fullmatch(first):
            return 1, named[1]

        def known_under(delimiter: str) -> int:
            header = next(read_rows(self._lines(), delimiter), None)
            return known(header.cells) if header and not header.problem else 0

        return 0, max(_DELIMITERS, key=known_under)


def open_file(content: bytes | memoryview | Readable) -> AppointmentFile:
    """The file, checked as a whole: its kind, size, encoding, headings and number of rows.

    Raises UnreadableFile (VALIDATION_ERROR, or PAYLOAD_TOO_LARGE over MAX_BYTES or MAX_ROWS).
    """
    content = _all_bytes(content)
    if not content:
        raise UnreadableFile(_("This file is empty."))
    if is_workbook(content):
        raise UnreadableFile(_("This is an Excel workbook. Open it in Excel and save it as “CSV UTF-8”."))
    file = AppointmentFile(content, text_encoding(content))
    _refuse_row_count(file, content)
    return file


def _all_bytes(content: bytes | memoryview | Readable) -> bytes:
    if isinstance(content, bytes):
        data = content
    elif isinstance(content, memoryview):
        data = content.tobytes()
    else:
        data = content.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UnreadableFile(
            _("This file is larger than 20 MB. Split it into smaller files."), code="PAYLOAD_TOO_LARGE"
        )
    return data


def _refuse_row_count(file: AppointmentFile, content: bytes) -> None:
    if next(file.records(), None) is None:
        raise UnreadableFile(_("This file has headings but no appointments under them."))
    # Every line ends in one of these bytes, so that few files need to be read through to be counted.
    if content.count(b"\n") + content.count(b"\r") <= MAX_ROWS:
        return
    if any(record.row > MAX_ROWS + 1 for record in file.records()):
        raise UnreadableFile(
            _("This file has more than 200,000 rows. Split it into smaller files."), code="PAYLOAD_TOO_LARGE"
        )
