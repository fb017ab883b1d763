"""Many items in one call: each with its own result, in order; or all or none."""

from collections.abc import Callable, Sequence
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from common.errors import StateConflict
from common.rest.errors import as_item


class ItemError(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    details = serializers.DictField()


def all_or_none(results: Sequence[Any]) -> list[Any]:
    """With one refusal among the results nothing was done: the others say so."""
    if not any(isinstance(result, Exception) for result in results):
        return list(results)
    return [result if isinstance(result, Exception) else _not_done() for result in results]


def answered(results: Sequence[Any], seen: Callable[[Any], Any], *, status: int) -> dict[str, Any]:
    """How many `succeeded` and `failed`, and the `results`: as `seen` shows each, with `status`, or refused.

    An exception that is no refusal is raised.
    """
    shown = []
    for index, result in enumerate(results):
        if not isinstance(result, Exception):
            shown.append({"index": index, "status": status, "object": seen(result)})
            continue
        refusal = as_item(result)
        if refusal is None:
            raise result
        shown.append({"index": index, "status": refusal[0], "error": refusal[1]})
    failed = sum("error" in result for result in shown)
    return {"succeeded": len(shown) - failed, "failed": failed, "results": shown}


def _not_done() -> StateConflict:
    return StateConflict(_("Nothing was done, because another item can't be. Mend that one."))
