"""What became of texts, and what they cost: by clinic, month, provider, status and error."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal

from django.conf import settings
from django.db.models import Count, DateField, Q, Sum
from django.db.models.functions import Coalesce, TruncMonth

from accounts.models import Clinic
from accounts.zones import by_zone
from messaging.models import Message, MessageQuerySet

# What became of a text, in the words of who pays for it.
ARRIVED, SENT, IN_VAIN, STOPPED, WAITING = "arrived", "sent", "in_vain", "stopped", "waiting"
OUTCOMES: dict[str, tuple[str, ...]] = {
    ARRIVED: ("delivered",),
    SENT: ("sent",),
    IN_VAIN: ("undelivered", "failed", "unknown"),
    STOPPED: ("cancelled", "expired", "suppressed"),
    WAITING: ("queued", "sending"),
}
_OUTCOME_OF = {status: outcome for outcome, statuses in OUTCOMES.items() for status in statuses}


@dataclass(frozen=True, slots=True)
class Group:
    """Texts that are alike. `month` is the first day of that in which they were asked for.

    `provider` is empty where none was tried. `parts_sent`: of the texts that a provider took.
    """

    clinic: Clinic
    month: date
    provider: str
    status: str
    error_code: str
    messages: int
    parts: int
    parts_sent: int

    @property
    def outcome(self) -> str:
        return _OUTCOME_OF[self.status]

    @property
    def currency(self) -> str | None:
        """None where the provider's price is not set, or nothing was sent."""
        found = settings.SMS_PRICE_PER_PART.get(self.provider)
        return found[1] if found and self.parts_sent else None

    @property
    def price(self) -> Decimal | None:
        """Of `parts_sent`, by the prices that are set today."""
        found = settings.SMS_PRICE_PER_PART.get(self.provider)
        return Decimal(found[0]) * self.parts_sent if found and self.parts_sent else None


def deliveries(
    clinics: Iterable[Clinic], bounds: Callable[[tzinfo], tuple[datetime, datetime]]
) -> list[Group]:
    """Counted in the database, one query a time zone. `bounds` gives the period on a zone's clock."""
    groups = []
    for zone, known in by_zone(clinics):
        begin, end = bounds(zone)
        texts = MessageQuerySet(Message).texts()
        texts = texts.filter(clinic__in=list(known), created_at__gte=begin, created_at__lt=end)
        rows = (
            texts.annotate(month=TruncMonth("created_at", tzinfo=zone, output_field=DateField()))
            .order_by()
            .values_list("clinic_id", "month", "provider", "status", "error_code")
            .annotate(
                messages=Count("pk"),
                parts=Sum("segments"),
                parts_sent=Coalesce(Sum("segments", filter=Q(sent_at__isnull=False)), 0),
            )
        )
        groups += [Group(known[clinic_id], *rest) for clinic_id, *rest in rows]
    return sorted(groups, key=lambda g: (g.clinic.code, g.month, g.provider, g.status, g.error_code))


def prices(groups: Iterable[Group]) -> list[tuple[Decimal, str]]:
    """The sums with their currencies, in the order of these."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for group in groups:
        if group.price is not None and group.currency:
            sums[group.currency] += group.price
    return [(sums[currency], currency) for currency in sorted(sums)]
