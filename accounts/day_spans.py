"""Days as a list's filter and a report's address name them."""

from datetime import date, timedelta


def span_of(asked: str, today: date) -> tuple[date | None, date | None]:
    """The first and the last day that a choice means; None is no bound. What can't be read is today."""
    monday = today - timedelta(days=today.weekday())
    day = timedelta(days=1)
    spans: dict[str, tuple[date | None, date | None]] = {
        "tomorrow": (today + day, today + day),
        "yesterday": (today - day, today - day),
        "week": (monday, monday + 6 * day),
        "from-today": (today, None),
        "past": (None, today - day),
    }
    if asked in spans:
        return spans[asked]
    chosen = as_date(asked) or today
    return as_span(asked) or (chosen, chosen)


def as_span(text: str) -> tuple[date, date] | None:
    """Two dates with two dots between them."""
    first, dots, last = text.partition("..")
    begin, end = as_date(first), as_date(last)
    return (begin, end) if dots and begin and end else None


def as_date(text: str) -> date | None:
    """A date of our times, or None."""
    try:
        chosen = date.fromisoformat(text)
    except ValueError:
        return None
    # Further out there is no tomorrow to compute.
    return chosen if 1900 <= chosen.year <= 2200 else None
