from datetime import datetime, timedelta

from accounts.models import Clinic


def next_allowed(moment: datetime, clinic: Clinic) -> datetime:
    """`moment`, or the end of the clinic's quiet hours if it lies in them: [from, to) in local time."""
    starts, ends = clinic.quiet_from, clinic.quiet_to
    if starts is None or ends is None:
        return moment
    local = moment.astimezone(clinic.zone)
    clock = local.time()
    over_midnight = starts > ends
    quiet = (clock >= starts or clock < ends) if over_midnight else starts <= clock < ends
    if not quiet:
        return moment
    day = local.date() + timedelta(days=1 if over_midnight and clock >= starts else 0)
    return datetime.combine(day, ends, clinic.zone)


def next_quiet_start(moment: datetime, clinic: Clinic) -> datetime | None:
    """When the clinic's quiet hours begin next, after `moment`; None where it has none."""
    if clinic.quiet_from is None or clinic.quiet_to is None:
        return None
    today = moment.astimezone(clinic.zone).date()
    start = datetime.combine(today, clinic.quiet_from, clinic.zone)
    return (
        start
        if start > moment
        else datetime.combine(today + timedelta(days=1), clinic.quiet_from, clinic.zone)
    )
