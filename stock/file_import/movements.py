"""A file of movements: what happened, entry by entry, in the order of its days."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, Change, record
from accounts.models import Clinic
from appointments.file_import.errors import CellError
from common.batches import batched
from common.errors import DomainError
from stock.book import Book
from stock.counting import book_count
from stock.entries import Entry, write
from stock.file_import.cells import read_day, read_line, read_whole
from stock.file_import.reading import MOVEMENT_COLUMNS, Record, StockFile
from stock.file_import.report import Rejected, Report
from stock.levels import start_level
from stock.models import Item, Movement, MovementKind, StockLevel
from stock.refreshing import refresh_levels
from stock.rules import MAX_LOT, MAX_REASON

BATCH = 2000
KINDS = (
    MovementKind.RECEIPT,
    MovementKind.ISSUE,
    MovementKind.UNMET,
    MovementKind.COUNT,
    MovementKind.WASTAGE,
    MovementKind.RETURN,
    MovementKind.ADJUSTMENT,
)
REQUIRED = ("date", "clinic", "item", "kind", "quantity")
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the file that could be read. `key` is the same whenever the file comes again."""

    record: Record
    day: date
    clinic: Clinic
    item: Item
    kind: str
    quantity: int
    lot: str
    expires_on: date | None
    reason: str
    key: str = ""


@dataclass(slots=True)
class _Run:
    """One import: whose, when, and what came of it so far."""

    actor: Actor
    now: datetime
    dry_run: bool
    report: Report
    touched: set[UUID] = field(default_factory=set)

    def reject(self, record: Record, column: str, code: str, reason: str) -> None:
        self.report.rejected.append(Rejected(record.row, record.line, column, code, reason))


def import_movements(
    content: bytes,
    *,
    clinics: Iterable[Clinic],
    actor: Actor,
    now: datetime,
    dry_run: bool = False,
) -> Report:
    """Writes the rows that aren't in the ledger yet, for these clinics; levels are started where needed.

    In transactions of BATCH rows: an import that was cut off is finished by importing the same file again. A
    count sets the balance of its day; what the ledger has of later days is kept. Expired lots may be drawn
    on. UnreadableFile when the file as a whole can't be read.
    """
    file = StockFile(content, MOVEMENT_COLUMNS, REQUIRED)
    run = _Run(actor, now, dry_run, Report(ignored_columns=file.ignored_columns))
    for batch in batched(_readable(file, list(clinics), run), BATCH):
        with transaction.atomic():
            _apply(batch, run)
            transaction.set_rollback(dry_run)
    if not dry_run:
        refresh_levels(sorted(run.touched), now=now)
    run.report.rejected.sort(key=lambda rejected: rejected.row)
    return run.report


def _readable(file: StockFile, clinics: Sequence[Clinic], run: _Run) -> list[Line]:
    """In the order in which they are written: level by level, day by day, else as in the file."""
    by_code = {clinic.code: clinic for clinic in clinics}
    items = {item.code: item for item in Item.objects.all()}
    repeats: Counter[tuple[object, ...]] = Counter()
    lines = []
    for row in file.records():
        try:
            lines.append(_keyed(_read(row, by_code, items, run.now), repeats))
        except CellError as error:
            run.reject(row, error.column, error.code, str(error))
    return sorted(lines, key=lambda line: (line.clinic.code, line.item.code, line.day))


def _read(row: Record, clinics: dict[str, Clinic], items: dict[str, Item], now: datetime) -> Line:
    if row.problem:
        raise CellError("", *row.problem)
    cells = row.cells
    for column in REQUIRED:
        if not cells.get(column):
            raise CellError(column, "MISSING", _("This cell is empty."))
    clinic = clinics.get(cells["clinic"].upper())
    if clinic is None:
        raise CellError("clinic", "UNKNOWN_CLINIC", _("There is no clinic of this code."))
    item = items.get(cells["item"].upper())
    if item is None:
        raise CellError("item", "UNKNOWN_ITEM", _("There is no item of this code. Import the items first."))
    kind = cells["kind"].casefold()
    if kind not in KINDS:
        raise CellError("kind", "UNKNOWN_KIND", _("Write one of: %(kinds)s.") % {"kinds": ", ".join(KINDS)})
    day = read_day(cells["date"], "date")
    if day > now.astimezone(clinic.zone).date():
        raise CellError("date", "IN_THE_FUTURE", _("This day is still to come."))
    least = {MovementKind.COUNT: 0, MovementKind.ADJUSTMENT: -1_000_000_000}.get(MovementKind(kind), 1)
    expires = cells.get("expires_on")
    return Line(
        record=row,
        day=day,
        clinic=clinic,
        item=item,
        kind=kind,
        quantity=read_whole(cells["quantity"], "quantity", least=least),
        lot=read_line(cells.get("lot", ""), "lot", MAX_LOT),
        expires_on=read_day(expires, "expires_on") if expires else None,
        reason=read_line(cells.get("reason", ""), "reason", MAX_REASON),
    )


def _keyed(line: Line, repeats: Counter[tuple[object, ...]]) -> Line:
    """Two rows of the same words are two entries; the same row in another copy of the file is one."""
    said = (
        line.day, line.clinic.code, line.item.code, line.kind, line.quantity,
        line.lot, line.expires_on, line.reason,
    )  # fmt: skip
    repeats[said] += 1
    text = "\x1f".join(map(str, (*said, repeats[said])))
    return replace(line, key="file:" + hashlib.sha256(text.encode()).hexdigest()[:40])


def _apply(batch: Sequence[Line], run: _Run) -> None:
    known = set(
        Movement.objects.filter(dedupe_key__in=[line.key for line in batch]).values_list(
            "dedupe_key", flat=True
        )
    )
    new = [line for line in batch if line.key not in known]
    run.report.unchanged += len(batch) - len(new)
    if not new:
        return
    levels = _levels(new, run)
    codes = {line.lot for line in new}
    book = Book(levels.values(), actor=run.actor, now=run.now, lot_codes=codes)
    before = {pk: level.on_hand for pk, level in book.levels.items()}
    later = _later_entries(new, levels)
    for line in new:
        level = book.level(levels[line.clinic.code, line.item.code])
        try:
            _write(book, level, line, later[level.pk])
        except DomainError as error:
            column, reasons = next(iter(error.details.items()), ("quantity", [error.message]))
            run.reject(line.record, column, error.code, reasons[0])
        else:
            run.report.created += 1
    if not run.dry_run:
        # What the first half of a history says is no news; `refresh_levels` has the whole.
        book.save(alerts=False)
        record(run.actor, _told(book, before), now=run.now)
        run.touched.update(book.levels)


def _write(book: Book, level: StockLevel, line: Line, later: Sequence[tuple[date, int]]) -> None:
    if line.kind == MovementKind.COUNT:
        balance = level.on_hand - sum(change for day, change in later if day > line.day)
        at = datetime.combine(line.day, time(12), tzinfo=level.clinic.zone)
        book_count(
            book, level, line.quantity, line.quantity - balance,
            at=at, reason=line.reason, dedupe_key=line.key,
        )  # fmt: skip
        return
    entry = Entry(
        level_id=level.pk,
        kind=line.kind,
        quantity=line.quantity,
        lot=line.lot,
        expires_on=line.expires_on,
        reason=line.reason,
        occurred_on=line.day,
        dedupe_key=line.key,
        history=True,
    )
    write(book, entry, {})


def _levels(lines: Sequence[Line], run: _Run) -> dict[Place, UUID]:
    """The level of each clinic and item, started where there is none yet."""
    places = {(line.clinic.code, line.item.code): line for line in lines}
    found = StockLevel.objects.filter(
        clinic__in={line.clinic.pk for line in lines}, item__in={line.item.pk for line in lines}
    )
    levels = {
        (clinic, item): pk for pk, clinic, item in found.values_list("pk", "clinic__code", "item__code")
    }
    for place, line in places.items():
        if place not in levels:
            levels[place] = start_level(clinic=line.clinic, item=line.item, actor=run.actor, now=run.now).pk
    return {place: levels[place] for place in places}


def _later_entries(lines: Sequence[Line], levels: dict[Place, UUID]) -> dict[UUID, list[tuple[date, int]]]:
    """What the ledger has already of days after the first count, by level."""
    later: dict[UUID, list[tuple[date, int]]] = defaultdict(list)
    counts = [line for line in lines if line.kind == MovementKind.COUNT]
    if counts:
        ids = {levels[line.clinic.code, line.item.code] for line in counts}
        first = min(line.day for line in counts)
        found = Movement.objects.filter(level__in=ids, occurred_on__gt=first).exclude(change=0)
        for level_id, day, change in found.values_list("level_id", "occurred_on", "change"):
            later[level_id].append((day, change))
    return later


def _told(book: Book, before: dict[UUID, int]) -> list[Change]:
    entries = Counter(movement.level_id for movement in book.written)
    return [
        Change(
            "imported",
            "stock.stocklevel",
            pk,
            level.clinic_id,
            {"on_hand": [before[pk], level.on_hand], "entries": [None, entries[pk]]},
        )
        for pk, level in book.levels.items()
        if entries[pk]
    ]
