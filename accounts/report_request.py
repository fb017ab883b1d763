"""What a manager's page is asked for: which clinics, which days."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import clinics_visible_to
from accounts.models import Clinic

USUAL_MONTHS = 12
MOST_DAYS = 5 * 366
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """`clinics`: those counted. `first` and `last` are days, both counted, on each clinic's own calendar."""

    clinics: list[Clinic]
    offered: list[Clinic]
    clinic: str
    first: date
    last: date
    problem: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> "ReportRequest":
        """Reads `clinic`, `from`, `until`. What can't be read is said in `problem`, and the usual shown."""
        offered = list(clinics_visible_to(request.user))
        asked = request.GET.get("clinic", "")
        chosen = [clinic for clinic in offered if str(clinic.pk) == asked] if asked else offered
        first, last, problem = _period(request.GET.get("from", ""), request.GET.get("until", ""))
        return cls(chosen, offered, asked, first, last, problem)

    def bounds(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """Inclusive and exclusive."""
        return datetime.combine(self.first, time(), zone), datetime.combine(self.last + DAY, time(), zone)

    @property
    def query(self) -> str:
        """The same for another address of this page."""
        asked = {"from": self.first.isoformat(), "until": self.last.isoformat()}
        return urlencode(asked | ({"clinic": self.clinic} if self.clinic else {}))

    @property
    def days(self) -> str:
        """As a list's filter by day takes it."""
        return f"{self.first}..{self.last}"

    def days_of(self, month: date) -> str:
        """The same for one month of it, given by its first day."""
        end = (month.replace(day=28) + 4 * DAY).replace(day=1) - DAY
        return f"{max(month, self.first)}..{min(end, self.last)}"

    @property
    def months(self) -> list[date]:
        """The first day of each."""
        found, month = [], self.first.replace(day=1)
        while month <= self.last:
            found.append(month)
            month = (month.replace(day=28) + 4 * DAY).replace(day=1)
        return found


def _period(first: str, last: str) -> tuple[date, date, str]:
    today = timezone.localdate()
    usual = _months_before(today, USUAL_MONTHS - 1), today
    try:
        end = date.fromisoformat(last) if last else today
        begin = date.fromisoformat(first) if first else _months_before(end, USUAL_MONTHS - 1)
    except (ValueError, OverflowError):
        return *usual, _("This is no date. The last twelve months are shown.")
    if not (begin.year >= 1900 and end.year <= 2200):
        return *usual, _("Check the year. The last twelve months are shown.")
    if begin > end:
        return *usual, _("The first day is after the last one. The last twelve months are shown.")
    if (end - begin).days > MOST_DAYS:
        return *usual, _("At most five years at once. The last twelve months are shown.")
    return begin, end, ""


def _months_before(day: date, months: int) -> date:
    """The first day of the month that was so many before."""
    count = day.year * 12 + day.month - 1 - months
    return date(max(count // 12, 1), count % 12 + 1, 1)
