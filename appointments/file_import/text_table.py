"""A table as text: comma, semicolon or tab between the cells, in any of the usual encodings."""

import io
import re
from collections.abc import Iterator, Set

from appointments.file_import.columns import known
from appointments.file_import.decoding import text_encoding
from appointments.file_import.lines import Row, read_rows

_DELIMITERS = (",", ";", "\t")
# Excel's own way to name the delimiter, on a line before the headings.
_SEP_LINE = re.compile(r'"?sep=([,;|\t])"?[,;|\t]*\s*', re.IGNORECASE)


class TextTable:
    def __init__(self, content: bytes) -> None:
        """UnreadableFile when it is no text."""
        self._content = content
        self._encoding = text_encoding(content)
        self._prefix_lines, self.delimiter = self._find_delimiter()

    def rows(self, watched: Set[int] = frozenset(), width: int = 0) -> Iterator[Row]:
        lines = self._lines()
        for _line in range(self._prefix_lines):
            next(lines)
        return read_rows(
            lines, self.delimiter, first_line=self._prefix_lines + 1, watched=watched, width=width
        )

    def surely_within(self, rows: int) -> bool:
        # Every line ends in one of these bytes, so that few files need to be read through to be counted.
        return self._content.count(b"\n") + self._content.count(b"\r") <= rows

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
