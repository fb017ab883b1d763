"""From the bytes of an appointment file to its records. Knows no database and no patient."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Protocol

from django.utils.translation import gettext as _

from appointments.file_import.columns import Columns, find_columns
from appointments.file_import.decoding import is_workbook
from appointments.file_import.errors import UnreadableFile
from appointments.file_import.lines import Row
from appointments.file_import.text_table import TextTable
from appointments.file_import.workbook import WorkbookTable
from common.spreadsheets import is_blank

__all__ = ["MAX_BYTES", "MAX_ROWS", "AppointmentFile", "Record", "UnreadableFile", "open_file"]

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 200_000
MAX_CELL_LENGTH = 2_000

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


class Table(Protocol):
    """A kind of file, seen as rows of texts."""

    delimiter: str  # for the file of its rejected rows

    def rows(self, watched: Set[int] = frozenset(), width: int = 0) -> Iterator[Row]:
        """All rows, the header first; a new pass at each call. `watched` are the positions that matter."""
        ...

    def surely_within(self, rows: int) -> bool:
        """Whether a glance shows that there are at most so many; False where only counting tells."""
        ...


class AppointmentFile:
    """An opened file. `header` is as it came; `columns` are our names that were found in it;
    `ignored_columns` are headings that mean none of ours."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.delimiter = table.delimiter
        header = next(table.rows(), None)
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
        rows = self._table.rows(set(self._columns.found.values()), self._columns.width)
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


def open_file(content: bytes | memoryview | Readable) -> AppointmentFile:
    """The file, checked as a whole: its kind, size, encoding, headings and number of rows.

    Raises UnreadableFile (VALIDATION_ERROR, or PAYLOAD_TOO_LARGE over MAX_BYTES or MAX_ROWS).
    """
    content = _all_bytes(content)
    if not content:
        raise UnreadableFile(_("This file is empty."))
    table: Table = WorkbookTable(content) if is_workbook(content) else TextTable(content)
    file = AppointmentFile(table)
    _refuse_row_count(file, table)
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


def _refuse_row_count(file: AppointmentFile, table: Table) -> None:
    if next(file.records(), None) is None:
        raise UnreadableFile(_("This file has headings but no appointments under them."))
    if table.surely_within(MAX_ROWS):
        return
    if any(record.row > MAX_ROWS + 1 for record in file.records()):
        raise UnreadableFile(
            _("This file has more than 200,000 rows. Split it into smaller files."), code="PAYLOAD_TOO_LARGE"
        )
