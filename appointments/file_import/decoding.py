"""Which kind of file this is, and in which encoding its text is written."""

import codecs
import io
import re
import zipfile

from django.utils.translation import gettext as _

from appointments.file_import.errors import UnreadableFile

_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_CHUNK = 64 * 1024
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SIGNATURES = {
    b"%PDF": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"\x1f\x8b": "GZIP",
    b"{\\rtf": "RTF",
    b"SQLite format 3": "SQLite",
}
_MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<table")


def text_encoding(content: bytes) -> str:
    """Python's name of the encoding in which the whole of `content` can be decoded, or UnreadableFile."""
    _refuse_other_kinds(content)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _certain(content, "utf-16")
    if content.startswith(codecs.BOM_UTF8):
        return _certain(content, "utf-8-sig")
    if wide := _utf_16_without_mark(content):
        return _certain(content, wide)
    error = _first_error(content, "utf-8")
    if error is None:
        return "utf-8"
    # Valid UTF-8 before the fault is no accident: reading the whole as Windows-1252 would garble it.
    if not _BEYOND_ASCII.search(content, 0, error) and _first_error(content, "cp1252") is None:
        return "cp1252"
    raise _damaged()


def is_workbook(content: bytes) -> bool:
    """Whether this is a workbook as Excel writes it since 2007 (.xlsx)."""
    if not content.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(name.startswith("xl/") for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return False


def _refuse_other_kinds(content: bytes) -> None:
    if content.startswith(_OLD_OFFICE):
        raise UnreadableFile(
            _("This is an old Excel workbook (.xls). Open it in Excel and save it as “CSV UTF-8”.")
        )
    if content.startswith(b"PK"):
        raise UnreadableFile(
            _("This is a ZIP file or an office document. Save the appointments as “CSV UTF-8”.")
        )
    if content[:200].lstrip(codecs.BOM_UTF8 + b" \t\r\n").lower().startswith(_MARKUP):
        raise UnreadableFile(
            _("This is a web page, not a table. Open it in Excel and save it as “CSV UTF-8”.")
        )
    for signature, kind in _SIGNATURES.items():
        if content.startswith(signature):
            raise UnreadableFile(
                _("This is a %(kind)s file, not a table. Save the appointments as “CSV UTF-8”.")
                % {"kind": kind}
            )


def _utf_16_without_mark(content: bytes) -> str | None:
    # The heading line is nearly all ASCII, so every other byte of it is NUL.
    sample = content[:2048]
    pairs = len(sample) // 2
    first, second = sample[0::2].count(0), sample[1::2].count(0)
    if second * 2 > pairs and first * 10 < second:
        return "utf-16-le"
    if first * 2 > pairs and second * 10 < first:
        return "utf-16-be"
    return None


def _certain(content: bytes, encoding: str) -> str:
    if _first_error(content, encoding) is not None:
        raise _damaged()
    return encoding


def _first_error(content: bytes, encoding: str) -> int | None:
    """Where `content` can't be decoded, read a chunk at a time; None if all of it can."""
    decoder = codecs.getincrementaldecoder(encoding)()
    end = 0
    try:
        while end < len(content):
            chunk = content[end : end + _CHUNK]
            end += len(chunk)
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        # What the decoder had before it ends where the chunk ends, and begins with a rest of the last one.
        return max(end - len(error.object) + error.start, 0)
    return None


def _damaged() -> UnreadableFile:
    return UnreadableFile(
        _(
            "This file is damaged, mixes several encodings, or is not a text file. Open it in Excel or "
            "LibreOffice, check the names, and save it as “CSV UTF-8”."
        )
    )
