from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from common.errors import ValidationFailed


@dataclass(frozen=True, slots=True)
class Sort:
    """An order that is total: `field` (a path of the model, never null), then the key."""

    name: str
    field: str
    descending: bool

    def order(self, *, backwards: bool = False) -> tuple[str, str]:
        sign = "-" if self.descending != backwards else ""
        return f"{sign}{self.field}", f"{sign}pk"


def sort_of(request: Any, view: Any) -> Sort:
    """The order asked for, of those in `view.sort_fields` (name → path), else `view.default_sort`."""
    given = request.query_params.get("sort", view.default_sort)
    name = given.removeprefix("-")
    if name not in view.sort_fields:
        names = ", ".join(sorted(view.sort_fields))
        raise ValidationFailed.on(
            "sort", _("Sort by one of these, with - in front to turn it round: %s") % names
        )
    return Sort(given, view.sort_fields[name], given.startswith("-"))
