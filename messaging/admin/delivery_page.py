"""The manager's page of delivery: do texts arrive, by whom, why not, and what they cost."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.report_page import Cell, Line, ReportPage, alike, percent, whole
from accounts.report_request import ReportRequest
from common.charts import bar
from messaging.admin.text_filters import NO_PROVIDER
from messaging.delivery_report import ARRIVED, IN_VAIN, SENT, STOPPED, Group, deliveries, prices
from messaging.models import Channel, Message
from messaging.reason_words import in_words

TRIED = (ARRIVED, SENT, IN_VAIN)


def delivery_view(model_admin: Any, request: HttpRequest) -> HttpResponseBase:
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    return DeliveryPage(model_admin, request).answer()


class DeliveryPage(ReportPage[Group]):
    title = gettext_lazy("Delivery of texts")
    template = "admin/messaging/delivery.html"
    filename = "delivery.csv"
    csv_columns = (
        *("clinic_code", "clinic_name", "month", "provider", "status", "error_code"),
        *("messages", "parts", "parts_sent", "price", "currency"),
    )
    picture_title = gettext_lazy("Share of texts that did not arrive, by month")
    counted = Message
    day_filter = "asked"
    always = {"channel__exact": Channel.SMS.value}

    def read(self, asked: ReportRequest) -> list[Group]:
        return deliveries(asked.clinics, asked.bounds)

    def csv_row(self, group: Group) -> list[Any]:
        price = None if group.price is None else str(group.price)
        return [
            *(group.clinic.code, group.clinic.name, f"{group.month:%Y-%m}"),
            *(group.provider, group.status, group.error_code, group.messages),
            *(group.parts, group.parts_sent, price, group.currency),
        ]

    def figures(self) -> list[tuple[str, str, str]]:
        counts = _counts(self.groups)
        parts = sum(group.parts_sent for group in self.groups)
        return [
            (_("of the texts sent were delivered"), percent(_share(counts, ARRIVED)), ""),
            (_("texts did not arrive"), whole(counts[IN_VAIN]), self.list_of(outcome=IN_VAIN)),
            (_("parts were sent, each of which costs"), whole(parts), ""),
            (_("by today's prices"), _cost(self.groups), ""),
        ]

    def headings(self) -> list[str]:
        return [_("Texts"), _("Delivered"), _("No word yet"), _("Did not arrive"), _("Parts"), _("Cost")]

    def month(self, groups: list[Group]) -> tuple[float | None, str, dict[str, Any]]:
        counts = _counts(groups)
        words = _("%(failed)s of %(all)s did not arrive") % {
            "failed": whole(counts[IN_VAIN]),
            "all": whole(_tried(counts)),
        }
        return _share(counts, IN_VAIN), words, {"outcome": IN_VAIN}

    def parts(self) -> list[tuple[str, list[Line]]]:
        given = [group for group in self.groups if group.outcome in TRIED or group.provider]
        providers = [
            self.line(name or _("none was tried"), some, provider=name or NO_PROVIDER)
            for name, some in sorted(alike(given, lambda group: group.provider).items())
        ]
        return [
            (_("Providers"), providers),
            (_("Clinics"), self.by_clinic()),
            (_("Months"), self.by_month()),
        ]

    def line(self, title: str, groups: list[Group], **filters: Any) -> Line:
        counts = _counts(groups)
        shares = [
            (colour, _share(counts, outcome) or 0)
            for colour, outcome in (("good", ARRIVED), ("main", SENT), ("bad", IN_VAIN))
        ]
        cells = [
            Cell(whole(sum(counts.values())), self.list_of(**filters)),
            *(Cell(whole(counts[name]), self.list_of(outcome=name, **filters)) for name in TRIED),
            Cell(whole(sum(group.parts_sent for group in groups))),
            Cell(_cost(groups)),
        ]
        return Line(title, self.list_of(**filters), percent(_share(counts, ARRIVED)), bar(*shares), cells)

    def more(self) -> dict[str, Any]:
        priced = any(group.price is not None for group in self.groups)
        return {"reasons": self._reasons(), "priced": priced}

    def _reasons(self) -> list[Line]:
        """Why texts did not arrive or were not sent, the commonest first."""
        lost = [group for group in self.groups if group.outcome in (IN_VAIN, STOPPED)]
        every = _texts(lost) or 1
        by_code = alike(lost, lambda group: group.error_code)
        lines = []
        for code, some in sorted(by_code.items(), key=lambda pair: -_texts(pair[1])):
            count = _texts(some)
            href = self.list_of(reason=code) if code else ""
            share = count / every
            lines.append(
                Line(in_words(code), href, percent(share), bar(("bad", share)), [Cell(whole(count), href)])
            )
        return lines


def _texts(groups: Iterable[Group]) -> int:
    return sum(group.messages for group in groups)


def _counts(groups: Iterable[Group]) -> dict[str, int]:
    """Texts by what became of them."""
    counts: dict[str, int] = defaultdict(int)
    for group in groups:
        counts[group.outcome] += group.messages
    return counts


def _tried(counts: dict[str, int]) -> int:
    return sum(counts[name] for name in TRIED)


def _share(counts: dict[str, int], name: str) -> float | None:
    """Of the texts that were given to a provider."""
    tried = _tried(counts)
    return counts[name] / tried if tried else None


def _cost(groups: Iterable[Group]) -> str:
    sums = prices(groups)
    return " + ".join(f"{number_format(sum_, 2, force_grouping=True)} {name}" for sum_, name in sums) or "–"
