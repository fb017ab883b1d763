"""A table in an Excel workbook (.xlsx): the first sheet, formulas by their stored results."""

import io
import zipfile
from collections.abc import Iterator, Set
from contextlib import closing
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import load_workbook
from openpyxl.styles.numbers import is_datetime

from appointments.file_import.errors import UnreadableFile
from appointments.file_import.lines import Row
from common.spreadsheets import is_blank

# Far more than 200,000 rows need; a crafted file of 20 MB could unpack to many gigabytes.
MAX_UNPACKED = 400 * 1024 * 1024
MAX_COLUMNS = 200


class WorkbookTable:
    delimiter = ","

    def __init__(self, content: bytes) -> None:
        """UnreadableFile when the workbook is damaged, or too large unpacked."""
        self._content = content
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED:
                raise UnreadableFile(
                    _("This workbook is too large. Save the appointments as “CSV UTF-8”."),
                    code="PAYLOAD_TOO_LARGE",
                )

    def rows(self, watched: Set[int] = frozenset(), width: int = 0) -> Iterator[Row]:  # noqa: ARG002
        """`line` is the sheet's own row number."""
        try:
            yield from self._rows()
        except UnreadableFile:
            raise
        except Exception as error:  # a damaged workbook fails in whatever way its damage leads to
            raise UnreadableFile(
                _("This workbook is damaged. Open it in Excel and save it again, or save it as “CSV UTF-8”.")
            ) from error

    def surely_within(self, rows: int) -> bool:  # noqa: ARG002
        return False

    def _rows(self) -> Iterator[Row]:
        workbook = load_workbook(io.BytesIO(self._content), read_only=True, data_only=True, keep_links=False)
        with closing(workbook):
            if not workbook.worksheets:
                raise UnreadableFile(_("This workbook has no sheet with a table."))
            sheet = workbook.worksheets[0]
            # Some programs write a wrong size into the file, and rows beyond it would be lost.
            sheet.reset_dimensions()
            for number, cells in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS), start=1):
                texts = [text_of(cell.value, cell.number_format) for cell in cells]
                while texts and is_blank(texts[-1]):
                    texts.pop()
                if texts:
                    yield Row(number, texts)


def text_of(value: Any, number_format: str = "General") -> str:
    """A cell's value as a person would have typed it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            only_day = is_datetime(number_format) == "date" and value.time() == time()
            return f"{value:%Y-%m-%d}" if only_day else f"{_to_the_second(value):%Y-%m-%d %H:%M:%S}"
        case date():
            return value.isoformat()
        case time():
            return f"{_to_the_second(datetime.combine(date(2000, 1, 1), value)):%H:%M:%S}"
        case timedelta():
            return text_of((datetime(2000, 1, 1) + value).time())  # noqa: DTZ001  a time of day
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def _to_the_second(moment: datetime) -> datetime:
    # Excel keeps times as fractions of a day: 09:30 may come as 09:29:59.999.
    return (moment + timedelta(milliseconds=500)).replace(microsecond=0)
