"""From lines to rows of cells. A quotation mark that is never closed costs one row, not the rest."""

import csv
from collections import deque
from collections.abc import Iterator, Set
from dataclasses import dataclass

from django.utils.translation import gettext as _

from common.spreadsheets import is_blank

# A cell with more line breaks than this is taken for one whose quotation mark was never closed.
MAX_LINES_A_ROW = 30


@dataclass(frozen=True, slots=True)
class Row:
    """`line` is the line on which the row starts; `problem` (code, message) is set where it is malformed."""

    line: int
    cells: list[str]
    problem: tuple[str, str] | None = None


class _OpenQuoteError(Exception):
    """A quotation mark was still open where the row had to end."""


class _Lines:
    """Feeds csv.reader and keeps the lines of the row at hand, to be given back if it took too many."""

    def __init__(self, source: Iterator[str], first_line: int) -> None:
        self._source = source
        self._given_back: deque[str] = deque()
        self.taken: list[str] = []
        self.line = first_line

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if len(self.taken) >= MAX_LINES_A_ROW:
            raise _OpenQuoteError
        line = self._given_back.popleft() if self._given_back else next(self._source, None)
        if line is None:
            if self.taken:
                raise _OpenQuoteError
            raise StopIteration
        self.taken.append(line)
        return line

    def begin_row(self) -> None:
        self.line += len(self.taken)
        self.taken = []

    def keep_first(self) -> str:
        """The row's first line; the others are read again as rows of their own."""
        self._given_back.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]
        return self.taken[0]


def read_rows(
    source: Iterator[str],
    delimiter: str,
    *,
    first_line: int = 1,
    watched: Set[int] = frozenset(),
    width: int = 0,
) -> Iterator[Row]:
    """The rows that aren't blank. `source` gives lines with their ends, the first being `first_line`.

    In the columns `watched` (positions from 0) a cell that holds a whole row of `width` cells is taken for
    a quotation mark that was closed only by a later row's.
    """
    lines = _Lines(source, first_line)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.begin_row()
        problem = None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _OpenQuoteError):
            cells, problem = _salvage(lines, delimiter)
        else:
            if len(lines.taken) > 1 and _holds_a_row(cells, delimiter, watched, width):
                cells, problem = _first_line_only(lines, delimiter)
        if problem or not all(map(is_blank, cells)):
            yield Row(lines.line, cells, problem)


def _salvage(lines: _Lines, delimiter: str) -> tuple[list[str], tuple[str, str] | None]:
    """What can be read of a row that csv refuses."""
    if len(lines.taken) > 1:
        return _first_line_only(lines, delimiter)
    try:
        # Only text after a closing quotation mark: `"Thabo" Molefe`. Nothing is lost by taking it in.
        return next(csv.reader(_once(lines.taken[0]), delimiter=delimiter)), None
    except _OpenQuoteError:
        return _first_line_only(lines, delimiter)
    except csv.Error:
        cells = [cell[:1000] for cell in _plain_cells(lines.taken[0], delimiter)[:1000]]
        return cells, ("CELL_TOO_LONG", _("A cell of this row is too long."))


def _once(line: str) -> Iterator[str]:
    yield line
    raise _OpenQuoteError


def _first_line_only(lines: _Lines, delimiter: str) -> tuple[list[str], tuple[str, str]]:
    message = _("A quotation mark is opened in this row and never closed. Remove it, or close it.")
    return _plain_cells(lines.keep_first(), delimiter), ("OPEN_QUOTE", message)


def _plain_cells(line: str, delimiter: str) -> list[str]:
    return line.rstrip("\r\n").split(delimiter)


def _holds_a_row(cells: list[str], delimiter: str, watched: Set[int], width: int) -> bool:
    return any(
        ("\n" in cells[position] or "\r" in cells[position])
        and cells[position].count(delimiter) >= max(width - 1, 2)
        for position in watched
        if position < len(cells)
    )
