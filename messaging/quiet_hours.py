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
