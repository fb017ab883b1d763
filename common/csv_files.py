"""CSV as an answer: written as the rows come, and safe to open in a spreadsheet."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse

from common.spreadsheets import cell

# Excel takes a file for UTF-8 by this mark only.
MARK = "\ufeff"


def csv_file(filename: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """A download of this name. No cell is run as a formula; numbers stay numbers."""
    answer = StreamingHttpResponse(lines(columns, rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{filename}"'
    answer["Cache-Control"] = "no-store, private"
    return answer


def lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """A heading and the rows, each as the bytes of one line."""
    writer: Any = csv.writer(_Line())
    yield (MARK + writer.writerow([cell(column) for column in columns])).encode()
    for row in rows:
        yield writer.writerow([cell(value) for value in row]).encode()


class _Line:
    """What csv writes to: gives each line back."""

    def write(self, line: str) -> str:
        return line
