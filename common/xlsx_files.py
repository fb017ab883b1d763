"""A workbook as an answer, written row by row: its size is in a temporary file, not in memory."""

from collections.abc import Iterable, Sequence
from tempfile import TemporaryFile
from typing import Any

from django.http import FileResponse
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from common.spreadsheets import cell

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# What a sheet holds, its heading aside.
MOST_ROWS = 1_048_575


def xlsx_file(filename: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> FileResponse:
    """A download of this name. No cell is run as a formula; numbers stay numbers."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append([_storable(column) for column in columns])
    for row in rows:
        sheet.append([_storable(value) for value in row])
    # Closed by the answer.
    file = TemporaryFile()  # noqa: SIM115
    book.save(file)
    file.seek(0)
    answer = FileResponse(file, as_attachment=True, filename=filename, content_type=CONTENT_TYPE)
    answer["Cache-Control"] = "no-store, private"
    return answer


def _storable(value: Any) -> Any:
    """Without what a workbook can't hold."""
    safe = cell(value)
    return ILLEGAL_CHARACTERS_RE.sub("", safe) if isinstance(safe, str) else safe
