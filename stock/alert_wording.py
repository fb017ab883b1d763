"""What stock managers read: one short neutral text, and a mail with the table."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import Clinic
from messaging.models import TemplateKey
from messaging.rendering import visit_words
from messaging.template_book import TemplateBook, Text
from stock.models import StockAlert
from stock.reaching import Reader, zone_of
from stock.words import number, suggestion_basis

# More rows than these nobody reads in a mail; the page has them all.
MOST_ROWS = 100
# To be read by a native speaker before live use, as all Setswana here.
_COUNTS: dict[str, dict[str, str]] = {
    "en": {"new": "new", "worse": "worse", "waiting": "still waiting", "over": "over"},
    "tn": {
        "new": "tse disha",
        "worse": "tse di okeditsweng",
        "waiting": "tse di letileng",
        "over": "tse di fedileng",
    },
}
_ALL_OVER: dict[str, str] = {
    "en": "Stock at {clinic} is all right again.",
    "tn": "Setoko kwa {clinic} se siame gape.",
}
_SOME_OVER: dict[str, str] = {
    "en": "Stock at {clinic}: {over} over, {open} still open.",
    "tn": "Setoko kwa {clinic}: tse di fedileng {over}, tse di sa ntseng di butswe {open}.",
}


@dataclass
class News:
    """What a person was not told yet, by what it is."""

    new: list[StockAlert] = field(default_factory=list)
    worse: list[StockAlert] = field(default_factory=list)
    # Nobody has acted on them for long.
    waiting: list[StockAlert] = field(default_factory=list)
    over: list[StockAlert] = field(default_factory=list)
    # Earlier episodes of an item of `over`: known to be over with it, and not said one by one.
    folded: list[StockAlert] = field(default_factory=list)
    # How many alerts are open in the clinics of `over`, told or not.
    still_open: int = 0

    def parts(self) -> dict[str, list[StockAlert]]:
        return {"new": self.new, "worse": self.worse, "waiting": self.waiting, "over": self.over}

    def alerts(self) -> list[StockAlert]:
        return [alert for part in self.parts().values() for alert in part]

    def clinics(self) -> list[Clinic]:
        found = {alert.clinic_id: alert.clinic for alert in self.alerts()}
        return sorted(found.values(), key=lambda clinic: clinic.name)


@dataclass(frozen=True, slots=True)
class Mail:
    subject: str
    text: str
    html: str


def low_stock_text(reader: Reader, clinics: Sequence[Clinic], now: datetime, *, added: str = "") -> Text:
    """The template `low_stock` for these clinics, with `added` behind it."""
    language, only = reader.preferences.language, clinics[0] if len(clinics) == 1 else None
    book = TemplateBook(TemplateKey.LOW_STOCK, [only.pk] if only else [])
    context = _context(reader, clinics, now)
    text = book.text(only.pk if only else None, language, context)
    return Text.of(f"{text.body} {added}") if added else text


def digest_text(reader: Reader, news: News, now: datetime) -> Text:
    """One part: what it is about, with the counts where they fit in."""
    clinics, language = news.clinics(), reader.preferences.language
    counts = [f"{len(alerts)} {_COUNTS[language][name]}" for name, alerts in news.parts().items() if alerts]
    if not (news.new or news.worse or news.waiting):
        words = (_SOME_OVER if news.still_open else _ALL_OVER)[language]
        return Text.of(words.format(clinic=_names(clinics), over=len(news.over), open=news.still_open))
    plain = low_stock_text(reader, clinics, now)
    counted = low_stock_text(reader, clinics, now, added=f"({', '.join(counts)})")
    return counted if counted.segments <= plain.segments else plain


def _context(reader: Reader, clinics: Sequence[Clinic], now: datetime) -> dict[str, str]:
    return {
        "name": reader.user.first_name,
        "clinic": _names(clinics),
        "clinic_phone": clinics[0].phone if len(clinics) == 1 else "",
        **visit_words(now, zone_of(reader.preferences), reader.preferences.language),
    }


def _names(clinics: Sequence[Clinic]) -> str:
    """In any language: "Main Clinic +2"."""
    more = f" +{len(clinics) - 1}" if len(clinics) > 1 else ""
    return f"{clinics[0].name}{more}"


def digest_mail(reader: Reader, news: News, day: date) -> Mail:
    """All that is new for this person, with what to order and why."""
    with translation.override(reader.preferences.language):
        titles = {
            "new": _("New"),
            "worse": _("Worse than before"),
            "waiting": _("Nobody has acted on these yet"),
            "over": _("Over"),
        }
        subject = _("Stock on %(day)s: %(counts)s") % {
            "day": f"{day.day}.{day.month}.",
            "counts": ", ".join(
                f"{len(alerts)} {titles[name].lower()}" for name, alerts in news.parts().items() if alerts
            ),
        }
        return _mail(reader, subject, titles, news.parts())


def at_once_mail(reader: Reader, alerts: Sequence[StockAlert], *, message: str = "") -> Mail:
    """Vital items that are out; or, with a `message`, what somebody has to say of an item."""
    with translation.override(reader.preferences.language):
        item, clinic = alerts[0].level.item, alerts[0].clinic
        subject = _("%(clinic)s: %(item)s is out of stock") % {"clinic": clinic.name, "item": item.name}
        if len(alerts) > 1:
            subject = _("%(clinic)s: %(count)d vital items are out of stock") % {
                "clinic": clinic.name,
                "count": len(alerts),
            }
        return _mail(reader, subject, {"out": _("Out of stock")}, {"out": alerts}, message)


def manual_mail(reader: Reader, alert: StockAlert, message: str, sender: str) -> Mail:
    """`alert` may be unsaved: it stands for its level."""
    with translation.override(reader.preferences.language):
        subject = _("%(clinic)s: %(item)s needs attention") % {
            "clinic": alert.clinic.name,
            "item": alert.level.item.name,
        }
        said = f"{sender}: {message}" if message else _("%(who)s asks you to look at it.") % {"who": sender}
        return _mail(reader, subject, {"it": _("Stock")}, {"it": [alert]}, said)


def _mail(
    reader: Reader,
    subject: str,
    titles: Mapping[str, str],
    parts: Mapping[str, Collection[StockAlert]],
    message: str = "",
) -> Mail:
    base = settings.PUBLIC_BASE_URL.rstrip("/")
    context = {
        "subject": subject,
        "name": reader.user.first_name,
        "message": message,
        "language": reader.preferences.language,
        "link": f"{base}{reverse('admin:stock_stockalert_changelist')}" if base else "",
        "parts": [
            {
                "title": titles[name],
                "rows": [_row(alert, over=name == "over") for alert in list(alerts)[:MOST_ROWS]],
                "more": max(len(alerts) - MOST_ROWS, 0),
            }
            for name, alerts in parts.items()
            if alerts
        ],
    }
    text = render_to_string("mails/stock.txt", context)
    return Mail(" ".join(subject.split())[:200], text, render_to_string("mails/stock.html", context))


def _row(alert: StockAlert, *, over: bool) -> dict[str, Any]:
    level = alert.level
    days = level.days_of_stock
    return {
        "item": level.item.name,
        "code": level.item.code,
        "clinic": alert.clinic.name,
        "status": level.get_status_display() if over else alert.get_status_display(),
        "on_hand": level.on_hand,
        "unit": level.item.unit,
        "days": _("not known") if days is None else number(days),
        "order": level.suggested_order,
        "why": "" if over else suggestion_basis(level),
        "ordered": alert.ordered,
    }
