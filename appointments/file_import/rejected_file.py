"""The file of rejected rows on disk: refused before anything is imported, in its place only when whole."""

import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from django.utils.translation import gettext as _

from appointments.file_import.writing import write_rejected
from common.errors import DomainError


class RejectedFileRefused(DomainError):
    """The rejected rows can't be written there. The message says why and what to give instead."""


class RejectedFile:
    """A draft beside `path`, made at once; leaving the `with` block without `write` leaves no trace.

    It holds patients' data, so that its owner alone may read it. RejectedFileRefused when `path` is
    `source` (the file being imported) or can't be written; OSError when writing fails later.
    """

    def __init__(self, path: Path, *, source: Path) -> None:
        self.path = path
        # A link stays a link: what it leads to is written.
        self._place = path.resolve()
        self._refuse(source)
        try:
            descriptor, draft = tempfile.mkstemp(dir=self._place.parent, prefix=f".{self._place.name[:100]}.")
        except OSError as error:
            raise RejectedFileRefused(
                _("%(path)s can't be written: %(why)s. Give --errors a place that can.")
                % {"path": path, "why": error.strerror}
            ) from None
        os.close(descriptor)
        self._draft = Path(draft)

    def _refuse(self, source: Path) -> None:
        place = self._place
        if place == source.resolve() or (place.exists() and place.samefile(source)):
            raise RejectedFileRefused(
                _("--errors names the file that is imported, which would be lost. Give it another name.")
            )
        if place.exists() and not (place.is_file() and os.access(place, os.W_OK)):
            raise RejectedFileRefused(
                _("%(path)s is no file that can be written over. Give --errors another name.")
                % {"path": self.path}
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._draft.unlink(missing_ok=True)

    def write(
        self, header: Sequence[str], rows: Iterable[tuple[Sequence[str], str]], *, delimiter: str
    ) -> None:
        with self._draft.open("w", encoding="utf-8", newline="") as out:
            write_rejected(out, header, rows, delimiter=delimiter)
            out.flush()
            os.fsync(out.fileno())
        self._draft.replace(self._place)
