"""What the visits that are booked will use."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Q

from accounts.models import Clinic
from appointments.models import Appointment, AppointmentQuerySet
from stock.figures import lead_time
from stock.models import StockLevel, VisitTypeItem
from stock.models.catalogue import visit_type_key


def booked_demand(clinic: Clinic, levels: Sequence[StockLevel], *, now: datetime) -> dict[UUID, int]:
    """Of each of the clinic's levels, the units that live visits from now on use within its lead time and
    review period. Two queries, whatever the number of levels."""
    uses = _uses(clinic)
    horizons = {level.pk: round(lead_time(level)) + level.review_days for level in levels}
    if not uses or not horizons:
        return {}
    visits = _visits(clinic, now, max(horizons.values()))
    today = now.astimezone(clinic.zone).date()
    return {
        level.pk: sum(
            units
            for visit_type, units in uses.get(level.item_id, {}).items()
            for day in visits.get(visit_type, ())
            if (day - today).days < horizons[level.pk]
        )
        for level in levels
    }


def _uses(clinic: Clinic) -> dict[UUID, dict[str, int]]:
    """Units a visit, by item and visit type. The clinic's own rows go before those for all clinics."""
    found: dict[UUID, dict[str, int]] = defaultdict(dict)
    rows = VisitTypeItem.objects.filter(Q(clinic=clinic) | Q(clinic__isnull=True))
    for row in sorted(rows, key=lambda row: row.clinic_id is not None):
        found[row.item_id][row.visit_type_key] = row.quantity
    return found


def _visits(clinic: Clinic, now: datetime, days: int) -> dict[str, list[date]]:
    found = defaultdict(list)
    booked = (
        AppointmentQuerySet(Appointment)
        .live()
        .filter(clinic=clinic, starts_at__gte=now, starts_at__lt=now + timedelta(days=days))
    )
    for visit_type, starts_at in booked.exclude(visit_type="").values_list("visit_type", "starts_at"):
        found[visit_type_key(visit_type)].append(starts_at.astimezone(clinic.zone).date())
    return found
