from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import Clinic


def by_zone(clinics: Iterable[Clinic]) -> Iterator[tuple[ZoneInfo, dict[Any, Clinic]]]:
    """Each time zone with its clinics by their ids, in the order of the zones' names."""
    found: dict[str, dict[Any, Clinic]] = defaultdict(dict)
    for clinic in clinics:
        found[clinic.time_zone][clinic.pk] = clinic
    for name in sorted(found):
        yield ZoneInfo(name), found[name]
