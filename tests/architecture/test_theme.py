"""The theme's style sheet is compiled: a class that it does not have styles nothing, and nobody notices."""

import re
from pathlib import Path

import unfold

from tests.architecture.house import ROOT

SHEETS = [
    Path(unfold.__file__).parent / "static/unfold/css/styles.css",
    ROOT / "common/static/common/admin.css",
    ROOT / "common/static/common/report.css",
    ROOT / "stock/static/stock/stock.css",
    ROOT / "appointments/static/appointments/day.css",
]
# Names for tests and scripts, which style nothing.
HOOKS = {
    *("action-counter", "last-issues", "stock-report", "stock-state", "rows-done"),
    *("at-once", "new-patient", "text-to-come", "to-day", "to-phone"),
}
CLASS = re.compile(r"""class=(?:"([^"]*)"|'([^']*)')""")
TAGS = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}")
# What the theme's own utilities look like; other words are names.
UTILITY = re.compile(r"[-:\[/]")


def known_classes():
    found = re.findall(r"\.((?:\\.|[\w-])+)", "".join(sheet.read_text() for sheet in SHEETS))
    return {re.sub(r"\\(.)", r"\1", name) for name in found} | HOOKS


def used_classes(path):
    text = re.sub(r"({%[^%]*?)\"([^\"]*)\"", r"\1'\2'", path.read_text())
    for match in CLASS.finditer(text):
        yield from TAGS.sub(" ", match[1] or match[2] or "").split()


def test_each_class_of_the_admins_pages_is_in_a_style_sheet():
    known = known_classes()
    pages = [page for room in ("admin", "unfold") for page in (ROOT / "templates" / room).rglob("*.html")]
    missing = {
        (page.name, name)
        for page in pages
        for name in used_classes(page)
        if UTILITY.search(name) and name not in known
    }
    assert missing == set()
