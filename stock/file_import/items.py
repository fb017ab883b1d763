"""A file of items: those of unknown codes are made, the others follow the file."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor
from appointments.file_import.errors import CellError
from stock.catalogue import CODE, change_item, make_item
from stock.file_import.cells import read_line, read_whole, read_yes_no
from stock.file_import.reading import ITEM_COLUMNS, Record, StockFile
from stock.file_import.report import Rejected, Report
from stock.models import Item


def import_items(content: bytes, *, actor: Actor, now: datetime, dry_run: bool = False) -> Report:
    """All rows that can be taken, in one transaction; blank cells leave what is stored.

    UnreadableFile when the file as a whole can't be read.
    """
    file = StockFile(content, ITEM_COLUMNS, required=("code", "name", "unit"))
    report = Report(ignored_columns=file.ignored_columns)
    seen: set[str] = set()
    with transaction.atomic():
        known = {item.code: item for item in Item.objects.all()}
        for record in file.records():
            try:
                values = _values(record, seen)
                outcome = _apply(values, known, actor, now)
            except CellError as error:
                rejected = Rejected(record.row, record.line, error.column, error.code, str(error))
                report.rejected.append(rejected)
            else:
                setattr(report, outcome, getattr(report, outcome) + 1)
        transaction.set_rollback(dry_run)
    return report


def _apply(values: dict[str, Any], known: dict[str, Item], actor: Actor, now: datetime) -> str:
    item = known.get(values["code"])
    if item is None:
        known[values["code"]] = make_item(actor=actor, now=now, **values)
        return "created"
    version = item.version
    values.pop("code")
    changed = change_item(item_id=item.pk, actor=actor, now=now, **values)
    known[changed.code] = changed
    return "updated" if changed.version != version else "unchanged"


def _values(record: Record, seen: set[str]) -> dict[str, Any]:
    if record.problem:
        raise CellError("", *record.problem)
    cells = {name: text for name, text in record.cells.items() if text}
    code = cells.get("code", "").upper()
    if not CODE.fullmatch(code):
        raise CellError("code", "INVALID_CODE", _("Write a code of capital letters, digits, . - and _ only."))
    if code in seen:
        raise CellError("code", "DUPLICATE", _("This code stands in the file already."))
    seen.add(code)
    values: dict[str, Any] = {"code": code}
    for column, longest in (("name", 120), ("unit", 40)):
        if column not in cells:
            raise CellError(column, "MISSING", _("This cell is empty."))
        values[column] = read_line(cells[column], column, longest)
    for column in ("pack_size", "shelf_life_days"):
        if column in cells:
            values[column] = read_whole(cells[column], column, least=1)
    if "vital" in cells:
        values["vital"] = read_yes_no(cells["vital"], "vital")
    return values
